package jwks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newKey(t testing.TB, suite keys.Suite) *keys.Key {
	t.Helper()
	return must(keys.GenerateKey(suite))(t)
}

// publicSet returns the public keys of ks.
func publicSet(t testing.TB, ks ...*keys.Key) *keys.PublicSet {
	t.Helper()
	set := keytest.NewSet(ks...)
	return must(set.PublicKeys(t.Context(), ""))(t)
}

// jwkSet returns the JWK Set of ks.
func jwkSet(t testing.TB, ks ...*keys.Key) []byte {
	t.Helper()
	return must(json.Marshal(publicSet(t, ks...)))(t)
}

func rawKEK(t testing.TB) keyring.KEK {
	t.Helper()
	return must(keyring.NewKEK(make([]byte, 32)))(t)
}

func newRing(t testing.TB, store keyring.Store, p keyring.Policy) *keyring.Ring {
	t.Helper()
	return must(keyring.Create(t.Context(), keyring.Config{Store: store, KEK: rawKEK(t), Policy: p}))(t)
}

// site is a server without a socket, so that the clock of a synctest bubble goes on.
type site struct {
	mu       sync.Mutex
	handler  http.Handler
	err      error         // the request fails with it
	delay    time.Duration // the answer takes this long
	requests []*http.Request
}

// siteOf serves a JWK Set with some header lines.
func siteOf(body []byte, header ...string) *site {
	s := new(site)
	s.serve(body, header...)
	return s
}

func (s *site) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *site) serve(body []byte, header ...string) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
	s.set(func() { s.handler = h })
}

func (s *site) fails(status int) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	s.set(func() { s.handler = h })
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *site) last() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[len(s.requests)-1]
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	handler, err, delay := s.handler, s.err, s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

const siteURL = "https://id.example.com/jwks.json"

// remoteOf returns a Remote for a site. c has the other settings.
func remoteOf(t testing.TB, s *site, c RemoteConfig) *Remote {
	t.Helper()
	c.URL, c.Transport = siteURL, s
	return must(NewRemote(c))(t)
}

// knows fails unless a source has exactly these keys for a kid.
func knows(t testing.TB, source keys.PublicSource, kid string, want ...*keys.Key) *keys.PublicSet {
	t.Helper()
	set, err := source.PublicKeys(t.Context(), kid)
	if err != nil {
		t.Errorf("no set: %v", err)
		return nil
	}
	got := set.Keys()
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
		return set
	}
	for i := range got {
		if got[i].ID() != want[i].ID() {
			t.Errorf("key %d is %s, want %s", i, got[i].ID(), want[i].ID())
		}
	}
	return set
}

func fails(t testing.TB, source keys.PublicSource, kid string, want ...error) error {
	t.Helper()
	set, err := source.PublicKeys(t.Context(), kid)
	if set != nil {
		t.Error("a set with an error")
	}
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("error %v, want %v", err, w)
		}
	}
	return err
}

// badStore is a store that fails, that hangs until its context is over, or that hangs for good.
type badStore struct {
	keyring.Store
	mu   sync.Mutex
	load func(ctx context.Context) error // nil: Load works
}

func (s *badStore) be(load func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load = load
}

func (s *badStore) Load(ctx context.Context) ([]byte, string, error) {
	s.mu.Lock()
	load := s.load
	s.mu.Unlock()
	if load != nil {
		if err := load(ctx); err != nil {
			return nil, "", err
		}
	}
	return s.Store.Load(ctx)
}
