package jwks

import (
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// verdict is the result of judge: the set that a Remote holds, and what it may do with it.
type verdict struct {
	held *cachedSet // the set to hold from now on; nil if there is none
	err  error      // why the answer was refused, or why the request failed; else nil

	now    time.Time     // when held is judged
	age    time.Duration // since held was up to date
	usable bool          // held may be used
	due    bool          // it is time to fetch again
	dueAge time.Duration // the age at which held becomes due
	past   bool          // the next request must go past caches on the way
	pause  time.Duration // the least time between the last fetch and the next
}

// judge returns the verdict about the set that a Remote holds and about a new answer. held is nil
// if there is no set yet. answer is nil if the verdict is about held alone; otherwise the set of
// the verdict is the one that believe chooses. judge is a pure function of its arguments, of
// MaxStale and of Cooldown. It and age.go have all rules about the age of sets and about which
// answers to take.
func (c *RemoteConfig) judge(held, answer *cachedSet, now time.Time) verdict {
	v := verdict{held: held, now: now, due: true, pause: c.Cooldown}
	if answer != nil {
		v.held, v.err = c.believe(held, answer)
		v.past = answer.staleness() > 0 || answer.olderThan(held)
	}
	if v.held != nil {
		v.age = v.held.age(now)
		v.dueAge = c.due(v.held)
		v.due = v.age >= v.dueAge
		v.usable = v.age <= c.MaxStale
		v.past = v.past || v.held.stale > 0 || !v.usable
	}
	if !v.usable {
		v.pause /= 6 // without a usable set every token is refused, so try again sooner
	}
	return v
}

// believe returns the set to hold after an answer. If the answer must not replace held,
// believe returns held and the reason.
//
// An older set could bring back a revoked key, so believe refuses it for as long as held itself
// may be used. After that the older set is better than none, if it has not been stale for longer
// than MaxStale: clients that never saw held use it anyway. An older answer with the same keys
// brings no key back: it confirms held.
//
// A set that came stale was up to date when it became stale. If that is longer ago than
// MaxStale, believe refuses it, with two exceptions. The first set of a Remote counts as up to
// date if it was stale for no longer than a day, for which issuers expect cached sets to be used:
// otherwise a service behind a cache that renews too late could not start. And while held may be
// used, a set that the server made no earlier than held passes, since it is at least as up to date
// as held is. An answer to Refresh has neither exception.
func (c *RemoteConfig) believe(held, answer *cachedSet) (*cachedSet, error) {
	late, older := c.lateness(answer), answer.olderThan(held)
	usable := held != nil && held.age(answer.asked) <= c.MaxStale
	next := *answer
	next.stale, next.lifetime = answer.staleness(), answer.caching.lifetime(answer.generatedAge())
	switch excepted := !answer.refresh && (usable && !older || held == nil && late <= longestCacheAge); {
	case late > c.MaxStale && !excepted:
		return held, causef(ReasonStale, "a cache on the way answered with a set that it should have renewed %v ago", next.stale)
	case held == nil && excepted:
		next.fetched = answer.asked
		return &next, nil
	case held == nil:
		next.fetched = answer.asked.Add(-late)
		return &next, nil
	case older && sameKeys(answer.set, held.set):
		next.set, next.body, next.etag = held.set, held.body, held.etag
		next.generated = answer.asked.Add(-elapsed(held.generated, answer.asked))
	case older && usable:
		return held, errOlder
	}
	// Computed from answer.asked and not from held.fetched: an operator may have set the clock
	// in between.
	next.fetched = answer.asked.Add(-min(late, held.age(answer.asked)))
	return &next, nil
}

// lateness returns for how long an answer counts as stale on arrival. While its issuer lets
// caches answer with a stale set (grace), the answer does not count as stale, for at most
// MaxStale. An answer to Refresh gets no grace, since Refresh is to see a change that has just
// been made.
func (c *RemoteConfig) lateness(answer *cachedSet) time.Duration {
	if answer.refresh {
		return answer.staleness()
	}
	return max(0, answer.staleness()-min(answer.caching.grace(), c.MaxStale))
}

var errOlder = causef(ReasonOlder, "a cache on the way answered with an older set")

// due returns the age at which a Remote fetches the set again: after three quarters of the set's
// lifetime, but not before Cooldown and not after half of MaxStale. So there is time for several
// tries before the set cannot be used any more. The age of a set that came stale began when it
// became stale: its next fetch comes Cooldown after the last one, at MaxStale at the latest.
func (c *RemoteConfig) due(h *cachedSet) time.Duration {
	early := min(max(h.lifetime-h.lifetime/4, c.Cooldown), c.MaxStale/2)
	return min(max(early, h.late()+c.Cooldown), c.MaxStale)
}

func (h *cachedSet) age(now time.Time) time.Duration { return elapsed(h.fetched, now) }

// late returns the age that the set already had when the Remote sent its last request: zero
// unless the answer counted as stale.
func (h *cachedSet) late() time.Duration { return h.age(h.asked) }

func (h *cachedSet) generatedAge() time.Duration { return elapsed(h.generated, h.asked) }

// staleness returns for how long the answer had been stale when it arrived: the time since
// caches should have renewed it.
func (h *cachedSet) staleness() time.Duration { return h.caching.staleness(h.generatedAge()) }

// olderThan reports whether the server made h before it made old.
func (h *cachedSet) olderThan(old *cachedSet) bool {
	return old != nil && h.generatedAge() > elapsed(old.generated, h.asked)
}

// elapsed returns the larger of the times that the wall clock and the monotonic clock measure:
// an operator can set the wall clock back, and the monotonic clock stands still while the
// machine sleeps.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// sameKeys reports whether two sets have the same keys and let a sealer choose the same ones. The
// JSON may differ, since several servers behind one name need not write the same text.
func sameKeys(a, b *keys.PublicSet) bool {
	return a == b || slices.Equal(keyFingerprints(a), keyFingerprints(b))
}

// keyFingerprints returns a text for each key of a set, sorted. Then it appends the thumbprint of
// the key that a sealer chooses to encrypt to, first when any suite will do, then for each suite:
// that choice depends on the order of the set.
func keyFingerprints(s *keys.PublicSet) []string {
	var all []string
	for _, k := range s.Keys() {
		all = append(all, fmt.Sprintf("%q %v %s", k.ID(), k.Suite(), k.Thumbprint()))
	}
	slices.Sort(all)
	if k, err := s.EncryptionKey(); err == nil {
		all = append(all, k.Thumbprint())
	}
	for _, suite := range keys.Suites() {
		if k, err := s.EncryptionKey(suite); err == nil {
			all = append(all, fmt.Sprintf("%v %s", suite, k.Thumbprint()))
		}
	}
	return all
}
