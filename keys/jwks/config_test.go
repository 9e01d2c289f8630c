package jwks

import (
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// An issuer's ring reckons with the figures by which a Remote and a Handler go without
// an own figure. The package does not import keyring, so only this test keeps them equal.
func TestDefaultsOfRing(t *testing.T) {
	p := keyring.DefaultPolicy()
	if defaultMaxAge != p.MaxAge {
		t.Errorf("defaultMaxAge is %v and the policy's MaxAge %v", defaultMaxAge, p.MaxAge)
	}
	if longestCacheAge != p.CacheAge {
		t.Errorf("longestCacheAge is %v and the policy's CacheAge %v", longestCacheAge, p.CacheAge)
	}
}
