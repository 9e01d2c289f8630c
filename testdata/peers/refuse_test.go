package peers

import (
	"testing"
	"time"
)

// TestPeersRefuse shows that a cell of the matrix can fail: every peer makes the checks that it is
// told to make.
func TestPeersRefuse(t *testing.T) {
	c := combinations(contents[0])[0]
	good := expected{c.sig.Alg(), typ, issuer, audience}
	for _, of := range peers {
		t.Run(of.name, func(t *testing.T) {
			p := of.start(t)
			signer, stranger, recipient := generate(t, p, good.alg), generate(t, p, good.alg), generate(t, p, c.alg.Alg())
			sign := func(claims members) string {
				token, err := p.sign(claims, c.inner(signer.Public), signer.Private)
				if err != nil {
					t.Fatal(err)
				}
				return token
			}
			claims := members{"iss": issuer, "aud": audience, "exp": time.Now().Unix() + 300}
			token := sign(claims)
			late := sign(members{"iss": issuer, "aud": audience, "exp": time.Now().Unix() - 300})
			endless := sign(members{"iss": issuer, "aud": audience})
			if _, _, err := p.verify(token, signer.Public, good); err != nil {
				t.Fatalf("the token that is good: %v", err)
			}
			for what, check := range map[string]struct {
				token string
				key   keyPair
				want  expected
			}{
				"another key":       {token, stranger, good},
				"another algorithm": {token, signer, expected{"PS256", typ, issuer, audience}},
				"another type":      {token, signer, expected{good.alg, "JWT", issuer, audience}},
				"another issuer":    {token, signer, expected{good.alg, typ, audience, audience}},
				"another audience":  {token, signer, expected{good.alg, typ, issuer, issuer}},
				"expired":           {late, signer, good},
				"no exp":            {endless, signer, good},
			} {
				if _, _, err := p.verify(check.token, check.key.Public, check.want); err == nil {
					t.Errorf("verified with %s", what)
				}
			}

			sealed, err := p.encrypt(token, c.outer(recipient.Public), recipient.Public)
			if err != nil {
				t.Fatal(err)
			}
			for what, check := range map[string]struct {
				key      keyPair
				alg, enc string
			}{
				"another key":              {generate(t, p, c.alg.Alg()), c.alg.Alg(), c.enc.String()},
				"another key management":   {recipient, "ECDH-ES+A256KW", c.enc.String()},
				"other content encryption": {recipient, c.alg.Alg(), "A128CBC-HS256"},
			} {
				if _, _, err := p.decrypt(sealed, check.key.Private, check.alg, check.enc); err == nil {
					t.Errorf("decrypted with %s", what)
				}
			}
		})
	}
}

func generate(t *testing.T, p peer, alg string) keyPair {
	t.Helper()
	made, err := p.generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
