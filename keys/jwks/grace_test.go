package jwks

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// keeps is a cache that keeps a set for longer than max-age, whatever its clients ask.
type keeps struct {
	body   []byte
	made   time.Time // when it got the set from the issuer
	allows string    // the Cache-Control of the issuer
}

func (c keeps) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", c.allows)
	w.Header().Set("Age", fmt.Sprint(int(time.Since(c.made).Seconds())))
	w.Write(c.body)
}

// A service starts behind a cache whose set is long stale. It uses that set for MaxStale and
// reports the fault to its operator all the time. Refresh does not accept the set.
func TestStartBehindLateCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		cache := keeps{jwkSet(t, k), time.Now(), "max-age=300"}
		time.Sleep(11 * time.Hour)
		s := new(site)
		s.is(cache)
		var first, last FetchResult
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) {
			if last = f; first.Set == nil {
				first = f
			}
		}})
		start := time.Now()
		knows(t, r, "", k)
		if first.Err != nil || first.Stale != 11*time.Hour-5*time.Minute || s.count() != 2 || s.last().Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("told %v, stale for %v, after %d requests, the last with %v", first.Err, first.Stale, s.count(), s.last().Header)
		}
		if _, err := r.Refresh(t.Context()); reasonOf(err) != ReasonStale {
			t.Errorf("Refresh: %v", err)
		}
		for time.Since(start) < time.Hour {
			time.Sleep(30 * time.Second)
			knows(t, r, "", k)
		}
		if last.Err != nil || last.Stale != 12*time.Hour-5*time.Minute {
			t.Errorf("told %v, stale for %v", last.Err, last.Stale)
		}
		time.Sleep(30 * time.Second)
		if fails(t, r, "", keys.ErrStale, ErrFetch); reasonOf(last.Err) != ReasonStale {
			t.Errorf("told %v", last.Err)
		}

		// A process that takes over a CacheEntry does not start the grace anew.
		r = remoteOf(t, s, RemoteConfig{Cached: first.Cached})
		fails(t, r, "", keys.ErrStale, ErrFetch)

		next := newKey(t, keys.ES256)
		s.is(keeps{jwkSet(t, next), time.Now(), "max-age=300"})
		time.Sleep(30 * time.Second)
		knows(t, r, "", next)
	})
}

// At a cold start the younger of two sets counts, though both are long stale.
func TestStartBehindLateCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
		older := keeps{jwkSet(t, k), time.Now(), "max-age=300"}
		time.Sleep(5 * time.Hour)
		younger := keeps{jwkSet(t, next), time.Now(), "max-age=300"}
		time.Sleep(5 * time.Hour)
		for name, order := range map[string][2]http.Handler{"at first": {younger, older}, "at last": {older, younger}} {
			s := new(site)
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order[0].ServeHTTP(w, r)
				s.is(order[1])
			})
			r := remoteOf(t, s, RemoteConfig{})
			if knows(t, r, "", next); s.count() != 2 {
				t.Errorf("%s: %d requests", name, s.count())
			}
		}
	})
}

// An issuer lets caches answer with a stale set. A service behind such a cache gets its keys and no
// fetch fails, until MaxStale after the end of the grace.
func TestIssuerPermitsStale(t *testing.T) {
	for allows, until := range map[string]time.Duration{
		"max-age=300": 300*time.Second + time.Hour,
		"max-age=300, stale-while-revalidate=1800":                  300*time.Second + 30*time.Minute + time.Hour,
		"max-age=300, stale-if-error=604800":                        300*time.Second + time.Hour + time.Hour,
		"max-age=300, stale-while-revalidate=1800, must-revalidate": 300*time.Second + time.Hour,
	} {
		t.Run(allows, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				s := new(site)
				start := time.Now()
				s.is(keeps{jwkSet(t, k), start, allows})
				var told []error
				r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = append(told, f.Err) }})
				for time.Since(start) <= until {
					knows(t, r, "", k)
					time.Sleep(15 * time.Second)
				}
				if err := errors.Join(told...); err != nil {
					t.Errorf("told %v", err)
				}
				if most := int(until / DefaultCooldown); s.count() > most+2 {
					t.Errorf("%d requests in %v", s.count(), until)
				}
				time.Sleep(15 * time.Second)
				fails(t, r, "", keys.ErrStale)
			})
		})
	}
}
