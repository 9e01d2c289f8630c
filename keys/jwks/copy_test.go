package jwks

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A program that runs for a moment keeps the set from one time to the next: it fetches
// when that is due, and gets through an outage as one that goes on running.
func TestCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "ETag", `"1"`, "Cache-Control", "max-age=400")
		var (
			kept []byte
			told []Fetch
		)
		run := func() *Remote {
			var c Copy
			if kept != nil {
				if err := json.Unmarshal(kept, &c); err != nil {
					t.Fatal(err)
				}
			}
			return remoteOf(t, s, Config{Copy: c, Report: func(f Fetch) {
				if told = append(told, f); f.Err == nil {
					kept = must(json.Marshal(f.Copy))(t)
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
		if f := told[len(told)-1]; f.Changed || !f.Copy.Fetched.Equal(time.Now()) {
			t.Errorf("confirmed: %+v", f)
		}

		s.set(func() { s.err = errors.New("down") })
		time.Sleep(time.Hour)
		r := run()
		knows(t, r, k.ID(), k)
		time.Sleep(time.Nanosecond)
		fails(t, r, k.ID(), keys.ErrStale) // ages on in the process that took it over
		fails(t, run(), k.ID(), keys.ErrStale)
	})
}

// A copy that cannot be right is passed over and told; the set is fetched.
func TestCopyRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
		good := Copy{URL: siteURL, Fetched: time.Now(), MaxAge: time.Hour, Body: jwkSet(t, other)}
		for _, tt := range []struct {
			name   string
			change func(*Copy)
			told   error
		}{
			{"of another URL", func(c *Copy) { c.URL = "https://evil.example.com/" }, ErrConfig},
			{"from the future", func(c *Copy) { c.Fetched = c.Fetched.Add(slew) }, ErrConfig},
			{"garbage", func(c *Copy) { c.Body = []byte("garbage") }, keys.ErrMalformed},
			{"too old", func(c *Copy) { c.Fetched = c.Fetched.Add(-time.Hour - time.Nanosecond) }, nil},
			{"undated", func(c *Copy) { c.Fetched = time.Time{} }, nil},
		} {
			var told error
			c := good
			tt.change(&c)
			r := remoteOf(t, siteOf(jwkSet(t, k)), Config{Copy: c, Report: func(f Fetch) { told = errors.Join(told, f.Err) }})
			knows(t, r, k.ID(), k)
			if !errors.Is(told, tt.told) {
				t.Errorf("%s: told %v", tt.name, told)
			}
		}
		r := remoteOf(t, siteOf(jwkSet(t, k)), Config{Copy: good})
		knows(t, r, "", other)
		good.MaxAge = -time.Hour
		if h := must((&Config{URL: siteURL, HardAge: time.Hour, Copy: good}).restore(time.Now()))(t); h.lifetime != 0 {
			t.Errorf("lifetime %v", h.lifetime)
		}
	})
}

// Nobody changes what is held through what was handed out.
func TestCopyIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		var kept Copy
		r := remoteOf(t, s, Config{Report: func(f Fetch) { kept = f.Copy }})
		first := knows(t, r, "", k)
		clear(kept.Body)
		time.Sleep(5 * time.Minute)
		if knows(t, r, "", k) != first {
			t.Error("the body that is held was changed")
		}
		given := Copy{URL: siteURL, Fetched: time.Now(), Body: jwkSet(t, k)}
		r = remoteOf(t, s, Config{Copy: given})
		first = knows(t, r, "", k)
		clear(given.Body)
		time.Sleep(5 * time.Minute)
		if knows(t, r, "", k) != first || r.cfg.Copy.Body != nil {
			t.Error("the body that was given is held")
		}
	})
}

// What another process fetched ages by both clocks from when it was taken over: who sets
// the wall clock back does not make it younger.
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
		held := Copy{URL: siteURL, Fetched: start.Round(0).Add(-time.Minute), Body: jwkSet(t, k)}
		r := must(newRemote(Config{URL: siteURL, Client: &http.Client{Transport: s}, Copy: held}, func() time.Time { return now }))(t)
		knows(t, r, k.ID(), k)
		now = shiftMonotonic(t, start.Add(c.wall), c.monotonic-c.wall)
		if _, err := r.PublicKeys(t.Context(), k.ID()); errors.Is(err, keys.ErrStale) != c.stale {
			t.Errorf("%s: %v", name, err)
		}
	}
}
