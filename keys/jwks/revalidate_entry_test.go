package jwks

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// An older answer confirms a held set. The held set does not become older by it: a set whose age is
// between the two does not replace it.
func TestConfirmedByOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := new(site)
		s.answers(edge{body: jwkSet(t, k)})
		var told error
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f.Err }})
		knows(t, r, "", k)
		time.Sleep(226 * time.Second)
		s.answers(edge{body: jwkSet(t, k), age: 280})
		knows(t, r, "", k)
		time.Sleep(30 * time.Second)
		s.answers(edge{body: jwkSet(t, other), age: 290})
		if knows(t, r, "", k); !errors.Is(told, errOlder) {
			t.Errorf("told %v", told)
		}
	})
}

// A CacheEntry keeps the time at which the server made its set. The next set is younger by that
// time, though a cache held it before the CacheEntry was fetched.
func TestCopyGenerated(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*CacheEntry)
		older  bool
	}{
		"as it was kept":           {func(*CacheEntry) {}, false},
		"not kept":                 {func(c *CacheEntry) { c.Generated = time.Time{} }, false},
		"after it was fetched":     {func(c *CacheEntry) { c.Generated = c.Fetched.Add(time.Hour) }, true},
		"right when it was stored": {func(c *CacheEntry) { c.Generated = c.Fetched }, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			k, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
			s := new(site)
			s.answers(edge{body: jwkSet(t, k), age: 250})
			var told FetchResult
			cfg := RemoteConfig{Report: func(f FetchResult) { told = f }}
			knows(t, remoteOf(t, s, cfg), "", k)
			if made := time.Since(told.Cached.Generated); made != 250*time.Second {
				t.Errorf("%s: made %v ago", name, made)
			}
			tt.change(&told.Cached)
			cfg.Cached = told.Cached
			r := remoteOf(t, s, cfg)
			time.Sleep(time.Minute)
			s.answers(edge{body: jwkSet(t, next), age: 200})
			if r.PublicKeys(t.Context(), ""); errors.Is(told.Err, errOlder) != tt.older {
				t.Errorf("%s: told %v", name, told.Err)
			}
			time.Sleep(time.Hour / 2)
			s.answers(edge{body: jwkSet(t, next)})
			knows(t, r, "", next)
		})
	}
}
