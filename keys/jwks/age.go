package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// maxDelta is where a number of seconds is cut, RFC 9111 section 1.2.2.
const maxDelta = 1 << 31

// caching is what an answer says about caches, in seconds; negative is nothing.
type caching struct {
	never           bool // no-store, no-cache
	maxAge, sMaxAge int64
}

func cachingOf(h http.Header) caching {
	c := caching{maxAge: -1, sMaxAge: -1}
	// Of several the shortest, and of what is no number nothing: RFC 9111 section 4.2.1.
	least := func(to *int64, value string) {
		if n := min(seconds(value), maxDelta); *to < 0 || n < *to {
			*to = n
		}
	}
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			c.never = true
		case "max-age":
			least(&c.maxAge, value)
		case "s-maxage":
			least(&c.sMaxAge, value)
		}
	}
	return c
}

// lifetime is for how long an answer says that it need not be asked for again: its
// max-age, less its age in caches on the way (RFC 9111 section 4.2); none if it must not
// be stored at all. ok is false when it says nothing. Expires is not read: issuers who
// care send max-age, and it takes a clock that agrees.
func lifetime(h http.Header) (life time.Duration, ok bool) {
	switch c := cachingOf(h); {
	case c.never:
		return 0, true
	case c.maxAge < 0:
		return 0, false
	default:
		return time.Duration(max(0, c.maxAge-seconds(h.Get("Age")))) * time.Second, true
	}
}

// staleness is for how long an answer had been stale when it came: its age beyond what
// its issuer lets caches keep it for. A cache that has lost the issuer may go on with
// what it has (RFC 9111 section 4.2.4), and by that a revoked key would live for ever. One
// that was told nothing goes by rules of its own, for which no issuer reckons with more
// than a day (keys.Policy, CacheAge).
func staleness(h http.Header) time.Duration {
	c := cachingOf(h)
	fresh := max(c.maxAge, c.sMaxAge)
	switch {
	case c.never:
		fresh = 0
	case fresh < 0:
		fresh = int64(keys.DefaultPolicy().CacheAge / time.Second)
	}
	return time.Duration(max(0, min(seconds(h.Get("Age")), maxDelta)-fresh)) * time.Second
}

// seconds is a number of them, zero for what is none.
func seconds(s string) int64 {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, _ := strconv.ParseInt(s, 10, 64) // of too many digits it is the largest there is
	return n
}
