package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// caching says for how long an answer may be kept; negative where it says nothing.
type caching struct {
	client time.Duration // by the client: max-age
	shared time.Duration // by caches on the way: max-age or s-maxage, whichever is longer
	cdn    time.Duration // by the caches of the issuer's CDN (RFC 9213)
}

func cachingOf(h http.Header) caching { return caching{-1, -1, -1}.with(h) }

// with returns c with the fields that an answer says anew: a 304 may leave out a field of the
// 200 (RFC 9111 section 3.2). It does not read Expires: issuers who care send max-age, and
// Expires takes a clock that agrees.
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

// maxAges returns the max-age and the s-maxage of a field, negative where it has none, and
// zero for both if an answer must not be stored. The shortest of several counts, and a value
// that is not a number counts as zero: RFC 9111 section 4.2.1.
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

// lifetime returns for how long an answer of an age need not be asked for again, RFC 9111
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

// staleness returns for how long an answer of an age has been stale: the time since caches
// should have dropped it. A cache that has lost the issuer may go on with a stale set (RFC
// 9111 section 4.2.4), and so a revoked key would live for ever. A cache follows rules of its
// own for an answer that says nothing, and no issuer reckons with more than a day for those
// (keyring.Policy, CacheAge).
func (c caching) staleness(age time.Duration) time.Duration {
	fresh := max(c.shared, c.cdn)
	if fresh < 0 {
		fresh = longestCacheAge
	}
	return max(0, age-fresh)
}

// ageOf returns for how long caches on the way had an answer, zero if none says so. The first
// of several counts, RFC 9111 section 5.1.
func ageOf(h http.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	return seconds(first)
}

// seconds reads a number of seconds, and returns zero for any other text.
func seconds(s string) time.Duration {
	const maxSeconds = 1 << 31 // RFC 9111 section 1.2.2
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, _ := strconv.ParseInt(s, 10, 64) // the largest integer for too many digits
	return time.Duration(min(n, maxSeconds)) * time.Second
}
