package jwks

import (
	"context"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// The fetch of another caller ends at any moment of a call, with another outcome than the fetch
// before it. Every call returns either a set or an error. Callers use the set without looking if
// the error is nil.
func TestRemoteOtherFetchEnds(t *testing.T) {
	k := newKey(t, keys.ES256)
	for name, c := range map[string]struct{ kid, warm string }{
		"no set yet":        {kid: ""},
		"a kid not in it":   {kid: "unknown", warm: "fresh"},
		"too old":           {kid: k.ID(), warm: "stale"},
		"too old, and none": {kid: "unknown", warm: "stale"},
	} {
		for moment := 1; moment <= 4; moment++ {
			for _, wasDown := range []bool{true, false} {
				s := siteOf(jwkSet(t, k))
				now, calls, ends := time.Now(), 0, 0
				var r *Remote
				r = must(newRemote(RemoteConfig{URL: siteURL, Transport: s}, func() time.Time {
					if calls++; calls == ends {
						if s.fails(500); wasDown {
							s.serve(jwkSet(t, k))
						}
						now = now.Add(DefaultCooldown)
						r.PublicKeys(context.Background(), "other")
					}
					return now
				}))(t)
				if c.warm != "" {
					knows(t, r, "", k)
					now = now.Add(DefaultCooldown)
				}
				if c.warm == "stale" {
					now = now.Add(DefaultMaxStale)
				}
				if wasDown {
					s.fails(500)
				}
				r.PublicKeys(t.Context(), "other")
				now = now.Add(time.Second) // no fetch is due for this caller
				calls, ends = 0, moment
				set, err := r.PublicKeys(t.Context(), c.kid)
				if (set == nil) == (err == nil) {
					t.Errorf("%s, at moment %d, down before %v: set %v, error %v", name, moment, wasDown, set, err)
				}
			}
		}
	}
}
