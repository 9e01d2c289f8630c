package sessions

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
)

// A token that could outlive the list entry of its session is refused, however an issuer came to
// make it.
func TestUnbounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote(func(c *RemoteConfig) { c.AllowNoSession = true })
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(5 * time.Second)
		o := gateway(p.ring.get(), r.Check)
		now := time.Now().Unix()
		at := func(secs int64) string { return fmt.Sprint(now + secs) }
		life := int64(testLifetime / time.Second)
		for name, c := range map[string]struct {
			claims string
			want   error
		}{
			"of the full lifetime":              {`"iat":` + at(0) + `,"exp":` + at(life) + `,"sid":"s","jti":"j"`, nil},
			"a second longer":                   {`"iat":` + at(0) + `,"exp":` + at(life+1) + `,"sid":"s","jti":"j"`, ErrUnbounded},
			"a fraction longer":                 {`"iat":` + at(0) + `,"exp":` + at(life) + `.5,"sid":"s","jti":"j"`, ErrUnbounded},
			"without iat":                       {`"exp":` + at(60) + `,"sid":"s","jti":"j"`, ErrUnbounded},
			"with jti alone":                    {`"iat":` + at(0) + `,"exp":` + at(60) + `,"jti":"j"`, nil},
			"with jti alone, and no iat":        {`"exp":` + at(60) + `,"jti":"j"`, ErrUnbounded},
			"with an empty sid":                 {`"iat":` + at(0) + `,"exp":` + at(60) + `,"sid":"","jti":"j"`, nil},
			"with neither sid nor jti":          {`"iat":` + at(0) + `,"exp":` + at(60), ErrUnnamed},
			"with both of them, and both empty": {`"iat":` + at(0) + `,"exp":` + at(60) + `,"sid":"","jti":""`, ErrUnnamed},
		} {
			_, err := o(t.Context(), `{"iss":"`+testIssuer+`","aud":"api",`+c.claims+`}`)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	})
}

// gateway signs claims and opens the token. No claim is sealed to one recipient, so the token is
// nested, and the returned function has the recipient's key.
func gateway(set *keys.Set, check func(context.Context, *open.Token) error) func(context.Context, string) (*open.Token, error) {
	enc := keytest.NewKey(keys.ECDHES)
	o := need(open.New(open.Config{
		Audience: "api", Trust: []open.Issuer{{ID: testIssuer, Keys: set}}, Decryption: keytest.NewSet(enc), Check: check,
	}))
	return func(ctx context.Context, claims string) (*open.Token, error) {
		k := need(set.SigningKey())
		input := strict.EncodeBase64URL(fmt.Appendf(nil, `{"alg":"ES256","kid":%q,"typ":"sealed+jwt"}`, k.ID())) + "." + strict.EncodeBase64URL([]byte(claims))
		signed := input + "." + strict.EncodeBase64URL(need(k.Sign(ctx, []byte(input))))
		sender := need(enc.NewSender(keys.A256GCM))
		header := []byte(strict.EncodeBase64URL(append(sender.AppendHeader([]byte("{")), `,"cty":"JWT"}`...)))
		token := string(header)
		for _, part := range sender.Seal(nil, header, []byte(signed)) {
			token += "." + strict.EncodeBase64URL(part)
		}
		return o.Open(ctx, token)
	}
}

// The memo returns the values that would be computed, also if two tokens share a slot.
func TestMemo(t *testing.T) {
	var m memo
	ids := sids(0, 5000)
	ids[7], ids[8] = "", string(make([]byte, 500))
	for range 3 {
		for i, sid := range ids {
			jti := ids[len(ids)-1-i]
			h := m.of(testIssuer, sid, jti)
			if h.session != entryOf(kindSession, testIssuer, sid) || h.token != entryOf(kindToken, testIssuer, jti) {
				t.Fatalf("%q and %q", sid, jti)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { m.of(testIssuer, ids[4999], ids[0]) }); n != 0 {
		t.Errorf("a token that comes again makes %v allocations", n)
	}
}
