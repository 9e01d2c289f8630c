package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

var (
	errOlder = causef(ReasonOlder, "a cache on the way answered with an older set")
	// errOtherSet leads to a second request without a condition, and so to no caller.
	errOtherSet = errors.New("the answer is a 304 about another set than the one that is held")
)

// revalidate returns the set to use from now on. A CDN has many caches, which hold sets of
// different times, and the cache that answers may be behind the one that answered before.
// So revalidate asks once more, past all caches, when the answer is stale, is older than the
// set that there is, or confirms another set (RFC 9111 section 4.3.4). The younger answer
// counts, if it can be taken at all.
func (r *Remote) revalidate(ctx context.Context, old *cachedSet, header http.Header) (*cachedSet, error) {
	h, err := r.ask(ctx, old, header)
	past := header.Get("Cache-Control") != ""
	if errors.Is(err, errOtherSet) || err == nil && !past && (h.late() > 0 || h.olderThan(old)) {
		next, failed := r.ask(ctx, old, pastCaches(header))
		if err != nil {
			h, err = next, failed
		} else if failed == nil && next.generated.After(h.generated) {
			if next, failed = next.inPlaceOf(old, r.cfg.MaxStale); failed == nil {
				return next, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return h.inPlaceOf(old, r.cfg.MaxStale)
}

func pastCaches(header http.Header) http.Header {
	header = header.Clone()
	header.Set("Cache-Control", "no-cache")
	header.Del("If-None-Match")
	return header
}

// ask sends one request and returns the set that its answer stands for. Ages are counted
// from before the request, so that they err on the old side.
func (r *Remote) ask(ctx context.Context, old *cachedSet, header http.Header) (*cachedSet, error) {
	now := r.now()
	a, err := r.get.get(ctx, r.url, header)
	asked := header.Get("If-None-Match")
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusOK:
		return old.replace(a, now)
	case a.status != http.StatusNotModified || asked == "":
		return nil, statusError(a.status)
	}
	if tag := a.header.Get("ETag"); tag != "" && opaque(tag) != opaque(asked) {
		return nil, errOtherSet
	}
	return old.confirm(a.header, now), nil
}

// opaque returns an ETag for the weak comparison, RFC 9110 section 8.8.3.2.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }

// olderThan reports whether the server made h before it made old.
func (h *cachedSet) olderThan(old *cachedSet) bool {
	return old != nil && h.generatedAge() > elapsed(old.generated, h.asked)
}

// inPlaceOf returns h as the successor of old, or the reason why it must not replace it. An
// older set could bring back a revoked key, so inPlaceOf refuses it for as long as old itself
// may be used (maxStale). After that the older set is better than none: its issuer lets
// caches keep it, and a client that has not seen old uses it all the time.
//
// An answer with the same keys that came stale or is older says nothing new of them, and
// does not make them older than they were known to be.
func (h *cachedSet) inPlaceOf(old *cachedSet, maxStale time.Duration) (*cachedSet, error) {
	switch {
	case h.late() > maxStale:
		return nil, causef(ReasonStale, "a cache on the way answered with a set that it should have renewed %v ago", h.late())
	case old == nil:
		return h, nil
	case !sameKeys(h.set, old.set):
		if h.olderThan(old) && old.age(h.asked) <= maxStale {
			return nil, errOlder
		}
		return h, nil
	}
	if h.olderThan(old) {
		h.set, h.body, h.etag = old.set, old.body, old.etag
	}
	// Both from now on one clock, which may have been set in between.
	h.fetched = h.asked.Add(-min(h.late(), elapsed(old.fetched, h.asked)))
	h.generated = h.asked.Add(-min(h.generatedAge(), elapsed(old.generated, h.asked)))
	return h, nil
}

// sameKeys reports whether two sets have the same keys, perhaps spelled otherwise or in
// another order: the servers behind one name need not agree on that.
func sameKeys(a, b *keys.PublicSet) bool {
	return a == b || slices.Equal(keyFingerprints(a), keyFingerprints(b))
}

// keyFingerprints returns the keys of a set, sorted, and after them the keys to which a sealer
// encrypts: with any suite, and with each.
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
