package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// caching says for how long an answer may be kept.
type caching struct {
	client time.Duration // by the client: max-age; negative if the answer has none
	shared permission    // by caches on the way
	cdn    permission    // by the caches of the issuer's CDN (RFC 9213)
}

// permission says for how long a cache may answer with the set that it keeps.
type permission struct {
	fresh time.Duration // max-age or s-maxage, whichever is longer; negative if there is neither
	stale time.Duration // how much longer while the cache asks the issuer or fails to (RFC 5861)
}

func cachingOf(h http.Header) caching {
	return caching{client: -1, shared: permission{fresh: -1}, cdn: permission{fresh: -1}}.with(h)
}

// with returns c after an answer with the header h: a field that h has replaces the one in c,
// and a field that h lacks stays, because a 304 may leave out a field of the 200 (RFC 9111
// section 3.2). It does not read Expires: an issuer that cares sends max-age, and Expires is
// right only where the clocks of both sides agree.
func (c caching) with(h http.Header) caching {
	if lines := h.Values("Cache-Control"); len(lines) > 0 {
		c.client, c.shared = directives(lines)
	}
	if lines := h.Values("CDN-Cache-Control"); len(lines) > 0 {
		_, c.cdn = directives(lines)
	}
	return c
}

// directives returns the max-age of a field, negative if the field has none, and the permission
// that the field gives to caches. Both are zero if a cache must not store the answer (no-store)
// or must ask the issuer before each use of it (no-cache). If a directive comes several times, its
// shortest value counts, and a value that is not a number counts as zero (RFC 9111 section 4.2.1).
//
// must-revalidate and proxy-revalidate forbid every stale answer (RFC 9111 section 4.2.4). By the
// letter of the RFC s-maxage forbids it too. But issuers write s-maxage beside
// stale-while-revalidate and mean both, so here s-maxage does not forbid a stale answer.
func directives(lines []string) (maxAge time.Duration, p permission) {
	said := map[string]time.Duration{}
	for directive := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		name = strings.ToLower(name)
		if least, ok := said[name]; !ok || seconds(value) < least {
			said[name] = seconds(value)
		}
	}
	has := func(name string) bool { _, ok := said[name]; return ok }
	orNone := func(name string) time.Duration {
		if !has(name) {
			return -1
		}
		return said[name]
	}
	if has("no-store") || has("no-cache") {
		return 0, permission{}
	}
	maxAge = orNone("max-age")
	p.fresh = max(maxAge, orNone("s-maxage"))
	if !has("must-revalidate") && !has("proxy-revalidate") {
		p.stale = max(said["stale-while-revalidate"], said["stale-if-error"])
	}
	return maxAge, p
}

// lifetime returns for how long a Remote need not fetch again after an answer of this age (RFC
// 9111 section 4.2): zero if the answer is stale, defaultMaxAge if it has no max-age.
func (c caching) lifetime(age time.Duration) time.Duration {
	if c.staleness(age) > 0 {
		return 0
	}
	if c.client < 0 {
		return defaultMaxAge
	}
	return max(0, c.client-age)
}

// staleness returns for how long an answer of this age has been stale: the time since caches
// should have renewed it. A Remote must know it, because a cache that cannot reach the issuer
// may answer with a stale set without end (RFC 9111 section 4.2.4), and a revoked key would be
// accepted for ever. An answer with neither max-age nor s-maxage becomes stale after a day: each
// cache keeps such an answer by rules of its own, and a day is the CacheAge of the default
// keyring.Policy, for which an issuer expects cached sets to be used.
func (c caching) staleness(age time.Duration) time.Duration {
	return max(0, age-c.fresh())
}

func (c caching) fresh() time.Duration {
	if fresh := max(c.shared.fresh, c.cdn.fresh); fresh >= 0 {
		return fresh
	}
	return longestCacheAge
}

// grace returns for how long, from when a set becomes stale, the issuer still lets caches
// answer with it.
func (c caching) grace() time.Duration {
	longest := c.fresh()
	for _, p := range []permission{c.shared, c.cdn} {
		if p.fresh >= 0 {
			longest = max(longest, p.fresh+p.stale)
		}
	}
	return longest - c.fresh()
}

// ageOf returns the Age of an answer, which is the time that the answer spent in caches on the
// way; zero if the answer has no Age. Of several values the first counts (RFC 9111 section 5.1).
func ageOf(h http.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	return seconds(first)
}

// seconds reads a number of seconds, with or without quotes. It returns at most maxSeconds, and
// zero for any other text.
func seconds(s string) time.Duration {
	const maxSeconds = 1 << 31 // RFC 9111 section 1.2.2
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, _ := strconv.ParseInt(s, 10, 64) // the largest int64 for a number that is larger
	return time.Duration(min(n, maxSeconds)) * time.Second
}
