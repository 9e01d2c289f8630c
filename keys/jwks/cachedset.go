package jwks

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// cachedSet is a set as it was fetched, never changed afterwards.
type cachedSet struct {
	set  *keys.PublicSet
	body []byte
	etag string

	asked     time.Time // when the last answer about it was asked for
	generated time.Time // when the server made that answer, by its age in caches on the way
	caching   caching   // what its header fields say
	refresh   bool      // Refresh asked for it

	// The verdict of judge about that answer.
	fetched  time.Time     // asked; if the answer counts as stale, when it became stale
	lifetime time.Duration // for how long it need not be asked for again
	stale    time.Duration // for how long it was stale on arrival
}

func (h *cachedSet) has(kid string) bool {
	return kid == "" || h.set.HasVerificationKey(kid)
}

// replace returns an answer with a body, asked for while h was held. The same body is the
// same *keys.PublicSet: an opener's cache of verified tokens compares the pointers.
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

// confirm returns the answer that a 304 about h stands for, RFC 9111 section 4.3.4.
func (h *cachedSet) confirm(header http.Header, asked time.Time) *cachedSet {
	return &cachedSet{
		set: h.set, body: h.body, etag: h.etag,
		asked: asked, generated: asked.Add(-ageOf(header)), caching: h.caching.with(header),
	}
}

// etagOf returns the answer's ETag. An ETag that is longer than any hash is not worth
// keeping.
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

// clockTolerance is how far a clock may go back unnoticed.
const clockTolerance = 10 * time.Second

// restore returns the set of Cached, nil if there is none. The set may be too old to be
// used, and still spare the server to send it again.
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
		fetched:  now.Add(-age), // by both clocks
		lifetime: life,
		caching:  caching{client: life, shared: permission{fresh: life}, cdn: permission{fresh: -1}},
	}
	h.asked = h.fetched
	h.generated = h.fetched.Add(-max(0, c.Cached.Fetched.Sub(c.Cached.Generated)))
	return h, nil
}
