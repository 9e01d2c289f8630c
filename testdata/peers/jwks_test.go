package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

const jwksURL = issuer + "/jwks"

// verifier is a relying party with a client that fetches and caches the JWK Set. It
// checks a signed token as its users would.
type verifier func(ctx context.Context, token string) error

// client is a client that fetches and caches a JWK Set, with its defaults.
type client struct {
	name  string
	start func(context.Context, *testing.T, http.RoundTripper) verifier
}

var clients = []client{
	{"go-oidc", startOIDC},
	{"jwkset", startJWKSet},
	{"jwx", startJWX},
}

// startOIDC starts go-oidc. It fetches when it does not know a kid, and never otherwise.
func startOIDC(ctx context.Context, _ *testing.T, transport http.RoundTripper) verifier {
	set := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, &http.Client{Transport: transport}), jwksURL)
	v := oidc.NewVerifier(issuer, set, &oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{"ES256"}})
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}
}

// startJWKSet starts jwkset. It fetches every hour, and for an unknown kid at most every five
// minutes.
func startJWKSet(ctx context.Context, t *testing.T, transport http.RoundTripper) verifier {
	// The defaults use the default HTTP client.
	before := http.DefaultClient.Transport
	http.DefaultClient.Transport = transport
	t.Cleanup(func() { http.DefaultClient.Transport = before })
	storage, err := jwkset.NewDefaultHTTPClientCtx(ctx, []string{jwksURL})
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, token string) error {
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			return err
		}
		k, err := storage.KeyRead(ctx, signed.Signatures[0].Protected.KeyID)
		if err != nil {
			return err
		}
		_, err = signed.Verify(k.Key())
		return err
	}
}

// startJWX starts jwx. It fetches when max-age is over, at most every 15 minutes.
func startJWX(ctx context.Context, t *testing.T, transport http.RoundTripper) verifier {
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Register(ctx, jwksURL, jwk.WithHTTPClient(&http.Client{Transport: transport})); err != nil {
		t.Fatal(err)
	}
	set, err := cache.CachedSet(jwksURL)
	if err != nil {
		t.Fatal(err)
	}
	return func(_ context.Context, token string) error {
		_, err := jwt.Parse([]byte(token), jwt.WithKeySet(set, jws.WithRequireKid(true)), jwt.WithIssuer(issuer), jwt.WithAudience(audience))
		return err
	}
}

// publisher serves the JWK Set of a ring, and is also the transport to it. It needs no socket, so
// the clock of a synctest bubble goes on.
type publisher struct {
	ring    *keyring.Ring
	maxAge  time.Duration
	fetches int
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.fetches++
	set, err := p.ring.PublicKeys(r.Context(), "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(p.maxAge.Seconds())))
	json.NewEncoder(w).Encode(set)
}

func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

// sign makes a signed token with the active key, like the one inside a sealed token.
func sign(t *testing.T, own keys.PrivateSource, lifetime time.Duration) string {
	t.Helper()
	set, err := own.PrivateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k, err := set.SigningKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "aud": audience, "sub": "u-42", "iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	header, err := json.Marshal(map[string]string{"alg": k.Suite().Alg(), "kid": k.ID()})
	if err != nil {
		t.Fatal(err)
	}
	input := b64.EncodeToString(header) + "." + b64.EncodeToString(claims)
	signature, err := k.Sign(t.Context(), []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64.EncodeToString(signature)
}

// stranger returns a token with an unknown kid, signed by a key that no party has published.
func stranger(t *testing.T) string {
	t.Helper()
	ring := newRing(t, keyring.NewMemStore(), keyring.Policy{})
	return sign(t, ring, time.Hour)
}

func testKEK(t *testing.T) keyring.KEK {
	t.Helper()
	kek, err := keyring.NewKEK(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

func newRing(t *testing.T, store keyring.Store, p keyring.Policy) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Create(t.Context(), keyring.Config{Store: store, KEK: testKEK(t), Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// sameRing opens the ring as another process does.
func sameRing(t *testing.T, store keyring.Store) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(t.Context(), keyring.Config{Store: store, KEK: testKEK(t)})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// rotateAll does all steps that are due.
func rotateAll(t *testing.T, ring *keyring.Ring) (steps []keyring.Step) {
	t.Helper()
	for {
		s, err := ring.Rotate(t.Context())
		if err != nil {
			t.Fatal(errors.Join(errors.New("rotate"), err))
		}
		if s.Action == keyring.Nothing {
			return steps
		}
		steps = append(steps, s)
	}
}
