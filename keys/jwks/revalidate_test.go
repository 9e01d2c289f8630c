package jwks

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// edge is one of the caches of a CDN. It has a set of some age and may keep it for 300 s.
type edge struct {
	body   []byte
	age    int
	etag   string // the edge answers any condition with a 304 for it; empty: it never does
	origin []byte // the answer of the issuer to no-cache; nil: the edge ignores no-cache
}

func (e edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.origin != nil && r.Header.Get("Cache-Control") == "no-cache" {
		e.body, e.age, e.etag = e.origin, 0, ""
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=300")
	w.Header().Set("Age", fmt.Sprint(e.age))
	if e.etag != "" {
		w.Header().Set("ETag", e.etag)
	}
	if e.etag != "" && r.Header.Get("If-None-Match") != "" {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(e.body)
}

func (s *site) answers(e edge) { s.set(func() { s.handler = e }) }

const errRenew = "should have renewed"

// A set was fetched 226 s ago, and now another cache answers with a set that may be older. The
// Remote asks once more, past the caches. If the caches ignore that, the held set does not become
// older and no older set replaces it.
func TestCacheBehind(t *testing.T) {
	k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
	same, another := jwkSet(t, k), jwkSet(t, other)
	for name, tt := range map[string]struct {
		edge     edge
		says     string        // text of the error
		age      time.Duration // the age of the copy
		due      time.Duration
		requests int
	}{
		"fresh":                 {edge{body: same, age: 200}, "", 0, 75 * time.Second, 1},
		"fresh, another":        {edge{body: another, age: 200}, "", 0, 75 * time.Second, 1},
		"as old":                {edge{body: another, age: 226}, "", 0, 55500 * time.Millisecond, 1},
		"older":                 {edge{body: same, age: 228}, "", 0, 54000 * time.Millisecond, 2},
		"older, 304":            {edge{body: same, age: 228, etag: `"1"`}, "", 0, 54000 * time.Millisecond, 2},
		"older, another":        {edge{body: another, age: 227}, errOlder.Error(), 0, 0, 2},
		"stale":                 {edge{body: same, age: 700}, "", 226 * time.Second, 30 * time.Second, 2},
		"stale, 304":            {edge{body: same, age: 700, etag: `"1"`}, "", 226 * time.Second, 30 * time.Second, 2},
		"stale, another":        {edge{body: another, age: 700}, errOlder.Error(), 0, 0, 2},
		"stale for a bit":       {edge{body: same, age: 310}, "", 10 * time.Second, 30 * time.Second, 2},
		"stale for long":        {edge{body: same, age: 5000}, errRenew + " 1h18m20s ago", 0, 0, 2},
		"stale for long, 304":   {edge{body: same, age: 5000, etag: `"1"`}, errRenew, 0, 0, 2},
		"stale for long, other": {edge{body: another, age: 5000}, errRenew, 0, 0, 2},
		"asked past":            {edge{body: another, age: 5000, origin: another}, "", 0, 225 * time.Second, 2},
		"asked past a 304":      {edge{body: same, age: 700, etag: `"1"`, origin: same}, "", 0, 225 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(site)
				s.answers(edge{body: same, etag: `"1"`})
				var told FetchResult
				r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f }})
				set := knows(t, r, "", k)
				time.Sleep(226 * time.Second)
				s.answers(tt.edge)
				got, err := r.PublicKeys(t.Context(), "")
				if err != nil || (got != set) != (told.Changed) {
					t.Errorf("another set %v: %v", got != set, err)
				}
				if n := s.count() - 1; n != tt.requests {
					t.Errorf("%d requests", n)
				}
				if h := s.last().Header; tt.requests == 2 && (h.Get("Cache-Control") != "no-cache" || h.Get("If-None-Match") != "") {
					t.Errorf("asked again with %v", h)
				}
				if tt.says != "" {
					if !errors.Is(told.Err, ErrFetch) || !strings.Contains(told.Err.Error(), tt.says) || got != set {
						t.Errorf("told %v, want %q", told.Err, tt.says)
					}
					return
				}
				if age := time.Since(told.Cached.Fetched); told.Err != nil || age != tt.age {
					t.Errorf("told %v, the copy is %v old, want %v", told.Err, age, tt.age)
				}
				if due := time.Until(told.Due); due != tt.due {
					t.Errorf("due in %v, want %v", due, tt.due)
				}
			})
		})
	}
}

