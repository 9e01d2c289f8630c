package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// towards leads every request to a server on this machine, whatever its URL is.
type towards string

func (to towards) RoundTrip(r *http.Request) (*http.Response, error) {
	at, err := url.Parse(string(to))
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.URL.Path = at.Scheme, at.Host, at.Path
	return http.DefaultTransport.RoundTrip(r)
}

// atURL returns npm jose with the JWK Set at a URL.
func atURL(w *worker, at string) verifier {
	return func(_ context.Context, token string) error {
		var got struct{ Claims members }
		return w.call(&got, "verifyRemote", members{"token": token, "url": at, "iss": issuer, "aud": audience})
	}
}

// endpoint serves a ring's JWK Set over real HTTP.
func endpoint(t *testing.T, ring *keyring.Ring, c jwks.HandlerConfig) string {
	t.Helper()
	h, err := jwks.NewHandler(ring, c)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Every client verifies with the set of the Handler. It refuses a token that another key has
// signed, under an unknown or a published kid. After an emergency it accepts the new key and
// refuses the revoked one.
func TestEndpoint(t *testing.T) {
	ring := newRing(t, keyring.NewMemStore(), keyring.Policy{})
	at := endpoint(t, ring, jwks.HandlerConfig{})
	start := map[string]func(*testing.T) verifier{
		"npm jose": func(t *testing.T) verifier { return atURL(startNode(t).(*worker), at) },
	}
	for _, c := range clients {
		start[c.name] = func(t *testing.T) verifier { return c.start(t.Context(), t, towards(at)) }
	}
	old, active := sign(t, ring, time.Hour), activeSigningKey(t, ring)
	impostor := sign(t, heldSet(t, posing(t, generate(t, goJose{}, "ES256"), active)), time.Hour)
	for name, start := range start {
		t.Run(name, func(t *testing.T) {
			verify := start(t)
			if err := verify(t.Context(), old); err != nil {
				t.Errorf("refused: %v", err)
			}
			if verify(t.Context(), stranger(t)) == nil {
				t.Error("a stranger's token was accepted")
			}
			if verify(t.Context(), impostor) == nil {
				t.Error("a stranger's token under a published kid was accepted")
			}
		})
	}
	revoke(t, ring, active)
	next := sign(t, ring, time.Hour)
	for name, start := range start {
		t.Run(name+" after a revocation", func(t *testing.T) {
			verify := start(t)
			if err := verify(t.Context(), next); err != nil {
				t.Errorf("the new key: %v", err)
			}
			if verify(t.Context(), old) == nil {
				t.Error("the revoked key was accepted")
			}
		})
	}
}

// go-jose cannot read a set with a key on X25519, but can read the keys of one use. go-oidc reads
// both.
func TestEndpointUse(t *testing.T) {
	ring := newRing(t, keyring.NewMemStore(), keyring.Policy{Enc: keyring.UsePolicy{Suites: []keys.Suite{keys.ECDHESX25519}}})
	token := sign(t, ring, time.Hour)
	for use, want := range map[keys.Use]bool{"": false, keys.UseSig: true} {
		at := endpoint(t, ring, jwks.HandlerConfig{Use: use})
		res, err := http.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		var set jose.JSONWebKeySet
		if err := json.NewDecoder(res.Body).Decode(&set); (err == nil) != want {
			t.Errorf("use %q: go-jose says %v", use, err)
		}
		res.Body.Close()
		if err := startOIDC(t.Context(), t, towards(at))(t.Context(), token); err != nil {
			t.Errorf("use %q: go-oidc says %v", use, err)
		}
	}
}

// curl reads the set, and keeps it while its ETag is the same.
func TestEndpointCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		missing(t, "curl is not installed")
	}
	ring := newRing(t, keyring.NewMemStore(), keyring.Policy{})
	at := endpoint(t, ring, jwks.HandlerConfig{})
	tag := filepath.Join(t.TempDir(), "etag")
	curl := func(args ...string) []byte {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "curl", append(args, "--silent", "--show-error", "--fail", at)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	set, err := keys.ParsePublicSet(curl("--etag-save", tag))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ring.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	sameID := func(a, b *keys.Key) bool { return a.ID() == b.ID() }
	if !slices.EqualFunc(set.Keys(), ours.Keys(), sameID) || len(set.Skipped()) != 0 {
		t.Errorf("curl read %d keys, skipped %d", len(set.Keys()), len(set.Skipped()))
	}
	if code := curl("--etag-compare", tag, "--write-out", "%{http_code}"); string(code) != "304" {
		t.Errorf("with the same ETag: %s", code)
	}
	if code := curl("--head", "--output", "-", "--write-out", "%{http_code} %{content_type}"); !bytes.HasSuffix(code, []byte("200 application/jwk-set+json")) {
		t.Errorf("HEAD: %s", code)
	}
}
