package jwks

import (
	"net/http"
	"testing"
	"time"
)

const (
	none     = 300     // the MaxAge of the default policy, which counts if the answer names no max-age
	maxDelta = 1 << 31 // RFC 9111 section 1.2.2
)

// RFC 9111 sections 1.2.2, 4.2.1 and 5.2.2.
func TestLifetime(t *testing.T) {
	for _, tt := range []struct {
		cacheControl []string
		age          string
		seconds      int64
	}{
		{nil, "", none},
		{[]string{""}, "", none},
		{[]string{"public"}, "", none},
		{[]string{"max-age=400"}, "", 400},
		{[]string{"Public , MAX-AGE=300, must-revalidate"}, "", 300},
		{[]string{`max-age="300"`}, "", 300},
		{[]string{"public", "max-age=300"}, "", 300},
		{[]string{"max-age=300, max-age=20"}, "", 20},
		{[]string{"max-age=20", "max-age=300"}, "", 20},
		{[]string{"max-age=300, max-age=x"}, "", 0},
		{[]string{"max-age"}, "", 0},
		{[]string{"max-age="}, "", 0},
		{[]string{"max-age=-1"}, "", 0},
		{[]string{"max-age=+1"}, "", 0},
		{[]string{"max-age=3e2"}, "", 0},
		{[]string{"max-age=99999999999999999999999"}, "", maxDelta},
		{[]string{"max-age=2147483649"}, "", maxDelta},
		{[]string{"s-maxage=400"}, "", none},
		{[]string{"x-max-age=400"}, "", none},
		{[]string{"max-age=300, no-cache"}, "", 0},
		{[]string{"No-Store, max-age=300"}, "", 0},
		{[]string{`private="max-age=7, x", max-age=300`}, "", 300},
		{[]string{"max-age=300"}, "100", 200},
		{[]string{"max-age=300"}, "400", 0},
		{[]string{"max-age=300"}, "x", 300},
		{[]string{"max-age=300"}, "99999999999999999999999", 0},
		{nil, "100", none},
	} {
		h := http.Header{"Cache-Control": tt.cacheControl}
		if tt.age != "" {
			h.Set("Age", tt.age)
		}
		if life := cachingOf(h).lifetime(ageOf(h)); life != time.Duration(tt.seconds)*time.Second {
			t.Errorf("%q, age %q: %v", tt.cacheControl, tt.age, life)
		}
	}
}

// A cache may hand out a set for longer than max-age (RFC 9111 sections 4.2.3 and 4.2.4).
func TestStaleness(t *testing.T) {
	for _, tt := range []struct {
		cacheControl string
		age          string
		seconds      int64
	}{
		{"max-age=300", "", 0},
		{"max-age=300", "300", 0},
		{"max-age=300", "301", 1},
		{"max-age=300", "301, 3", 1},
		{"max-age=300", "x", 0},
		{"max-age=60, s-maxage=3600", "3600", 0},
		{"max-age=60, s-maxage=3600", "3601", 1},
		{"s-maxage=60, max-age=3600", "3601", 1},
		{"S-MaxAge=60", "61", 1},
		{"s-maxage=60, s-maxage=20", "21", 1},
		{"s-maxage=x", "7", 7},
		{"max-age=0, must-revalidate", "7", 7},
		{"no-store, max-age=400", "7", 7},
		{"No-Cache", "7", 7},
		{"", "86400", 0},
		{"public", "86401", 1},
		{"max-age=0", "99999999999999999999999", maxDelta},
		{"max-age=99999999999999999999999", "99999999999999999999999", 0},
	} {
		h := http.Header{"Cache-Control": {tt.cacheControl}}
		if tt.age != "" {
			h.Set("Age", tt.age)
		}
		if got := cachingOf(h).staleness(ageOf(h)); got != time.Duration(tt.seconds)*time.Second {
			t.Errorf("%q, age %q: %v", tt.cacheControl, tt.age, got)
		}
	}
}

