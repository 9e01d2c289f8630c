package keycache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// Keys is the JWK Set of another party at a URL. It begins with the entry that an
// earlier run has left in the cache, and leaves an entry for the next run.
type Keys struct {
	cache  *Cache
	url    string
	fetch  Fetch
	remote *jwks.Remote

	tooOld  atomic.Int64                 // the age of the copy if it was too old; 0 after a fetch
	fetched atomic.Pointer[time.Time]    // when the set in use was fetched
	failed  atomic.Pointer[fetchFailure] // the last fetch, if it failed and the user was not warned yet
	late    sync.Once                    // the warning that a cache on the way is far behind
}

type fetchFailure struct{ err error }

// Keys returns the JWK Set at a URL.
func (c *Cache) Keys(url string, f Fetch) (*Keys, error) {
	r := &Keys{cache: c, url: url, fetch: f}
	held := c.cached(url)
	if !held.Fetched.IsZero() {
		r.fetched.Store(&held.Fetched)
	}
	if age := time.Since(held.Fetched); held.Body != nil && age > jwks.DefaultMaxStale {
		r.tooOld.Store(int64(age))
	}
	cfg := f.config(url)
	cfg.Cached, cfg.Report = held, r.report
	remote, err := jwks.NewRemote(cfg)
	r.remote = remote
	return r, f.explainURL(err, url)
}

// report receives the result of each fetch. Several goroutines may call it.
func (r *Keys) report(f jwks.FetchResult) {
	switch {
	case errors.Is(f.Err, jwks.ErrConfig): // NewRemote refuses the copy
		r.cache.sayCopy(r.url, f.Err)
	case f.Err != nil:
		r.failed.Store(&fetchFailure{f.Err})
	default:
		r.failed.Store(nil)
		r.tooOld.Store(0)
		r.fetched.Store(&f.Cached.Fetched)
		if f.Stale > jwks.DefaultMaxStale {
			r.late.Do(func() {
				r.cache.console.Say("warning: %s: a cache on the way should have renewed these keys %s ago: they are used for %s at most",
					console.WithoutSecrets(r.url), console.Duration(f.Stale), console.Duration(jwks.DefaultMaxStale))
			})
		}
		r.cache.keep(f.Cached) // keep warns if an older copy stays; this run uses the fetched set
	}
}

func (c *Cache) sayCopy(url string, err error) {
	c.console.Say("warning: the copy of %s in the cache is passed over: %s", console.WithoutSecrets(url), console.Plain(err))
}

// PublicKeys returns the set of the Remote. A fetch that has failed is an error only without a
// usable set. With one the user gets a warning.
func (r *Keys) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	set, err := r.remote.PublicKeys(ctx, kid)
	if err != nil {
		return nil, r.explain(err)
	}
	if r.failed.Load() == nil { // called for each token: Load costs less than Swap
		return set, nil
	}
	if f := r.failed.Swap(nil); f != nil {
		age := max(0, time.Since(*r.fetched.Load())).Round(time.Second)
		r.cache.console.Say("warning: %s: going on with the keys fetched %s ago, until they are %s old",
			console.Plain(f.err), console.Duration(age), console.Duration(jwks.DefaultMaxStale))
	}
	return set, nil
}

func (r *Keys) explain(err error) error {
	if age := time.Duration(r.tooOld.Load()); age > 0 {
		err = fmt.Errorf("%w (the copy in the cache is %s old, and good for %s)",
			err, console.Duration(age.Round(time.Second)), console.Duration(jwks.DefaultMaxStale))
	}
	if errors.Is(err, keys.ErrStale) && !errors.Is(err, jwks.ErrFetch) {
		return &console.Failure{Err: err, Code: console.ExitIO, Advice: "see whether it can be fetched: sealjwt jwks fetch " + console.WithoutSecrets(r.url)}
	}
	return r.fetch.explainFetch(err)
}
