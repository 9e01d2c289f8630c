package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// fetchFlags are those of the verbs that fetch keys from a URL.
type fetchFlags struct{ timeout lifetime }

func (f *fetchFlags) add(cmd *cobra.Command) {
	f.timeout = lifetime(jwks.DefaultTimeout)
	cmd.Flags().Var(&f.timeout, "timeout", "how long fetching keys from a URL may take: 5s")
	withoutFiles(cmd, "timeout")
}

// remoteKeys is the JWK Set of another party at a URL. It begins with the copy that an
// earlier run has left in the cache, and leaves one for the next.
type remoteKeys struct {
	a      *app
	url    string
	remote *jwks.Remote

	tooOld  atomic.Int64                 // the age of a copy that was of no use for that, until there is another
	fetched atomic.Pointer[time.Time]    // when the set that is in use was fetched
	failed  atomic.Pointer[fetchFailure] // the last fetch, if that has not been told yet
}

type fetchFailure struct{ err error }

func (a *app) remoteKeys(url string, f fetchFlags) (*remoteKeys, error) {
	r := &remoteKeys{a: a, url: url}
	held := a.cached(url)
	if !held.Fetched.IsZero() {
		r.fetched.Store(&held.Fetched)
	}
	if age := time.Since(held.Fetched); held.Body != nil && age > jwks.DefaultMaxStale {
		r.tooOld.Store(int64(age))
	}
	remote, err := jwks.NewRemote(jwks.RemoteConfig{URL: url, Timeout: time.Duration(f.timeout), Cached: held, Report: r.report})
	r.remote = remote
	return r, err
}

// report is told of each fetch, from whatever goroutine.
func (r *remoteKeys) report(f jwks.FetchResult) {
	switch {
	case errors.Is(f.Err, jwks.ErrConfig): // of NewRemote, about the copy
		r.a.sayCopy(r.url, f.Err)
	case f.Err != nil:
		r.failed.Store(&fetchFailure{f.Err})
	default:
		r.failed.Store(nil)
		r.tooOld.Store(0)
		r.fetched.Store(&f.Cached.Fetched)
		r.a.keep(f.Cached) // which has told its error; this run goes on with what was fetched
	}
}

func (a *app) sayCopy(url string, err error) {
	a.say("warning: the copy of %s in the cache is passed over: %s", withoutSecrets(url), plain(err.Error()))
}

// Public is that of the Remote. A fetch that has failed is an error only if there is no
// going on without it, and is told otherwise.
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
	return explainFetch(err)
}

// fetchAdvice is what to do about texts of package jwks; its errors of one class have
// several causes.
var fetchAdvice = []struct{ text, advice string }{
	{"redirects", ""}, // which says it
	{"leads to another machine", ""},
	{"a cache on the way answered", "try again later, or tell the issuer, who can purge it"},
	{"no complete answer within", "try again, or wait longer with --timeout 30s"},
	{"certificate is refused", "check the host; the certificate of a CA of your own is named by SSL_CERT_FILE"},
	{"does not speak TLS", "check the port"},
	{"cannot be resolved", "check the host"},
	{"connect:", "check host and port, and whether it is running"},
	{"the answer is", "check the URL; that of an issuer finds: sealjwt jwks fetch --issuer URL"},
	{"Content-Type", "check the URL; that of an issuer finds: sealjwt jwks fetch --issuer URL"},
}

// explainFetch says what to do about an error of package jwks, after an attempt to fetch.
func explainFetch(err error) error {
	switch {
	case errors.Is(err, keys.ErrPrivateKey):
		return &failure{err: err, code: exitPolicy}
	case errors.Is(err, keys.ErrMalformed):
		return &failure{err: err, code: exitKey, advice: "that is no JWK Set: check the URL"}
	case !errors.Is(err, jwks.ErrFetch):
		return err
	}
	for _, f := range fetchAdvice {
		if strings.Contains(err.Error(), f.text) {
			return &failure{err: err, code: exitIO, advice: f.advice}
		}
	}
	return &failure{err: err, code: exitIO, advice: "check the URL and the network"}
}