// An issuer may address a permission to its CDN alone (RFC 9213). The clients of the CDN need not
// see it.
func TestStalenessByCDN(t *testing.T) {
	for _, tt := range []struct {
		cacheControl, cdn string
		lifetime, stale   time.Duration // at an age of two hours
	}{
		{"no-cache", "max-age=86400", 0, 0},
		{"no-store", "Max-Age=7199", 0, time.Second},
		{"max-age=60", "s-maxage=7200, max-age=60", 0, 0},
		{"max-age=7200", "max-age=60", 0, 0},
		{"max-age=60", "no-store, max-age=86400", 0, 7140 * time.Second},
		{"public", "no-store", 0, 2 * time.Hour},
		{"public", "private", 5 * time.Minute, 0},
	} {
		h := http.Header{"Cache-Control": {tt.cacheControl}, "Cdn-Cache-Control": {tt.cdn}}
		c := cachingOf(h)
		if life, stale := c.lifetime(2*time.Hour), c.staleness(2*time.Hour); life != tt.lifetime || stale != tt.stale {
			t.Errorf("%q, to the CDN %q: lifetime %v, stale for %v", tt.cacheControl, tt.cdn, life, stale)
		}
	}
}

// An issuer may permit stale answers (RFC 5861) or forbid them (RFC 9111 sections 4.2.4 and 5.2.2).
func TestGrace(t *testing.T) {
	for _, tt := range []struct {
		cacheControl, cdn string
		seconds           int64
	}{
		{"max-age=300", "", 0},
		{"max-age=300, stale-while-revalidate=60", "", 60},
		{"max-age=300, stale-if-error=60", "", 60},
		{"max-age=300, Stale-While-Revalidate=60, stale-if-error=600", "", 600},
		{`max-age=300, stale-if-error="60"`, "", 60},
		{"max-age=300, stale-if-error=60, stale-if-error=20", "", 20},
		{"max-age=300, stale-if-error=x, stale-if-error=20", "", 0},
		{"max-age=300, stale-while-revalidate", "", 0},
		{"max-age=300, stale-while-revalidate=-1", "", 0},
		{"max-age=0, stale-while-revalidate=60", "", 60},
		{"s-maxage=60, stale-while-revalidate=600", "", 600},
		{"max-age=300, must-revalidate, stale-if-error=60", "", 0},
		{"max-age=300, stale-if-error=60, Proxy-Revalidate", "", 0},
		{"no-cache, stale-if-error=60", "", 0},
		{"max-age=300, stale-if-error=60, no-store", "", 0},
		{"stale-while-revalidate=60", "", 0},
		{"max-age=300, stale-while-revalidate=99999999999999999999999", "", maxDelta},

		// A CDN has a field of its own. The grace that ends later counts.
		{"max-age=300", "max-age=3600, stale-if-error=60", 60},
		{"max-age=300, stale-if-error=60", "max-age=3600", 0},
		{"max-age=300, stale-if-error=4000", "max-age=3600", 700},
		{"max-age=300, stale-if-error=60", "max-age=3600, stale-if-error=600", 600},
		{"no-store", "max-age=3600, stale-if-error=60, must-revalidate", 0},
	} {
		h := http.Header{"Cache-Control": {tt.cacheControl}}
		if tt.cdn != "" {
			h.Set("CDN-Cache-Control", tt.cdn)
		}
		if got := cachingOf(h).grace(); got != time.Duration(tt.seconds)*time.Second {
			t.Errorf("%q, to the CDN %q: %v", tt.cacheControl, tt.cdn, got)
		}
	}
}

// The sums do not overflow, however long a max-age is.
func TestDueBounds(t *testing.T) {
	c := must(RemoteConfig{}.withDefaults())(t)
	if due := c.due(&cachedSet{lifetime: maxDelta * time.Second}); due != 30*time.Minute {
		t.Errorf("due after %v", due)
	}
	if due := c.due(&cachedSet{}); due != 30*time.Second {
		t.Errorf("due after %v", due)
	}
	fetched := time.Now()
	late := func(d time.Duration) *cachedSet { return &cachedSet{fetched: fetched, asked: fetched.Add(d)} }
	if due := c.due(late(10 * time.Minute)); due != 10*time.Minute+30*time.Second {
		t.Errorf("stale: due after %v", due)
	}
	if due := c.due(late(maxDelta * time.Second)); due != time.Hour {
		t.Errorf("stale for long: due after %v", due)
	}
}
