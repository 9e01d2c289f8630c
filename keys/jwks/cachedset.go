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
	fetched   time.Time // the same; if that answer came stale, when it became stale
	generated time.Time // when the server made the answer, by its age in caches on the way
	lifetime  time.Duration
	caching   caching // the header fields behind these times
}

func (h *cachedSet) age(now time.Time) time.Duration { return elapsed(h.fetched, now) }

// late returns how stale the last answer already was when it arrived.
func (h *cachedSet) late() time.Duration { return h.age(h.asked) }

func (h *cachedSet) generatedAge() time.Duration { return elapsed(h.generated, h.asked) }

// elapsed returns the larger of the times that the wall clock and the monotonic clock
// measure: an operator can set back the one, the other stands still while the machine
// sleeps.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

func (h *cachedSet) has(kid string) bool {
	return kid == "" || h.set.HasVerificationKey(kid)
}

// due returns the age at which the set is fetched again: before its lifetime is over, so
// that no caller has to wait, and while there is time for several tries. A set that came
// stale has its tries within the rest of MaxStale.
func (c *RemoteConfig) due(h *cachedSet) time.Duration {
	early := min(max(h.lifetime-h.lifetime/4, c.Cooldown), c.MaxStale/2)
	return min(max(early, h.late()+c.Cooldown), c.MaxStale)
}

// replace returns the successor of h after an answer with a body. The same body is the
// same *keys.PublicSet: an opener's cache of verified tokens compares the pointers.
func (h *cachedSet) replace(a answer, now time.Time) (*cachedSet, error) {
	next := &cachedSet{body: a.body, etag: etagOf(a.header), caching: cachingOf(a.header)}
	next.setTimes(ageOf(a.header), now)
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

// confirm returns the successor of h after a 304, RFC 9111 section 4.3.4.
func (h *cachedSet) confirm(header http.Header, now time.Time) *cachedSet {
	next := *h
	next.caching = h.caching.with(header)
	next.setTimes(ageOf(header), now)
	return &next
}

// setTimes fills the times of h from the Age of the response. Only for an h that is still
// being built.
func (h *cachedSet) setTimes(age time.Duration, now time.Time) {
	h.asked = now
	h.fetched = now.Add(-h.caching.staleness(age))
	h.generated = now.Add(-age)
	h.lifetime = h.caching.lifetime(age)
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
		caching:  caching{client: life, shared: life, cdn: -1},
	}
	h.asked = h.fetched
	h.generated = h.fetched.Add(-max(0, c.Cached.Fetched.Sub(c.Cached.Generated)))
	return h, nil
}
