package peers

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
)

// relyingParty reads an ID token that was sealed for it. It finds the provider's keys by the
// issuer.
type relyingParty func(t *testing.T, p *provider, private keyPair, token string) (members, error)

// relyingParties returns npm openid-client, which logs in for its token and then decrypts and
// verifies it; npm jose, which does both when told to; and go-oidc, which verifies a token that
// go-jose has decrypted.
func relyingParties(t *testing.T) map[string]relyingParty {
	t.Helper()
	w := startNode(t).(*worker)
	return map[string]relyingParty{
		"openid-client": func(t *testing.T, p *provider, own keyPair, _ string) (claims members, err error) {
			installed(t, "openid-client")
			var got struct{ Claims members }
			err = w.call(&got, "login", members{
				"issuer": p.issuer, "registered": p.client, "jwk": own.Private, "code": code, "nonce": nonce,
			})
			return got.Claims, err
		},
		"npm jose": func(_ *testing.T, p *provider, own keyPair, token string) (members, error) {
			signed, header, err := w.decrypt(token, own.Private, p.client.EncryptedAlg, p.client.EncryptedEnc)
			if err != nil {
				return nil, err
			}
			if header["cty"] != "JWT" {
				return nil, errors.New("the plaintext is not announced as a JWT")
			}
			var got struct{ Claims members }
			err = w.call(&got, "verifyRemote", members{
				"token": signed, "url": p.issuer + "/jwks", "alg": p.client.SignedAlg,
				"iss": p.issuer, "aud": p.client.ClientID, "typ": "JWT",
			})
			return got.Claims, err
		},
		"go-jose, then go-oidc": func(t *testing.T, p *provider, own keyPair, token string) (claims members, err error) {
			signed, _, err := goJose{}.decrypt(token, own.Private, p.client.EncryptedAlg, p.client.EncryptedEnc)
			if err != nil {
				return nil, err
			}
			at, err := oidc.NewProvider(t.Context(), p.issuer)
			if err != nil {
				return nil, err
			}
			id, err := at.Verifier(&oidc.Config{ClientID: p.client.ClientID}).Verify(t.Context(), signed)
			if err != nil {
				return nil, err
			}
			return claims, id.Claims(&claims)
		},
		"sealjwt": func(t *testing.T, p *provider, own keyPair, token string) (claims members, err error) {
			tok, err := opened(t, p.issuer, p.client.ClientID, "JWT", heldSet(t, own), token)
			if err != nil {
				return nil, err
			}
			return claimsOf(tok)
		},
	}
}

// discovered returns an issuer's keys, found by its metadata.
func discovered(t *testing.T, issuer string) *jwks.Remote {
	t.Helper()
	at, err := jwks.Discover(t.Context(), issuer, jwks.DiscoverConfig{})
	if err != nil {
		t.Fatal(err)
	}
	remote, err := jwks.NewRemote(jwks.RemoteConfig{URL: at})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// opened opens a token of an issuer whose keys are found by its metadata.
func opened(t *testing.T, issuer, audience, typ string, own keys.PrivateSource, token string, required ...string) (*open.Token, error) {
	t.Helper()
	o, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: discovered(t, issuer), Type: typ}},
		Decryption: own,
		Require:    required,
	})
	if err != nil {
		t.Fatal(err)
	}
	return o.Open(t.Context(), token)
}

// signingKeys returns a ring if that is quick. A ring of RSA keys would make several of them.
func signingKeys(t *testing.T, suite keys.Suite) providerKeys {
	t.Helper()
	if suite == keys.RS256 || suite == keys.PS256 {
		return heldSet(t, generate(t, goJose{}, suite.String()))
	}
	return newRing(t, keyring.NewMemStore(), keyring.Policy{Sig: keyring.UsePolicy{Suites: []keys.Suite{suite}}})
}

// TestIDToken signs and seals an ID token as a relying party has registered. All relying parties
// read it and agree on its claims.
func TestIDToken(t *testing.T) {
	parties := relyingParties(t)
	own := map[string]keyPair{}
	for _, alg := range []string{"ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256", "RSA-OAEP"} {
		own[alg] = generate(t, startNode(t), alg)
	}
	for _, suite := range signing {
		ours := signingKeys(t, suite)
		for alg, key := range own {
			for _, enc := range contents {
				if suite != keys.ES256 && enc != keys.A256GCM {
					continue // the content encryption does not depend on the signature
				}
				t.Run(fmt.Sprint(suite, " ", alg, " ", enc), func(t *testing.T) {
					agree(t, parties, startProvider(t, ours, register(suite.Alg(), alg, enc.String(), key.Public)), key)
				})
			}
		}
	}
}

// agree lets all relying parties read an ID token of the provider.
func agree(t *testing.T, parties map[string]relyingParty, p *provider, own keyPair) {
	t.Helper()
	token := p.idToken(t)
	want, err := parties["sealjwt"](t, p, own, token)
	if err != nil || want["email"] != "ada@example.com" || want["nonce"] != nonce {
		t.Fatalf("we read %v: %v", want, err)
	}
	for name, read := range parties {
		got, err := read(t, p, own, token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "openid-client" { // it gets another token of the same user
			for _, claim := range []string{"jti", "iat", "exp", "auth_time"} {
				if got[claim] == nil {
					t.Errorf("%s: no %s", name, claim)
				}
				got[claim] = want[claim]
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads %v instead of %v", name, got, want)
		}
	}
}
