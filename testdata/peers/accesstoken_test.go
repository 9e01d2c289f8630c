package peers

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// accessClaims has the claims that RFC 9068 section 2.2 requires. A resource server must demand
// those in demanded by name, because it checks the others in any token.
var (
	accessClaims = []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}
	demanded     = []string{"sub", "client_id", "iat", "jti"}
)

// resourceServer accepts sealed access tokens of one issuer, with this library and with npm jose.
// It finds the issuer's keys by the metadata.
type resourceServer struct {
	issuer      *provider
	signer, own keyPair
	node        *worker
}

func startResourceServer(t *testing.T) resourceServer {
	t.Helper()
	signer, own := generate(t, goJose{}, "ES256"), generate(t, goJose{}, "ECDH-ES")
	return resourceServer{startProvider(t, heldSet(t, signer), registration{}), signer, own, startNode(t).(*worker)}
}

func (s resourceServer) open(t *testing.T, token string) (*open.Token, error) {
	t.Helper()
	return opened(t, s.issuer.issuer, audience, "at+jwt", heldSet(t, s.own), token, demanded...)
}

func (s resourceServer) jose(t *testing.T, token string) (members, error) {
	t.Helper()
	signed, _, err := s.node.decrypt(token, s.own.Private, "ECDH-ES", "A256GCM")
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Claims members }
	err = s.node.call(&got, "verifyRemote", members{
		"token": signed, "url": s.issuer.issuer + "/jwks", "alg": "ES256",
		"iss": s.issuer.issuer, "aud": audience, "typ": "at+jwt", "required": demanded,
	})
	return got.Claims, err
}

// TestAccessToken seals a JWT access token (RFC 9068) with all claims that it must have, and opens
// it. A plain verifier of such tokens accepts the decrypted token too. Both refuse a token of
// another type, or without a claim that the caller gives.
func TestAccessToken(t *testing.T) {
	s := startResourceServer(t)
	api, err := publicSet(s.own.Public)
	if err != nil {
		t.Fatal(err)
	}
	full := seal.Claims{Subject: "u-42", Custom: members{"client_id": "app", "scope": "orders:read", "email": "ada@example.com"}}
	for name, c := range map[string]struct {
		typ     string
		claims  seal.Claims
		refused error
		jose    string // text of npm jose's error
	}{
		"all claims":     {"at+jwt", full, nil, ""},
		"long type":      {"application/at+jwt", full, nil, ""},
		"no client_id":   {"at+jwt", seal.Claims{Subject: "u-42", Custom: members{"scope": "orders:read"}}, open.ErrClaims, `missing required "client_id"`},
		"no sub":         {"at+jwt", seal.Claims{Custom: members{"client_id": "app"}}, open.ErrClaims, `missing required "sub"`},
		"an ID token":    {"JWT", full, open.ErrType, `unexpected "typ"`},
		"a sealed token": {"", full, open.ErrType, `unexpected "typ"`},
	} {
		t.Run(name, func(t *testing.T) {
			sealer, err := seal.New(seal.Config{
				Issuer:    s.issuer.issuer,
				Signing:   heldSet(t, s.signer),
				Type:      c.typ,
				Recipient: seal.Recipient{Audience: audience, Keys: api},
			})
			if err != nil {
				t.Fatal(err)
			}
			token, err := sealer.Seal(t.Context(), c.claims)
			if err != nil {
				t.Fatal(err)
			}
			tok, err := s.open(t, token)
			if !errors.Is(err, c.refused) {
				t.Errorf("we say %v", err)
			}
			got, joseErr := s.jose(t, token)
			if (joseErr == nil) != (c.jose == "") || joseErr != nil && !strings.Contains(joseErr.Error(), c.jose) {
				t.Errorf("npm jose says %v", joseErr)
			}
			if err != nil || joseErr != nil {
				return
			}
			for _, claim := range accessClaims {
				if !slices.Contains(tok.SealedNames(), claim) || got[claim] == nil {
					t.Errorf("no %s", claim)
				}
			}
			if got["sub"] != "u-42" || got["client_id"] != "app" || got["email"] != "ada@example.com" {
				t.Errorf("npm jose reads %v", got)
			}
		})
	}
}

// Another sealer makes an access token without one of the required claims. The token is refused for
// that reason.
func TestAccessTokenLacks(t *testing.T) {
	s := startResourceServer(t)
	now := time.Now()
	full := members{
		"iss": s.issuer.issuer, "exp": now.Add(10 * time.Minute).Unix(), "aud": audience, "sub": "u-42",
		"client_id": "app", "iat": now.Unix(), "jti": "the-id",
	}
	says := map[string]struct {
		class  error
		detail string
	}{
		"iss":       {open.ErrIssuer, `iss is ""`},
		"exp":       {open.ErrClaims, "exp is missing"},
		"aud":       {open.ErrAudience, "aud is none"},
		"sub":       {open.ErrClaims, "sub is required"},
		"client_id": {open.ErrClaims, "client_id is required"},
		"iat":       {open.ErrClaims, "iat is required"},
		"jti":       {open.ErrClaims, "jti is required"},
	}
	forge := func(claims members) string {
		token, err := sealWith(goJose{}, claims, s.signer, s.own,
			members{"alg": "ES256", "typ": "at+jwt"},
			members{"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT", "kid": kid(s.own.Public)})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := forge(full)
	if _, err := s.open(t, token); err != nil {
		t.Errorf("with all claims: we say %v", err)
	}
	if _, err := s.jose(t, token); err != nil {
		t.Errorf("with all claims: npm jose says %v", err)
	}
	for _, claim := range accessClaims {
		claims := maps.Clone(full)
		delete(claims, claim)
		token, want := forge(claims), says[claim]
		_, err := s.open(t, token)
		refused, ok := errors.AsType[*open.Error](err)
		if !ok || !errors.Is(err, want.class) || !strings.Contains(refused.Detail(), want.detail) {
			t.Errorf("no %s: we say %v", claim, err)
		}
		if _, err := s.jose(t, token); err == nil || !strings.Contains(err.Error(), `missing required "`+claim+`" claim`) {
			t.Errorf("no %s: npm jose says %v", claim, err)
		}
	}
}
