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
func (r *Remote) revalidate(ctx context.Context, held *cachedSet, header http.Header) verdict {
	first, err := r.ask(ctx, held, header)
	if errors.Is(err, errOtherSet) {
		header = pastCaches(header)
		first, err = r.ask(ctx, held, header)
	}
	if err != nil {
		return verdict{err: err}
	}
	v := r.cfg.judge(held, first, r.now())
	if !v.past || header.Get("Cache-Control") != "" {
		return v
	}
	second, err := r.ask(ctx, held, pastCaches(header))
	if err != nil || !first.olderThan(second) {
		return v
	}
	if younger := r.cfg.judge(held, second, r.now()); younger.err == nil {
		return younger
	}
	return v
}

func pastCaches(header http.Header) http.Header {
	header = header.Clone()
	header.Set("Cache-Control", "no-cache")
	header.Del("If-None-Match")
	return header
}

// ask sends one request and returns the set that its answer stands for. Ages are counted
// from before the request, so that they err on the old side.
func (r *Remote) ask(ctx context.Context, held *cachedSet, header http.Header) (*cachedSet, error) {
	now := r.now()
	a, err := r.get.get(ctx, r.url, header)
	condition := header.Get("If-None-Match")
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusOK:
		return held.replace(a, now)
	case a.status != http.StatusNotModified || condition == "":
		return nil, statusError(a.status)
	}
	if tag := a.header.Get("ETag"); tag != "" && opaque(tag) != opaque(condition) {
		return nil, errOtherSet
	}
	return held.confirm(a.header, now), nil
}

// opaque returns an ETag for the weak comparison, RFC 9110 section 8.8.3.2.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }
