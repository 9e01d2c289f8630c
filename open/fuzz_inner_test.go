package open_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// encryptTo makes the JWE around an inner text, with one of the golden keys.
func encryptTo(recipient jose.JSONWebKey, inner string) string {
	to := &testKey{Key: &forge.Key{Alg: "ECDH-ES", Kid: recipient.KeyID, Private: recipient.Key.(forge.PrivateKey)}}
	return forgeFor(testKeyFor(keys.ES256), to, keys.A256GCM).JWE(inner)
}

// FuzzInner tries any text as the plaintext of a JWE. Every attacker can make such a JWE, because
// it needs only our public key.
func FuzzInner(f *testing.F) {
	x, tokens := newFuzzFixture(f)
	var recipient jose.JSONWebKey
	if err := recipient.UnmarshalJSON(tokens["default"].Recipient); err != nil {
		f.Fatal(err)
	}
	for _, g := range tokens {
		inner := g.Token // the inner token of a selective one is refused for its form
		if g.Form == "" {
			inner = string(must(joseDecrypt(g.Token, readRecipient(g.Recipient))))
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

// FuzzClaims tries any bytes as a payload that is correctly signed and encrypted.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(forgeNested().Claims.Text()))
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
	x, opener := &fuzzFixture{at: clock}, newOpener(f, config())
	signer := testKeyFor(keys.ES256)
	f.Fuzz(func(t *testing.T, payload []byte) {
		// An empty text would mean the forge's own claims.
		if len(payload) == 0 {
			return
		}
		forged := forgeNested()
		forged.Claims.Say(string(payload))
		token := forged.Token()
		tok := x.open(t, opener, token)
		if tok == nil {
			return
		}
		if !json.Valid(payload) || !bytes.Equal(rawClaims(t, tok), bytes.TrimSpace(payload)) {
			t.Fatalf("accepted and reads %s", rawClaims(t, tok))
		}
		if tok.Issuer() != issuerID || !clock.Before(tok.ExpiresAt().Add(time.Minute)) || tok.ExpiresAt().Sub(clock) > 2*time.Hour {
			t.Fatalf("accepted from %q until %v", tok.Issuer(), tok.ExpiresAt())
		}
		// go-jose reads the same token with its own decoder and validator.
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
			"exp": {tok.ExpiresAt(), theirs.Expiry}, "iat": {tok.IssuedAt(), theirs.IssuedAt}, "nbf": {tok.NotBefore(), theirs.NotBefore},
		} {
			if dates.ours.IsZero() != (dates.theirs == nil) {
				t.Errorf("%s: %v here, %v there", name, dates.ours, dates.theirs)
			} else if dates.theirs != nil {
				// go-jose uses floating point and cuts off the fraction.
				if d := dates.ours.Sub(dates.theirs.Time()); d < -time.Second || d > time.Second {
					t.Errorf("%s: %v here, %v there", name, dates.ours, dates.theirs.Time())
				}
			}
		}
	})
}
