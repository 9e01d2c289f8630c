package keycache

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys/jwks"
)

// Refresh fetches the JWK Set at a URL, also when the cache has it, and keeps it. It removes a
// copy that it cannot replace: after an emergency the older copy still holds the revoked key.
func (c *Cache) Refresh(ctx context.Context, url string, f Fetch) (got jwks.FetchResult, err error) {
	cfg := f.config(url)
	cfg.Cached = c.cached(url) // so that an older set does not take its place
	cfg.Report = func(r jwks.FetchResult) {
		if errors.Is(r.Err, jwks.ErrConfig) { // NewRemote refuses the copy
			c.sayCopy(url, r.Err)
		}
		got = r
	}
	remote, err := jwks.NewRemote(cfg)
	if err != nil {
		return got, f.explainURL(err, url)
	}
	if _, err := remote.Refresh(ctx); err != nil {
		return got, f.explainFetch(err)
	}
	if c.keep(got.Cached) != nil {
		return got, c.forget(url)
	}
	return got, nil
}
