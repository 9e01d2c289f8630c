package jwks

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// errOtherSet is the error of ask for a 304 about another set. revalidate then asks once more,
// without If-None-Match.
var errOtherSet = errors.New("the answer is a 304 about another set than the one that is held")

// revalidate asks the server whether the set that is held is current, and returns the verdict
// about the answer. A CDN has many caches, which hold sets of different times, and the cache
// that answers may be behind the one that answered before. So revalidate asks once more, past
// all caches that heed no-cache, when the verdict says so or when the answer is a 304 about
// another set (RFC 9111 section 4.3.4). The second answer counts if it is younger than the first
// and judge accepts it; otherwise the first counts.
func (r *Remote) revalidate(ctx context.Context, held *cachedSet, q request) verdict {
	first, err := r.ask(ctx, held, q)
	if errors.Is(err, errOtherSet) {
		q = q.pastCaches()
		first, err = r.ask(ctx, held, q)
	}
	if err != nil {
		return verdict{err: err}
	}
	v := r.cfg.judge(held, first, r.now())
	if !v.past || q.header.Get("Cache-Control") != "" {
		return v
	}
	second, err := r.ask(ctx, held, q.pastCaches())
	if err != nil || !first.olderThan(second) {
		return v
	}
	if younger := r.cfg.judge(held, second, r.now()); younger.err == nil {
		return younger
	}
	return v
}

// request holds the header of a request.
type request struct {
	header  http.Header
	refresh bool // Refresh started the fetch
}

func (q request) pastCaches() request {
	q.header = q.header.Clone()
	q.header.Set("Cache-Control", "no-cache")
	q.header.Del("If-None-Match")
	return q
}

// ask sends one request and returns the set that its answer brings or confirms. The age of the
// set counts from before the request was sent: so the set may seem older than it is, and never
// younger.
func (r *Remote) ask(ctx context.Context, held *cachedSet, q request) (next *cachedSet, err error) {
	now := r.now()
	a, err := r.get.get(ctx, r.url, q.header)
	condition := q.header.Get("If-None-Match")
	switch tag := a.header.Get("ETag"); {
	case err != nil:
		return nil, err
	case a.status == http.StatusOK:
		if next, err = held.replace(a, now); err != nil {
			return nil, err
		}
	case a.status != http.StatusNotModified || condition == "":
		return nil, statusError(a.status)
	case tag != "" && opaque(tag) != opaque(condition):
		return nil, errOtherSet
	default:
		next = held.confirm(a.header, now)
	}
	next.refresh = q.refresh
	return next, nil
}

// opaque returns an ETag without its weakness mark, for the weak comparison of RFC 9110 section
// 8.8.3.2.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }
