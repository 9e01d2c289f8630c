package jwks

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// errOtherSet leads to a second request without a condition, and so to no caller.
var errOtherSet = errors.New("the answer is a 304 about another set than the one that is held")

// revalidate asks about the set that is held, and returns the verdict about the answer. A CDN
// has many caches, which hold sets of different times, and the cache that answers may be
// behind the one that answered before. So revalidate asks once more, past all caches, when
// the verdict says so or when the answer confirms another set (RFC 9111 section 4.3.4). The
// younger answer counts, if it can be taken at all.
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

// request is what a fetch asks with.
type request struct {
	header  http.Header
	refresh bool // for Refresh
}

func (q request) pastCaches() request {
	q.header = q.header.Clone()
	q.header.Set("Cache-Control", "no-cache")
	q.header.Del("If-None-Match")
	return q
}

// ask sends one request and returns the set that its answer stands for. Ages are counted
// from before the request, so that they err on the old side.
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

// opaque returns an ETag for the weak comparison, RFC 9110 section 8.8.3.2.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }
