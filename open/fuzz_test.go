package open_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// fixture is an opener with the keys of the golden tokens, which are the same in
// every process that fuzzes, and those keys for go-jose.
type fixture struct {
	openers    []*open.Opener // of nested tokens, by typ
	selective  *open.Opener
	gateway    *open.Opener
	at         time.Time
	issuers    map[string]jose.JSONWebKey // by kid
	recipients map[string]jose.JSONWebKey
}

func newFixture(f *testing.F) (*fixture, map[string]goldenToken) {
	f.Helper()
	tokens := goldenTokens(f)
	x := &fixture{issuers: map[string]jose.JSONWebKey{}, recipients: map[string]jose.JSONWebKey{}}
	var issuers struct {
		Keys []json.RawMessage `json:"keys"`
	}
	var held []*keys.Key
	for _, g := range tokens {
		var issuer jose.JSONWebKey
		if err := issuer.UnmarshalJSON(g.Issuer); err != nil {
			f.Fatal(err)
		}
		x.issuers[issuer.KeyID] = issuer
		issuers.Keys = append(issuers.Keys, g.Issuer)
		for _, v := range g.views() {
			if v.VisibleOnly {
				continue
			}
			var recipient jose.JSONWebKey
			if err := recipient.UnmarshalJSON(v.Recipient); err != nil {
				f.Fatal(err)
			}
			x.recipients[recipient.KeyID] = recipient
			held = append(held, must(keys.ParseKey(v.Recipient, keys.As{})))
		}
		x.at = time.Unix(g.Clock, 0)
	}
	public := must(keys.ParsePublicSet(must(json.Marshal(issuers))))
	cfg := open.Config{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: public}}, Decryption: must(keys.NewSet(held...))}
	for _, typ := range []string{"sealed+jwt", "JWT"} {
		cfg.Type = typ
		x.openers = append(x.openers, newOpener(f, cfg))
	}
	cfg.Form = open.Selective
	x.selective = newOpener(f, cfg)
	gateway(&cfg)
	x.gateway = newOpener(f, cfg)
	return x, tokens
}

// open checks what holds for every text: an error with nothing but itself, or a
// token.
func (x *fixture) open(t *testing.T, o *open.Opener, text string) *open.Token {
	t.Helper()
	tok, err := o.OpenAt(t.Context(), text, x.at)
	if (err == nil) != (tok != nil) {
		t.Fatalf("Open returned %v and %v", tok, err)
	}
	if err != nil && !vocabulary.MatchString(err.Error()) {
		t.Fatalf("error says %q", err)
	}
	return tok
}

func rawClaims(t *testing.T, tok *open.Token) []byte {
	t.Helper()
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// FuzzOpen has any text as a token.
func FuzzOpen(f *testing.F) {
	x, tokens := newFixture(f)
	for _, g := range tokens {
		f.Add(g.Token)
		f.Add(strings.ToUpper(g.Token))
		f.Add(g.Token + "=")
		f.Add(strings.Replace(g.Token, "..", ".AA.", 1))
		f.Add(`{"protected":"` + strings.Split(g.Token, ".")[0] + `"}`)
	}
	f.Add("....")
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range x.openers {
			tok := x.open(t, o, text)
			if tok == nil {
				continue
			}
			theirs, err := joseOpen(text, x.issuers[tok.SigningKeyID()], x.recipients[tok.DecryptionKeyID()])
			if err != nil || !bytes.Equal(theirs, rawClaims(t, tok)) {
				t.Fatalf("go-jose reads %q, %v", theirs, err)
			}
			for _, part := range strings.Split(text, ".") {
				if encode(decode(part)) != part {
					t.Fatalf("accepted with a part that is spelled %q", part)
				}
			}
		}
	})
}

// encryptTo makes the JWE around an inner text, with one of the golden keys.
func encryptTo(recipient jose.JSONWebKey, inner string) string {
	f := forge()
	f.recipient = &testKey{suite: keys.ECDHES, kid: recipient.KeyID, private: recipient.Key.(crypto.Signer)}
	f.outer.set("kid", quoted(recipient.KeyID))
	return f.encrypt([]byte(inner))
}

// FuzzInner has any text as the plaintext of a JWE that anybody can make, since
// it takes no more than our public key.
func FuzzInner(f *testing.F) {
	x, tokens := newFixture(f)
	var recipient jose.JSONWebKey
	if err := recipient.UnmarshalJSON(tokens["default"].Recipient); err != nil {
		f.Fatal(err)
	}
	for _, g := range tokens {
		inner := g.Token // that of a selective token is refused for its form
		if g.Form == "" {
			var k jose.JSONWebKey
			if err := k.UnmarshalJSON(g.Recipient); err != nil {
				f.Fatal(err)
			}
			inner = string(must(joseDecrypt(g.Token, k)))
		}
		f.Add(inner)
		f.Add(inner[:strings.LastIndex(inner, ".")+1])
		f.Add(string(g.Claims))
		p := strings.Split(inner, ".")
		f.Add(encode([]byte(`{"alg":"none","typ":"sealed+jwt"}`)) + "." + p[1] + ".")
		f.Add(g.Token)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		token := encryptTo(recipient, inner)
		for _, o := range x.openers {
			tok := x.open(t, o, token)
			if tok == nil {
				continue
			}
			theirs, err := joseVerify(inner, x.issuers[tok.SigningKeyID()])
			if err != nil || !bytes.Equal(theirs, rawClaims(t, tok)) {
				t.Fatalf("go-jose reads %q, %v", theirs, err)
			}
			for _, part := range strings.Split(inner, ".") {
				if encode(decode(part)) != part {
					t.Fatalf("accepted with a part that is spelled %q", part)
				}
			}
		}
	})
}

// FuzzClaims has any bytes as the payload, signed and encrypted as they should be.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(forge().claims.String()))
	for _, g := range goldenTokens(f) {
		f.Add([]byte(g.Claims))
	}
	iss, aud := `"iss":`+quoted(issuerID), `"aud":`+quoted(audience)
	for _, more := range []string{
		`"exp":1767225900`, `"exp":1767225900.999999999999`, `"exp":1.7672259e9`, `"exp":"1767225900"`, `"exp":null`, `"exp":1e400`,
		`"exp":1767225900,"EXP":9`, `"exp":1767225900,"exp":9`, `"exp":1767225900,"iat":1767225600.5,"nbf":0`, `"exp":1767225900,"sub":null`,
		`"exp":1767225900,"sub":"\ud83d\ude00","jti":"\u0000"`, `"exp":1767225900,"sealed":[]`, `"exp":1767225900,"a":{"b":[{"c":1,"C":2}]}`,
	} {
		f.Add([]byte("{" + iss + "," + aud + "," + more + "}"))
	}
	f.Add([]byte("{" + iss + `,"aud":[` + quoted(audience) + `,"b"],"exp":1767225900}`))
	opener := newOpener(f, config())
	signer := testKeyFor(keys.ES256)
	f.Fuzz(func(t *testing.T, payload []byte) {
		// An empty text would stand for the forge's own claims.
		if len(payload) == 0 {
			return
		}
		forged := forge()
		forged.claimsText = string(payload)
		token := forged.token()
		tok, err := opener.OpenAt(t.Context(), token, clock)
		if (err == nil) != (tok != nil) || err != nil && !vocabulary.MatchString(err.Error()) {
			t.Fatalf("Open returned %v and %v", tok, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(payload) || !bytes.Equal(rawClaims(t, tok), bytes.TrimSpace(payload)) {
			t.Fatalf("accepted and reads %s", rawClaims(t, tok))
		}
		if tok.Issuer() != issuerID || !clock.Before(tok.Expires().Add(time.Minute)) || tok.Expires().Sub(clock) > 2*time.Hour {
			t.Fatalf("accepted from %q until %v", tok.Issuer(), tok.Expires())
		}
		// go-jose's view of the same token, by its own decoder and validator.
		text, err := joseClaims(token, signer, testKeyFor(keys.ECDHES))
		if err != nil {
			t.Fatal(err)
		}
		var theirs jwt.Claims
		if err := josejson.Unmarshal(text, &theirs); err != nil {
			t.Fatalf("go-jose cannot read the claims: %v", err)
		}
		want := jwt.Expected{Issuer: issuerID, AnyAudience: jwt.Audience{audience}, Time: clock}
		if err := theirs.ValidateWithLeeway(want, time.Minute+time.Second); err != nil {
			t.Errorf("go-jose refuses: %v", err)
		}
		if theirs.Subject != tok.Subject() || theirs.ID != tok.ID() || strings.Join(theirs.Audience, "\x00") != strings.Join(tok.Audience(), "\x00") {
			t.Errorf("go-jose reads sub, jti, aud as %q %q %q", theirs.Subject, theirs.ID, theirs.Audience)
		}
		for name, dates := range map[string]struct {
			ours   time.Time
			theirs *jwt.NumericDate
		}{
			"exp": {tok.Expires(), theirs.Expiry}, "iat": {tok.IssuedAt(), theirs.IssuedAt}, "nbf": {tok.NotBefore(), theirs.NotBefore},
		} {
			if dates.ours.IsZero() != (dates.theirs == nil) {
				t.Errorf("%s: %v here, %v there", name, dates.ours, dates.theirs)
			} else if dates.theirs != nil {
				// go-jose goes through floating point and cuts off the fraction.
				if d := dates.ours.Sub(dates.theirs.Time()); d < -time.Second || d > time.Second {
					t.Errorf("%s: %v here, %v there", name, dates.ours, dates.theirs.Time())
				}
			}
		}
	})
}
