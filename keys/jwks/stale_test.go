package jwks

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A cache on the way has lost the issuer, and its Age says so. It keeps a revoked key alive for
// MaxStale after the set became stale, and no longer.
func TestStaleCache(t *testing.T) {
	for name, status := range map[string]int{"hands it out": 200, "confirms it": 304} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				start := time.Now()
				stored := jwkSet(t, k)
				s := new(site)
				s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Cache-Control", "public, max-age=300")
					w.Header().Set("Age", fmt.Sprint(int(time.Since(start).Seconds())))
					w.Header().Set("ETag", `"1"`)
					if status == 304 && r.Header.Get("If-None-Match") != "" {
						w.WriteHeader(304)
						return
					}
					w.Write(stored)
				})
				r := remoteOf(t, s, RemoteConfig{})
				const until = 300*time.Second + DefaultMaxStale
				for time.Since(start) < until {
					knows(t, r, k.ID(), k)
					time.Sleep(time.Second)
				}
				if told := s.last().Header.Get("Cache-Control"); told != "no-cache" {
					t.Errorf("the cache was told %q", told)
				}
				if most := int(until / DefaultCooldown); s.count() > most || s.count() < most/2 {
					t.Errorf("%d fetches, want at most %d", s.count(), most)
				}
				knows(t, r, k.ID(), k)
				time.Sleep(5 * time.Second)
				fails(t, r, k.ID(), keys.ErrStale)
				fails(t, r, "", keys.ErrStale)
				// The issuer is back, and the cache asks it.
				next := newKey(t, keys.ES256)
				s.serve(jwkSet(t, next))
				time.Sleep(5 * time.Second)
				knows(t, r, k.ID(), next)
			})
		})
	}
}

// A program that runs for a moment finds its copy too old. It asks past the cache, because that
// cache let the copy become old.
func TestStaleCacheCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "Cache-Control", "max-age=300", "Age", "600")
		var kept CacheEntry
		cfg := RemoteConfig{Report: func(f FetchResult) { kept = f.Cached }}
		knows(t, remoteOf(t, s, cfg), "", k)
		if age := time.Since(kept.Fetched); age != 0 || kept.MaxAge != 0 {
			t.Errorf("the copy is %v old, with a max-age of %v", age, kept.MaxAge)
		}
		cfg.Cached = kept
		time.Sleep(time.Hour)
		knows(t, remoteOf(t, s, cfg), "", k)
		if told := s.last().Header.Get("Cache-Control"); told != "no-cache" || s.count() != 4 {
			t.Errorf("%d requests, of which each fetch has two; the cache was told %q", s.count(), told)
		}
	})
}
