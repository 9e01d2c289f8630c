package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// fetchFlags are the flags of the verbs that fetch keys from a URL.
type fetchFlags struct {
	timeout      lifetime
	contentTypes contentTypes
	headerFile   string

	header   *sentHeader // of headerFile; nil without one
	ofIssuer string      // of jwks fetch --issuer
}

func (f *fetchFlags) add(cmd *cobra.Command) {
	f.timeout = lifetime(jwks.DefaultTimeout)
	flags := cmd.Flags()
	flags.Var(&f.timeout, "timeout", "how long fetching keys from a URL may take: 5s")
	flags.Var(&f.contentTypes, "allow-content-type", "media `TYPE` under which a URL labels its keys by mistake: text/plain; may be repeated")
	flags.StringVar(&f.headerFile, "header-file", "", "`FILE` with a line such as Authorization: Bearer TOKEN, for the server of the URL alone")
	withoutFiles(cmd, "timeout", "allow-content-type")
}

// contentTypes is a flag that names a media type, and may be repeated.
type contentTypes []string

func (c *contentTypes) Type() string   { return "TYPE" }
func (c *contentTypes) String() string { return strings.Join(*c, ",") }
func (c *contentTypes) Set(s string) error {
	// The library alone knows which types it takes.
	if _, err := jwks.NewRemote(jwks.RemoteConfig{URL: "https://localhost", AllowContentType: []string{s}}); err != nil {
		return errors.New("must be a media type such as text/plain, without parameters and without wildcards")
	}
	*c = append(*c, s)
	return nil
}

// config returns the configuration that the flags give, for a URL.
func (f fetchFlags) config(url string) jwks.RemoteConfig {
	return jwks.RemoteConfig{
		URL: url, Timeout: time.Duration(f.timeout), AllowContentType: f.contentTypes, Transport: f.header.transport(url),
	}
}

// remoteKeys is the JWK Set of another party at a URL. It begins with the entry that an
// earlier run has left in the cache, and leaves an entry for the next run.
type remoteKeys struct {
	a      *app
	url    string
	flags  fetchFlags
	remote *jwks.Remote

	tooOld  atomic.Int64                 // the age of an entry that was too old to use, until there is another
	fetched atomic.Pointer[time.Time]    // when the set in use was fetched
	failed  atomic.Pointer[fetchFailure] // the last fetch, if it failed and the user was not warned yet
	late    sync.Once                    // the warning that the first set is long stale
}

type fetchFailure struct{ err error }

func (a *app) remoteKeys(url string, f fetchFlags) (*remoteKeys, error) {
	if err := checkCacheVariable(); err != nil {
		return nil, err
	}
	r := &remoteKeys{a: a, url: url, flags: f}
	held := a.cached(url)
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

// report receives the result of each fetch, in whatever goroutine.
func (r *remoteKeys) report(f jwks.FetchResult) {
	switch {
	case errors.Is(f.Err, jwks.ErrConfig): // of NewRemote, about the entry
		r.a.sayCopy(r.url, f.Err)
	case f.Err != nil:
		r.failed.Store(&fetchFailure{f.Err})
	default:
		r.failed.Store(nil)
		r.tooOld.Store(0)
		r.fetched.Store(&f.Cached.Fetched)
		if f.Stale > jwks.DefaultMaxStale {
			r.late.Do(func() {
				r.a.say("warning: %s: a cache on the way should have renewed these keys %s ago: they are used for %s at most",
					withoutSecrets(r.url), durationText(f.Stale), durationText(jwks.DefaultMaxStale))
			})
		}
		r.a.keep(f.Cached) // keep warns of its error; this run goes on with the fetched set
	}
}

func (a *app) sayCopy(url string, err error) {
	a.say("warning: the copy of %s in the cache is passed over: %s", withoutSecrets(url), plain(err.Error()))
}

// PublicKeys returns the set of the Remote. A fetch that has failed is an error only if there
// is no usable set; otherwise the user gets a warning.
func (r *remoteKeys) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	set, err := r.remote.PublicKeys(ctx, kid)
	if err != nil {
		return nil, r.explain(err)
	}
	if r.failed.Load() == nil { // once a token
		return set, nil
	}
	if f := r.failed.Swap(nil); f != nil {
		age := max(0, time.Since(*r.fetched.Load())).Round(time.Second)
		r.a.say("warning: %s: going on with the keys fetched %s ago, until they are %s old",
			plain(f.err.Error()), durationText(age), durationText(jwks.DefaultMaxStale))
	}
	return set, nil
}

func (r *remoteKeys) explain(err error) error {
	if age := time.Duration(r.tooOld.Load()); age > 0 {
		err = fmt.Errorf("%w (the copy in the cache is %s old, and good for %s)",
			err, durationText(age.Round(time.Second)), durationText(jwks.DefaultMaxStale))
	}
	if errors.Is(err, keys.ErrStale) && !errors.Is(err, jwks.ErrFetch) {
		return &failure{err: err, code: exitIO, advice: "see whether it can be fetched: sealjwt jwks fetch " + withoutSecrets(r.url)}
	}
	return r.flags.explainFetch(err)
}