// Refresh has removed a key. A cache that is behind does not bring it back, whether its set is
// fresh or stale, and not in another process either. The issuer can bring it back.
func TestRevokedStaysOut(t *testing.T) {
	for _, age := range []int{280, 2000} {
		for _, restarts := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				stolen, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, stolen))
				var told FetchResult
				cfg := RemoteConfig{Report: func(f FetchResult) { told = f }}
				r := remoteOf(t, s, cfg)
				knows(t, r, "", stolen)
				s.answers(edge{body: jwkSet(t, next)})
				refreshed(t, r, next)
				if restarts {
					cfg.Cached = told.Cached
					r = remoteOf(t, s, cfg)
				}
				time.Sleep(226 * time.Second)
				s.answers(edge{body: jwkSet(t, stolen), age: age})
				knows(t, r, "", next)
				if !errors.Is(told.Err, errOlder) {
					t.Errorf("told %v", told.Err)
				}
				if _, err := r.Refresh(t.Context()); !errors.Is(err, errOlder) || !errors.Is(err, ErrFetch) {
					t.Errorf("Refresh: %v", err)
				}
				fails(t, r, stolen.ID(), ErrFetch, errOlder)
				s.answers(edge{body: jwkSet(t, stolen), age: 10})
				refreshed(t, r, stolen)
			})
		}
	}
}

// After a quiet night a cache with stale-while-revalidate first answers with yesterday's set, and
// then with the present one.
func TestStaleWhileRevalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, k := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := new(site)
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			edge{body: jwkSet(t, old), age: 3 * 60 * 60}.ServeHTTP(w, r)
			s.answers(edge{body: jwkSet(t, k)})
		})
		knows(t, remoteOf(t, s, RemoteConfig{}), "", k)
	})
}

// Refresh does not accept a set that has been stale for longer than MaxStale. The error says that,
// and does not say that nothing was read.
func TestStaleForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := new(site)
		s.answers(edge{body: jwkSet(t, k), age: 300 + 3601})
		var told FetchResult
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f }})
		_, err := r.Refresh(t.Context())
		if !errors.Is(err, ErrFetch) || errors.Is(err, keys.ErrStale) || !strings.Contains(fmt.Sprint(err), errRenew+" 1h0m1s ago") {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		s.answers(edge{body: jwkSet(t, k), age: 300 + 3600})
		refreshed(t, r, k)
		if told.Err != nil || told.Due.Before(time.Now()) || told.Stale != time.Hour {
			t.Errorf("told %v, due %v, stale for %v", told.Err, time.Until(told.Due), told.Stale)
		}
		time.Sleep(time.Second)
		if err := fails(t, r, "", keys.ErrStale); !strings.Contains(fmt.Sprint(err), "was last up to date 1h0m1s ago") {
			t.Error(err)
		}
	})
}

// Both requests share the timeout of one. If the second one fails, or brings an even older set, the
// first answer counts.
func TestSecondTry(t *testing.T) {
	k, older := newKey(t, keys.ES256), newKey(t, keys.ES256)
	for name, second := range map[string]http.Handler{
		"fails":    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }),
		"garbage":  edge{body: []byte("garbage")},
		"is older": edge{body: jwkSet(t, older), age: 3000},
		"hangs":    http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(site)
				s.delay = 2 * time.Second
				s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					edge{body: jwkSet(t, k), age: 600}.ServeHTTP(w, r)
					s.set(func() { s.handler = second })
				})
				start := time.Now()
				knows(t, remoteOf(t, s, RemoteConfig{}), "", k)
				if took := time.Since(start); s.count() != 2 || took > DefaultTimeout {
					t.Errorf("%d requests in %v", s.count(), took)
				}
			})
		})
	}
}

// If the machine sleeps, or its clock is set, the Remote does not take a set for older than it is.
func TestOlderThanClocks(t *testing.T) {
	at := time.Now()
	old := &cachedSet{generated: at}
	for name, clock := range map[string]struct{ wall, monotonic time.Duration }{
		"both": {time.Hour, time.Hour}, "asleep": {time.Hour, time.Minute}, "set back": {-time.Hour, time.Hour},
	} {
		now := shiftMonotonic(t, at.Add(clock.wall), clock.monotonic-clock.wall)
		made := func(age time.Duration) *cachedSet { return &cachedSet{asked: now, generated: now.Add(-age)} }
		if made(time.Hour).olderThan(old) || !made(time.Hour+time.Second).olderThan(old) {
			t.Errorf("%s: taken for older by another measure than that of an hour", name)
		}
	}
	if (&cachedSet{asked: at, generated: at.Add(-maxDelta * time.Second)}).olderThan(&cachedSet{}) {
		t.Error("older than a set without a date")
	}
}
