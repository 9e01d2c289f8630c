package keycache

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// Discover returns the URL of the JWK Set that the metadata of the issuer name.
func (f Fetch) Discover(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	url, err := jwks.Discover(ctx, f.Issuer, jwks.DiscoverConfig{Transport: f.Header.Transport(f.Issuer), AllowContentType: f.ContentTypes})
	if errors.Is(err, jwks.ErrURL) && errors.Is(err, jwks.ErrMetadata) { // a URL of the issuer, not of the user
		return "", &console.Failure{Err: err, Code: console.ExitKey, Advice: "tell the issuer"}
	}
	if errors.Is(err, jwks.ErrURL) {
		return "", f.explainURL(err, f.Issuer)
	}
	if err != nil {
		return "", f.explainFetch(err)
	}
	return url, nil
}

// Refresh fetches the JWK Set at a URL, whatever the cache has, and keeps it. A copy that it cannot
// replace it removes: a revoked key in an older copy is what an operator wants to be rid of.
func (c *Cache) Refresh(ctx context.Context, url string, f Fetch) (got jwks.FetchResult, err error) {
	cfg := f.config(url)
	cfg.Cached = c.cached(url) // for an older set not to take its place
	cfg.Report = func(r jwks.FetchResult) {
		if errors.Is(r.Err, jwks.ErrConfig) { // of NewRemote, about the copy
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
