package system_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// jwksSamples returns samples of package jwks: of a set of keys with known private keys, and of a
// server that publishes a private key.
func jwksSamples(t testing.TB, c canaryKeys) (samples []sample) {
	t.Helper()
	// A CacheEntry is Base64 of public keys. The search would take their kids for a leak.
	set := keytest.NewSet(must(keys.FromSigner("one", keys.ES256, c.es256.Signer())), must(keys.FromSigner("two", keys.EdDSA, c.eddsa.Signer())))
	private := fmt.Sprintf(`{"keys":[%s]}`, must(json.Marshal(c.es256.Jose(c.es256.Signer()))))
	for what, h := range map[string]http.Handler{
		"a set": must(jwks.NewHandler(set, jwks.HandlerConfig{})),
		"a private key": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(private))
		}),
	} {
		s := httptest.NewServer(h)
		defer s.Close()
		var told []jwks.FetchResult
		cfg := jwks.RemoteConfig{URL: s.URL, Report: func(f jwks.FetchResult) { told = append(told, f) }}
		remote := must(jwks.NewRemote(cfg))
		if _, err := remote.PublicKeys(t.Context(), ""); err != nil {
			samples = append(samples, sampleOf(what, err), sampleOfTexts(what, tree(err)))
			fetch, ok := errors.AsType[*jwks.FetchError](err)
			if !ok {
				t.Fatalf("%s: %v", what, err)
			}
			samples = append(samples, sampleOf(what, fetch), sampleOf(what, *fetch), sampleOf(what, fetch.Reason))
		}
		samples = append(samples, sampleOf(what, remote), sampleOf[keys.PublicSource](what, remote), sampleOf(what, cfg),
			sampleOf(what, told), sampleOf(what, told[0].Cached), sampleOf[any](what+", handler", h))
		damaged := jwks.CacheEntry{URL: s.URL, Fetched: time.Now(), Body: []byte(private)}
		told = nil
		cfg.Cached = damaged
		samples = append(samples, sampleOf(what+", private copy", must(jwks.NewRemote(cfg))), sampleOf(what+", private copy", told))
	}
	ring := must(keyring.Create(t.Context(), keyring.Config{Store: keyring.NewMemStore(), KEK: must(keyring.NewKEK(canaryBytes("KEK")))}))
	if err := c.es256.ImportInto(t.Context(), ring, keyring.Staged); err != nil {
		t.Fatal(err)
	}
	published, _, _, err := ring.Published()
	if err != nil {
		t.Fatal(err)
	}
	return append(samples, sampleOf("published", published), sampleOf("published", *published), sampleOf("", jwks.HandlerConfig{Use: keys.UseSig}),
		sampleOf("", jwks.DiscoverConfig{AllowContentType: []string{"text/plain"}}))
}
