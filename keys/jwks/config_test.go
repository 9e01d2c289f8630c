package jwks

import (
	"errors"
	"net/http"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keytest"
)

// An issuer's ring reckons with the defaults of a Remote and of a Handler. The package does not
// import keyring, so only this test keeps the figures equal.
func TestDefaultsOfRing(t *testing.T) {
	p, err := keytest.NewRing().Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if defaultMaxAge != p.MaxAge {
		t.Errorf("defaultMaxAge is %v and the policy's MaxAge %v", defaultMaxAge, p.MaxAge)
	}
	if longestCacheAge != p.CacheAge {
		t.Errorf("longestCacheAge is %v and the policy's CacheAge %v", longestCacheAge, p.CacheAge)
	}
}

// A Transport that is a nil pointer would panic in the first fetch.
func TestNilTransport(t *testing.T) {
	var none *http.Transport
	var noFunc roundTrip
	for name, transport := range map[string]http.RoundTripper{"pointer": none, "function": noFunc} {
		if r, err := NewRemote(RemoteConfig{URL: siteURL, Transport: transport}); r != nil || !errors.Is(err, ErrConfig) {
			t.Errorf("NewRemote, %s: %v", name, err)
		}
		if uri, err := Discover(t.Context(), "https://id.example.com", DiscoverConfig{Transport: transport}); uri != "" || !errors.Is(err, ErrConfig) {
			t.Errorf("Discover, %s: %v", name, err)
		}
	}
}

// A Remote that NewRemote did not make has no keys. Its error says so.
func TestZeroRemote(t *testing.T) {
	for name, r := range map[string]*Remote{"zero": {}, "nil": nil} {
		fails(t, r, "", ErrConfig)
		if set, err := r.Refresh(t.Context()); set != nil || !errors.Is(err, ErrConfig) {
			t.Errorf("%s: Refresh: %v", name, err)
		}
	}
}
