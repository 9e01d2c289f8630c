package jwks

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A program that runs for a moment keeps the set from one run to the next. It fetches when a fetch
// is due, and it gets through an outage like a program that goes on running.
func TestCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "ETag", `"1"`, "Cache-Control", "max-age=400")
		var (
			kept []byte
			told []FetchResult
		)
		run := func() *Remote {
			var c CacheEntry
			if kept != nil {
				if err := json.Unmarshal(kept, &c); err != nil {
					t.Fatal(err)
				}
			}
			return remoteOf(t, s, RemoteConfig{Cached: c, Report: func(f FetchResult) {
				if told = append(told, f); f.Err == nil {
					kept = must(json.Marshal(f.Cached))(t)
				}
			}})
		}
		knows(t, run(), "", k)
		time.Sleep(300*time.Second - time.Nanosecond)
		knows(t, run(), k.ID(), k)
		if s.count() != 1 {
			t.Errorf("%d fetches before it is due", s.count())
		}
		time.Sleep(time.Nanosecond)
		knows(t, run(), k.ID(), k)
		if s.count() != 2 || s.last().Header.Get("If-None-Match") != `"1"` {
			t.Errorf("%d fetches when it is due, the last with %v", s.count(), s.last().Header)
		}
		if f := told[len(told)-1]; f.Changed || !f.Cached.Fetched.Equal(time.Now()) {
			t.Errorf("confirmed: %+v", f)
		}

		s.set(func() { s.err = errors.New("down") })
		time.Sleep(time.Hour)
		r := run()
		knows(t, r, k.ID(), k)
		time.Sleep(time.Nanosecond)
		fails(t, r, k.ID(), keys.ErrStale) // the process that took the set over ages it further
		fails(t, run(), k.ID(), keys.ErrStale)
	})
}

// NewRemote skips and reports a copy that cannot be right, and the Remote fetches the set.
func TestCopyRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
		good := CacheEntry{URL: siteURL, Fetched: time.Now(), MaxAge: time.Hour, Body: jwkSet(t, other)}
		for _, tt := range []struct {
			name   string
			change func(*CacheEntry)
			told   error
		}{
			{"of another URL", func(c *CacheEntry) { c.URL = "https://evil.example.com/" }, ErrConfig},
			{"from the future", func(c *CacheEntry) { c.Fetched = c.Fetched.Add(clockTolerance) }, ErrConfig},
			{"garbage", func(c *CacheEntry) { c.Body = []byte("garbage") }, keys.ErrMalformed},
			{"too old", func(c *CacheEntry) { c.Fetched = c.Fetched.Add(-time.Hour - time.Nanosecond) }, nil},
			{"undated", func(c *CacheEntry) { c.Fetched = time.Time{} }, nil},
		} {
			var told error
			c := good
			tt.change(&c)
			r := remoteOf(t, siteOf(jwkSet(t, k)), RemoteConfig{Cached: c, Report: func(f FetchResult) { told = errors.Join(told, f.Err) }})
			knows(t, r, k.ID(), k)
			if !errors.Is(told, tt.told) {
				t.Errorf("%s: told %v", tt.name, told)
			}
		}
		r := remoteOf(t, siteOf(jwkSet(t, k)), RemoteConfig{Cached: good})
		knows(t, r, "", other)
		good.MaxAge = -time.Hour
		if h := must((&RemoteConfig{URL: siteURL, MaxStale: time.Hour, Cached: good}).restore(time.Now()))(t); h.lifetime != 0 {
			t.Errorf("lifetime %v", h.lifetime)
		}
	})
}

// A caller that writes to a CacheEntry does not change the set of the Remote.
func TestCopyIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		var kept CacheEntry
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { kept = f.Cached }})
		first := knows(t, r, "", k)
		clear(kept.Body)
		time.Sleep(5 * time.Minute)
		if knows(t, r, "", k) != first {
			t.Error("the body that is held was changed")
		}
		given := CacheEntry{URL: siteURL, Fetched: time.Now(), Body: jwkSet(t, k)}
		r = remoteOf(t, s, RemoteConfig{Cached: given})
		first = knows(t, r, "", k)
		clear(given.Body)
		time.Sleep(5 * time.Minute)
		if knows(t, r, "", k) != first || r.cfg.Cached.Body != nil {
			t.Error("the body that was given is held")
		}
	})
}

// A set that another process fetched ages by both clocks from the moment it was taken over. A user
// who sets the wall clock back does not make the set younger.
func TestCopyClocks(t *testing.T) {
	for name, c := range map[string]struct {
		wall, monotonic time.Duration
		stale           bool
	}{
		"both":                   {59 * time.Minute, 59 * time.Minute, false},
		"later":                  {59*time.Minute + 1, 59*time.Minute + 1, true},
		"wall clock set back":    {-24 * time.Hour, time.Hour, true},
		"wall clock set forward": {24 * time.Hour, time.Minute, true},
	} {
		k := newKey(t, keys.ES256)
		s := siteOf(nil)
		s.fails(500)
		start := time.Now()
		now := start
		held := CacheEntry{URL: siteURL, Fetched: start.Round(0).Add(-time.Minute), Body: jwkSet(t, k)}
		r := must(newRemote(RemoteConfig{URL: siteURL, Transport: s, Cached: held}, func() time.Time { return now }))(t)
		knows(t, r, k.ID(), k)
		now = shiftMonotonic(t, start.Add(c.wall), c.monotonic-c.wall)
		if _, err := r.PublicKeys(t.Context(), k.ID()); errors.Is(err, keys.ErrStale) != c.stale {
			t.Errorf("%s: %v", name, err)
		}
	}
}
