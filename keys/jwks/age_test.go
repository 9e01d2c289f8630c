package jwks

import (
	"net/http"
	"testing"
	"time"
)

// RFC 9111 sections 1.2.2, 4.2.1 and 5.2.2.
func TestLifetime(t *testing.T) {
	const none = -1
	for _, tt := range []struct {
		cacheControl []string
		age          string
		seconds      int64
	}{
		{nil, "", none},
		{[]string{""}, "", none},
		{[]string{"public"}, "", none},
		{[]string{"max-age=300"}, "", 300},
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
		{[]string{"s-maxage=300"}, "", none},
		{[]string{"x-max-age=300"}, "", none},
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
		life, ok := lifetime(h)
		if ok != (tt.seconds != none) || ok && life != time.Duration(tt.seconds)*time.Second {
			t.Errorf("%q, age %q: %v %v", tt.cacheControl, tt.age, life, ok)
		}
	}
}

// RFC 9111 sections 4.2.3 and 4.2.4: what a cache hands out longer than it may.
func TestStaleness(t *testing.T) {
	for _, tt := range []struct {
		cacheControl string
		age          string
		seconds      int64
	}{
		{"max-age=300", "", 0},
		{"max-age=300", "300", 0},
		{"max-age=300", "301", 1},
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
		if got := staleness(h); got != time.Duration(tt.seconds)*time.Second {
			t.Errorf("%q, age %q: %v", tt.cacheControl, tt.age, got)
		}
	}
}

// However long a max-age, the sums do not overflow.
func TestDueBounds(t *testing.T) {
	c := must(Config{}.withDefaults())(t)
	if due := c.due(&held{lifetime: maxDelta * time.Second}); due != 30*time.Minute {
		t.Errorf("due after %v", due)
	}
	if due := c.due(&held{}); due != 30*time.Second {
		t.Errorf("due after %v", due)
	}
	if due := c.due(&held{late: 10 * time.Minute}); due != 10*time.Minute+30*time.Second {
		t.Errorf("stale: due after %v", due)
	}
	if due := c.due(&held{late: maxDelta * time.Second}); due != time.Hour {
		t.Errorf("stale for long: due after %v", due)
	}
}
