package peers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
)

// forgery is an ID token made by hand, so that a test can make one part of it wrong.
type forgery struct {
	claims            members
	signer, recipient keyPair
}

func (f forgery) token(c registration) (string, error) {
	inner := members{"alg": c.SignedAlg, "typ": "JWT"}
	outer := members{"alg": c.EncryptedAlg, "enc": c.EncryptedEnc, "cty": "JWT", "kid": kid(f.recipient.Public)}
	return sealWith(goJose{}, f.claims, f.signer, f.recipient, inner, outer)
}

// refusal says why each relying party refuses a forgery: a part of its error text (under oidc the
// text of go-jose if the token does not decrypt), and the class of our error. An empty text means
// that this relying party accepts the forgery.
type refusal struct {
	client, jose, oidc string
	ours               error
}

// by reports whether err is the expected refusal of one relying party.
func (r refusal) by(name string, err error) bool {
	want, known := map[string]string{"openid-client": r.client, "npm jose": r.jose, "go-jose, then go-oidc": r.oidc}[name]
	switch {
	case !known:
		return errors.Is(err, r.ours) // errors.Is(nil, x) holds for nil only
	case want == "" || err == nil:
		return want == "" && err == nil
	}
	return strings.Contains(err.Error(), want)
}

// Each relying party verifies all that it has to, and does not only decrypt: a token with one fault
// is refused for that fault. Only openid-client compares the nonce. The others leave that to the
// caller.
func TestIDTokenRefused(t *testing.T) {
	signer, recipient := generate(t, goJose{}, "ES256"), generate(t, goJose{}, "ECDH-ES")
	stranger, another := generate(t, goJose{}, "ES256"), generate(t, goJose{}, "ECDH-ES")
	p := startProvider(t, heldSet(t, signer), register("ES256", "ECDH-ES", "A256GCM", recipient.Public))
	parties := relyingParties(t)

	for _, c := range []struct {
		name   string
		forge  func(*forgery)
		reason refusal
	}{
		{"nothing wrong", func(*forgery) {}, refusal{}},
		// The error of go-oidc is the same for these two.
		{"a kid that no set has", func(f *forgery) { f.signer = stranger }, refusal{
			"OAUTH_KEY_SELECTION_FAILED", "ERR_JWKS_NO_MATCHING_KEY", "failed to verify id token signature", open.ErrUnknownKey,
		}},
		{"another key with the same kid", func(f *forgery) { f.signer = posing(t, stranger, kid(signer.Public)) }, refusal{
			"JWT signature verification failed", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "failed to verify id token signature", open.ErrNotAuthentic,
		}},
		{"another issuer", func(f *forgery) { f.claims["iss"] = "https://another.example.com" }, refusal{
			`OAUTH_JWT_CLAIM_COMPARISON_FAILED: unexpected JWT "iss"`, `ERR_JWT_CLAIM_VALIDATION_FAILED: unexpected "iss"`,
			"issued by a different provider", open.ErrIssuer,
		}},
		{"another client", func(f *forgery) { f.claims["aud"] = "another-party" }, refusal{
			`OAUTH_JWT_CLAIM_COMPARISON_FAILED: unexpected JWT "aud"`, `ERR_JWT_CLAIM_VALIDATION_FAILED: unexpected "aud"`,
			"expected audience", open.ErrAudience,
		}},
		{"expired", func(f *forgery) {
			f.claims["iat"], f.claims["exp"] = time.Now().Add(-20*time.Minute).Unix(), time.Now().Add(-10*time.Minute).Unix()
		}, refusal{
			`OAUTH_JWT_TIMESTAMP_CHECK_FAILED: unexpected JWT "exp"`, "ERR_JWT_EXPIRED", "token is expired", open.ErrExpired,
		}},
		{"of another login", func(f *forgery) { f.claims["nonce"] = "another-nonce" }, refusal{
			client: `OAUTH_JWT_CLAIM_COMPARISON_FAILED: unexpected ID Token "nonce"`,
		}},
		// npm jose and go-jose get the one key that must decrypt, whatever its kid is.
		{"to a key of another", func(f *forgery) { f.recipient = another }, refusal{
			"no applicable decryption key", "ERR_JWE_DECRYPTION_FAILED", "error in cryptographic primitive", open.ErrUnknownKey,
		}},
		{"to a key of another with the same kid", func(f *forgery) { f.recipient = posing(t, another, kid(recipient.Public)) }, refusal{
			"ERR_JWE_DECRYPTION_FAILED", "ERR_JWE_DECRYPTION_FAILED", "error in cryptographic primitive", open.ErrNotAuthentic,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			f := forgery{members{
				"iss": p.issuer, "sub": "u-42", "aud": p.client.ClientID, "nonce": nonce,
				"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
			}, signer, recipient}
			c.forge(&f)
			token, err := f.token(p.client)
			if err != nil {
				t.Fatal(err)
			}
			p.forged = token
			for name, read := range parties {
				claims, err := read(t, p, recipient, token)
				if !c.reason.by(name, err) {
					t.Errorf("%s says %v", name, err)
				}
				if err == nil && claims["nonce"] != f.claims["nonce"] {
					t.Errorf("%s reads %v", name, claims)
				}
			}
		})
	}
}
