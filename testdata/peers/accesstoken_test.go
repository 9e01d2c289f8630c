package peers

import (
	"errors"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// accessClaims are those that RFC 9068 section 2.2 requires besides iss, exp and aud,
// which every token has.
var accessClaims = []string{"sub", "client_id", "iat", "jti"}

// discovered are an issuer's keys, found by its metadata.
func discovered(t *testing.T, issuer string) *jwks.Remote {
	t.Helper()
	at, err := jwks.Discover(t.Context(), issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	remote, err := jwks.NewRemote(jwks.Config{URL: at})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// TestAccessToken: a JWT access token (RFC 9068) is sealed, and opened with the claims
// that it must have; once it is decrypted, a plain verifier of such tokens takes it too.
// What lacks one of the claims, or is an ID token, both refuse.
func TestAccessToken(t *testing.T) {
	w := startNode(t).(*worker)
	own, err := w.generate("ECDH-ES")
	if err != nil {
		t.Fatal(err)
	}
	api, err := keys.ParsePublicSet(register("", "", own.Public).Keys)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.ParseKey(own.Private, keys.As{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(k)
	if err != nil {
		t.Fatal(err)
	}
	ring := newRing(t, keys.MemStore(), keys.Policy{})
	p := startProvider(t, ring, registration{})

	full := seal.Claims{Subject: "u-42", Custom: members{"client_id": "app", "scope": "orders:read", "email": "ada@example.com"}}
	for name, c := range map[string]struct {
		typ     string
		claims  seal.Claims
		refused error
	}{
		"all claims":     {"at+jwt", full, nil},
		"long type":      {"application/at+jwt", full, nil},
		"no client_id":   {"at+jwt", seal.Claims{Subject: "u-42", Custom: members{"scope": "orders:read"}}, open.ErrClaims},
		"no sub":         {"at+jwt", seal.Claims{Custom: members{"client_id": "app"}}, open.ErrClaims},
		"an ID token":    {"JWT", full, open.ErrType},
		"a sealed token": {"", full, open.ErrType},
	} {
		t.Run(name, func(t *testing.T) {
			sealer, err := seal.New(seal.Config{
				Issuer: p.issuer, Signing: ring, Type: c.typ,
				Recipients: []seal.Recipient{{Audience: audience, Keys: api}},
			})
			if err != nil {
				t.Fatal(err)
			}
			token, err := sealer.Seal(t.Context(), c.claims)
			if err != nil {
				t.Fatal(err)
			}
			tok, err := opened(t, p.issuer, audience, "at+jwt", set, token, accessClaims...)
			if !errors.Is(err, c.refused) {
				t.Errorf("we say %v", err)
			}
			if err == nil {
				for _, claim := range append([]string{"iss", "exp", "aud"}, accessClaims...) {
					if !slices.Contains(tok.Sealed(), claim) {
						t.Errorf("no %s", claim)
					}
				}
			}

			signed, _, err := w.decrypt(token, own.Private, "ECDH-ES", "A256GCM")
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Claims, Header members }
			err = w.call(&got, "verifyRemote", members{
				"token": signed, "url": p.issuer + "/jwks", "iss": p.issuer, "aud": audience, "typ": "at+jwt", "required": accessClaims,
			})
			if (err == nil) != (c.refused == nil) {
				t.Errorf("npm jose says %v", err)
			}
			if err == nil && (got.Claims["sub"] != "u-42" || got.Claims["client_id"] != "app" || got.Claims["email"] != "ada@example.com") {
				t.Errorf("npm jose reads %v", got.Claims)
			}
		})
	}
}
