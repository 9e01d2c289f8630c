package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// fetchFlags are the flags of the verbs that fetch keys from a URL.
type fetchFlags struct{ timeout lifetime }

func (f *fetchFlags) add(cmd *cobra.Command) {
	f.timeout = lifetime(jwks.DefaultTimeout)
	cmd.Flags().Var(&f.timeout, "timeout", "how long fetching keys from a URL may take: 5s")
	withoutFiles(cmd, "timeout")
}

// remoteKeys is the JWK Set of another party at a URL. It begins with the entry that an
// earlier run has left in the cache, and leaves an entry for the next run.
type remoteKeys struct {
	a      *app
	url    string
	remote *jwks.Remote

	tooOld  atomic.Int64                 // the age of an entry that was too old to use, until there is another
	fetched atomic.Pointer[time.Time]    // when the set in use was fetched
	failed  atomic.Pointer[fetchFailure] // the last fetch, if it failed and the user was not warned yet
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
	return explainFetch(err)
}

// fetchAdvice says what a user can do about a fetch that failed. Some errors say it
// themselves.
func fetchAdvice(reason jwks.Reason) string {
	switch reason {
	case jwks.ReasonRedirect, jwks.ReasonNotLoopback, jwks.ReasonPrivateKey:
		return ""
	case jwks.ReasonNotJWKSet:
		return "that is no JWK Set: check the URL"
	case jwks.ReasonStale, jwks.ReasonOlder:
		return "try again later, or tell the issuer, who can purge it"
	case jwks.ReasonTimeout:
		return "try again, or wait longer with --timeout 30s"
	case jwks.ReasonCertificate:
		return "check the host; the certificate of a CA of your own is named by SSL_CERT_FILE"
	case jwks.ReasonNotTLS:
		return "check the port"
	case jwks.ReasonUnresolved:
		return "check the host"
	case jwks.ReasonUnreachable:
		return "check host and port, and whether it is running"
	case jwks.ReasonStatus, jwks.ReasonContentType:
		return "check the URL; that of an issuer finds: sealjwt jwks fetch --issuer URL"
	}
	return "check the URL and the network"
}

// explainFetch says what to do about an error of package jwks, after an attempt to fetch.
func explainFetch(err error) error {
	fetch, ok := errors.AsType[*jwks.FetchError](err)
	if !ok {
		return err
	}
	code := exitIO
	switch fetch.Reason {
	case jwks.ReasonPrivateKey:
		code = exitPolicy
	case jwks.ReasonNotJWKSet:
		code = exitKey
	}
	return &failure{err: err, code: code, advice: fetchAdvice(fetch.Reason)}
}
