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
	errOlder    = errors.New("a cache on the way answered with an older set")
	errOtherSet = errors.New("the answer is a 304 about another set than the one that is held")
)

// believe is what to hold from now on. A CDN has many caches, which hold sets of different
// times, and the one that answers may be behind the one that did before. So an answer that
// is stale or older than what is held is asked for once more, past all of them, as is one
// that confirms another set than ours (RFC 9111 section 4.3.4). The younger one counts, if
// it can be taken at all.
func (r *Remote) believe(ctx context.Context, old *held, header http.Header) (*held, error) {
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

// ask is what one answer would have us hold. Its age counts from before it was asked for.
func (r *Remote) ask(ctx context.Context, old *held, header http.Header) (*held, error) {
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

// opaque is an ETag for the weak comparison, RFC 9110 section 8.8.3.2.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }

// olderThan reports whether the server made an answer before that from which old is.
func (h *held) olderThan(old *held) bool {
	return old != nil && h.generatedAge() > elapsed(old.generated, h.asked)
}

// inPlaceOf is h where old was, or why it cannot take its place. An older set would bring
// back a key that was revoked, unless there is nothing else left for too long: its issuer
// lets caches keep it, and whoever has not seen the later one goes by it all the time. One
// that came stale is no news of the same keys, and does not make them older than they were
// known to be.
func (h *held) inPlaceOf(old *held, maxStale time.Duration) (*held, error) {
	switch {
	case h.late() > maxStale:
		return nil, fmt.Errorf("a cache on the way answered with a set that it should have renewed %v ago", h.late())
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
	return a == b || slices.Equal(spelled(a), spelled(b))
}

// spelled is what a set comes to: which keys it has, and to which of them is encrypted.
func spelled(s *keys.PublicSet) []string {
	var all []string
	for _, k := range s.Keys() {
		all = append(all, fmt.Sprintf("%q %v %s", k.ID(), k.Suite(), k.Thumbprint()))
	}
	slices.Sort(all)
	if k, err := s.EncryptionKey(); err == nil {
		all = append(all, k.Thumbprint())
	}
	return all
}
