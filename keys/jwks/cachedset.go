package jwks

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// cachedSet is a set with the facts about its fetch. A cachedSet that a Remote holds never changes.
type cachedSet struct {
	set  *keys.PublicSet
	body []byte
	etag string

	// When the Remote sent the request whose answer brought or confirmed the set.
	asked time.Time
	// When the server last served the set, as far as is known: asked, less the answer's Age.
	generated time.Time
	// What the header fields of that answer say; after a 304, with those of earlier answers.
	caching caching
	refresh bool // Refresh caused the request

	// What believe makes of that answer. The age of the set counts from fetched: asked, or an
	// earlier time if the answer counts as stale.
	fetched  time.Time
	lifetime time.Duration // how much of max-age was left; due computes when to fetch again
	stale    time.Duration // for how long the answer had been stale when it arrived
}

func (h *cachedSet) has(kid string) bool {
	return kid == "" || h.set.HasVerificationKey(kid)
}

// replace returns the set of an answer that has a body. h is the set that the Remote held when
// it asked; h may be nil. If the body is the body of h, the new set has the *keys.PublicSet of
// h: the cache of verified tokens in package open compares these pointers.
func (h *cachedSet) replace(a answer, asked time.Time) (*cachedSet, error) {
	next := &cachedSet{
		body: a.body, etag: etagOf(a.header),
		asked: asked, generated: asked.Add(-ageOf(a.header)), caching: cachingOf(a.header),
	}
	if h != nil && bytes.Equal(h.body, a.body) {
		next.set, next.body = h.set, h.body
		return next, nil
	}
	set, err := parseSet(a.body)
	if err != nil {
		return nil, setError(err)
	}
	next.set = set
	return next, nil
}

// confirm returns the set of h with the times and header fields of a 304, by which the server
// says that h is still current (RFC 9111 section 4.3.4).
func (h *cachedSet) confirm(header http.Header, asked time.Time) *cachedSet {
	return &cachedSet{
		set: h.set, body: h.body, etag: h.etag,
		asked: asked, generated: asked.Add(-ageOf(header)), caching: h.caching.with(header),
	}
}

// etagOf returns the answer's ETag, or no ETag if that has more than 256 bytes: a server needs no
// longer one, and the Remote would keep it and send it each time.
func etagOf(h http.Header) string {
	const maxLength = 256
	if tag := h.Get("ETag"); len(tag) <= maxLength {
		return tag
	}
	return ""
}

func (h *cachedSet) entry(url string) CacheEntry {
	return CacheEntry{
		URL: url, Fetched: h.fetched.Round(0), Generated: h.generated.Round(0),
		MaxAge: h.lifetime, ETag: h.etag, Body: bytes.Clone(h.body),
	}
}

// clockTolerance is how far in the future Cached.Fetched may lie: the clock may have been set
// back a little since another process wrote Cached. Such a set has age zero.
const clockTolerance = 10 * time.Second

// restore returns the set of Cached, nil if Cached has no body. It also returns a set that is too
// old to be used: with its ETag the server can answer 304 and need not send the set again.
func (c *RemoteConfig) restore(now time.Time) (*cachedSet, error) {
	if c.Cached.Body == nil {
		return nil, nil
	}
	if c.Cached.URL != c.URL {
		return nil, fmt.Errorf("%w: the cached set is of another URL; remove it", ErrConfig)
	}
	age := now.Round(0).Sub(c.Cached.Fetched)
	if age < 0 && age > -clockTolerance {
		age = 0
	}
	if age < 0 {
		return nil, fmt.Errorf("%w: the cached set is from the future; set the clock, or remove it", ErrConfig)
	}
	set, err := parseSet(c.Cached.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: the cached set is damaged, remove it: %w", ErrConfig, err)
	}
	life := max(0, c.Cached.MaxAge)
	h := &cachedSet{
		set: set, body: bytes.Clone(c.Cached.Body), etag: c.Cached.ETag,
		fetched:  now.Add(-age), // now holds both clocks, wall and monotonic, and elapsed compares both
		lifetime: life,
		caching:  caching{client: life, shared: permission{fresh: life}, cdn: permission{fresh: -1}},
	}
	h.asked = h.fetched
	h.generated = h.fetched.Add(-max(0, c.Cached.Fetched.Sub(c.Cached.Generated)))
	return h, nil
}
