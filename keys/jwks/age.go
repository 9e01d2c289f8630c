package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// caching is for how long an answer may be kept; negative where it says nothing.
type caching struct {
	client time.Duration // by who asked: max-age
	shared time.Duration // by caches on the way: max-age or s-maxage, whichever is longer
	cdn    time.Duration // by those of the issuer's CDN (RFC 9213)
}

func cachingOf(h http.Header) caching { return caching{-1, -1, -1}.with(h) }

// with is c after an answer that says it anew, field by field: a 304 may leave out what the
// 200 said (RFC 9111 section 3.2). Expires is not read: issuers who care send max-age, and
// it takes a clock that agrees.
func (c caching) with(h http.Header) caching {
	if lines := h.Values("Cache-Control"); len(lines) > 0 {
		maxAge, sMaxAge := maxAges(lines)
		c.client, c.shared = maxAge, max(maxAge, sMaxAge)
	}
	if lines := h.Values("CDN-Cache-Control"); len(lines) > 0 {
		maxAge, sMaxAge := maxAges(lines)
		c.cdn = max(maxAge, sMaxAge)
	}
	return c
}

// maxAges are what a field says, negative for nothing; none at all if an answer must not
// be stored. Of several the shortest counts, and what is no number is zero: RFC 9111 section
// 4.2.1.
func maxAges(lines []string) (maxAge, sMaxAge time.Duration) {
	maxAge, sMaxAge = -1, -1
	least := func(to *time.Duration, value string) {
		if d := seconds(value); *to < 0 || d < *to {
			*to = d
		}
	}
	for directive := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0, 0
		case "max-age":
			least(&maxAge, value)
		case "s-maxage":
			least(&sMaxAge, value)
		}
	}
	return maxAge, sMaxAge
}

// lifetime is for how long an answer of an age need not be asked for again, RFC 9111
// section 4.2.
func (c caching) lifetime(age time.Duration) time.Duration {
	if c.staleness(age) > 0 {
		return 0
	}
	if c.client < 0 {
		return defaultMaxAge
	}
	return max(0, c.client-age)
}

// staleness is for how long an answer of an age has been stale: that beyond what its issuer
// lets caches keep it for. A cache that has lost the issuer may go on with what it has (RFC
// 9111 section 4.2.4), and by that a revoked key would live for ever. One that was told
// nothing goes by rules of its own, for which no issuer reckons with more than a day
// (keyring.Policy, CacheAge).
func (c caching) staleness(age time.Duration) time.Duration {
	fresh := max(c.shared, c.cdn)
	if fresh < 0 {
		fresh = longestCacheAge
	}
	return max(0, age-fresh)
}

// ageOf is for how long caches on the way had an answer, zero if none says so. Of several
// the first counts, RFC 9111 section 5.1.
func ageOf(h http.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	return seconds(first)
}

// seconds is a number of them, zero for what is none.
func seconds(s string) time.Duration {
	const most = 1 << 31 // RFC 9111 section 1.2.2
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, _ := strconv.ParseInt(s, 10, 64) // of too many digits it is the largest there is
	return time.Duration(min(n, most)) * time.Second
}
