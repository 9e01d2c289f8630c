package jwks

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// held is a set as it was fetched, never changed afterwards.
type held struct {
	set  *keys.PublicSet
	body []byte
	etag string

	asked     time.Time // when the last answer about it was asked for
	fetched   time.Time // the same; if that came stale, when it became that
	generated time.Time // when the server made the answer, by its age in caches on the way
	lifetime  time.Duration
	caching   caching // from which these were reckoned
}

func (h *held) age(now time.Time) time.Duration { return elapsed(h.fetched, now) }

// late is for how long the last answer had been stale when it was asked for.
func (h *held) late() time.Duration { return h.age(h.asked) }

func (h *held) generatedAge() time.Duration { return elapsed(h.generated, h.asked) }

// elapsed is the larger of what the wall clock and the monotonic clock say: the one can be
// set back, the other stands still while the machine sleeps.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

func (h *held) has(kid string) bool {
	return kid == "" || h.set.HasVerificationKey(kid)
}

// due is the age at which the set is fetched again: before its lifetime is over, so
// that nobody has to wait, and while there is time for several tries. One that came stale
// has its tries in what is left of MaxStale.
func (c *RemoteConfig) due(h *held) time.Duration {
	early := min(max(h.lifetime-h.lifetime/4, c.Cooldown), c.MaxStale/2)
	return min(max(early, h.late()+c.Cooldown), c.MaxStale)
}

// replace makes what is held from now on of an answer with a body. The same body is the
// same set: a cache of verified tokens goes by that.
func (h *held) replace(a answer, now time.Time) (*held, error) {
	next := &held{body: a.body, etag: etagOf(a.header), caching: cachingOf(a.header)}
	next.date(ageOf(a.header), now)
	if h != nil && bytes.Equal(h.body, a.body) {
		next.set, next.body = h.set, h.body
		return next, nil
	}
	set, err := keys.ParsePublicSet(a.body)
	if err != nil {
		return nil, err
	}
	next.set = set
	return next, nil
}

// confirm is h after the answer that it still holds, RFC 9111 section 4.3.4.
func (h *held) confirm(header http.Header, now time.Time) *held {
	next := *h
	next.caching = h.caching.with(header)
	next.date(ageOf(header), now)
	return &next
}

// date dates h, while it is made of an answer of an age.
func (h *held) date(age time.Duration, now time.Time) {
	h.asked = now
	h.fetched = now.Add(-h.caching.staleness(age))
	h.generated = now.Add(-age)
	h.lifetime = h.caching.lifetime(age)
}

// etagOf is the answer's ETag. One that is longer than any hash is not worth keeping.
func etagOf(h http.Header) string {
	const most = 256
	if tag := h.Get("ETag"); len(tag) <= most {
		return tag
	}
	return ""
}

func (h *held) copy(url string) CacheEntry {
	return CacheEntry{
		URL: url, Fetched: h.fetched.Round(0), Generated: h.generated.Round(0),
		MaxAge: h.lifetime, ETag: h.etag, Body: bytes.Clone(h.body),
	}
}

// slew is how far a clock may go back while nobody notices.
const slew = 10 * time.Second

// restore is what a Copy holds, nil if there is none. It may be too old to be used, and
// still spare the server to send it again.
func (c *RemoteConfig) restore(now time.Time) (*held, error) {
	if c.Cached.Body == nil {
		return nil, nil
	}
	if c.Cached.URL != c.URL {
		return nil, fmt.Errorf("%w: the Copy is of another URL; remove it", ErrConfig)
	}
	age := now.Round(0).Sub(c.Cached.Fetched)
	if age < 0 && age > -slew {
		age = 0
	}
	if age < 0 {
		return nil, fmt.Errorf("%w: the Copy is from the future; set the clock, or remove it", ErrConfig)
	}
	set, err := keys.ParsePublicSet(c.Cached.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: the Copy is damaged, remove it: %w", ErrConfig, err)
	}
	life := max(0, c.Cached.MaxAge)
	h := &held{
		set: set, body: bytes.Clone(c.Cached.Body), etag: c.Cached.ETag,
		fetched:  now.Add(-age), // by both clocks
		lifetime: life,
		caching:  caching{client: life, shared: life, cdn: -1},
	}
	h.asked = h.fetched
	h.generated = h.fetched.Add(-max(0, c.Cached.Fetched.Sub(c.Cached.Generated)))
	return h, nil
}
