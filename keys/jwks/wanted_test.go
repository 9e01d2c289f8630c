package jwks

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A busy service fetches for its known keys as soon as the cooldown is over. That fetch must find
// the new key too: past a cache on the way, and past an ETag that a server made of the file's time
// and length.
func TestNewKidOfBusyService(t *testing.T) {
	for name, shared := range map[string]bool{"a cache on the way": true, "an ETag of time and length": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, fresh := newKey(t, keys.ES256), newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, old), "ETag", `"5f-1a2"`, "Cache-Control", "max-age=30")
				if shared {
					s = new(site)
					s.handler = cacheOf(jwkSet(t, old), jwkSet(t, old, fresh))
				}
				r := remoteOf(t, s, RemoteConfig{})
				knows(t, r, old.ID(), old)
				if !shared {
					s.serve(jwkSet(t, old, fresh), "ETag", `"5f-1a2"`, "Cache-Control", "max-age=30")
				}
				for range 31 {
					time.Sleep(time.Second)
					if _, err := r.PublicKeys(t.Context(), old.ID()); err != nil {
						t.Error(err)
					}
					if _, err := r.PublicKeys(t.Context(), fresh.ID()); err != nil {
						t.Error(err)
					}
				}
				knows(t, r, fresh.ID(), old, fresh)
				if s.count() != 2 {
					t.Errorf("%d fetches", s.count())
				}
			})
		})
	}
}

// cacheOf returns a cache that answers from its store for an hour, unless a request says no-cache.
func cacheOf(stored, origin []byte) http.HandlerFunc {
	start := time.Now()
	return func(w http.ResponseWriter, r *http.Request) {
		body, age := stored, int(time.Since(start).Seconds())
		if r.Header.Get("Cache-Control") == "no-cache" {
			body, age = origin, 0
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=30, s-maxage=3600")
		w.Header().Set("Age", fmt.Sprint(age))
		w.Write(body)
	}
}

// A caller wants a kid while a fetch is under way, or a fetch for it failed. The next fetch looks
// for that kid, and the fetch after it does not.
func TestWantedOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "ETag", `"1"`, "Cache-Control", "max-age=1")
		r := remoteOf(t, s, RemoteConfig{})
		knows(t, r, "", k)
		due := func(want string) {
			t.Helper()
			before := s.count()
			time.Sleep(DefaultCooldown)
			r.PublicKeys(t.Context(), k.ID())
			if got := s.last().Header.Get("Cache-Control"); got != want || s.count() != before+1 {
				t.Errorf("%d fetches, the last with Cache-Control %q, want %q", s.count()-before, got, want)
			}
			if tag := s.last().Header.Get("If-None-Match"); (tag == "") != (want == "no-cache") {
				t.Errorf("Cache-Control is %q, and If-None-Match %q", want, tag)
			}
		}
		due("")
		r.PublicKeys(t.Context(), "unknown") // the cooldown forbids a fetch
		due("no-cache")
		due("")

		s.set(func() { s.delay = time.Second })
		time.Sleep(DefaultCooldown)
		go r.PublicKeys(context.Background(), k.ID())
		synctest.Wait()
		r.PublicKeys(t.Context(), "unknown") // this call waits for the fetch
		due("no-cache")
		due("")

		r.PublicKeys(t.Context(), "unknown")
		s.fails(500)
		due("no-cache")
		s.serve(jwkSet(t, k), "ETag", `"1"`, "Cache-Control", "max-age=1")
		due("no-cache")
		due("")
	})
}
