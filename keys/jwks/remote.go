package jwks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Remote holds the JWK Set of another party at a URL. It fetches the set when a caller
// first asks for it, and keeps it fresh as long as callers ask. It is a keys.PublicSource,
// safe for concurrent use. The package's documentation says how long it keeps a set and how
// often it fetches.
//
// A fetch is a goroutine that ends with RemoteConfig.Timeout. The caller that started it
// waits for it, unless the caller's context ends first. A Remote has no other goroutine.
type Remote struct {
	cfg   RemoteConfig
	url   *url.URL
	where string
	get   getter
	now   func() time.Time

	state   atomic.Pointer[state]
	wanted  atomic.Bool // the next fetch is for a kid that the set lacks, or for Refresh
	refresh atomic.Bool // the next fetch is for Refresh

	flight flight
	tried  time.Time // when the last fetch began; guarded by flight.mu
}

// state is the outcome of the last fetch. Set and error are swapped together: a caller that
// read the set before a fetch and the error after it could find neither a set nor an error.
type state struct {
	held   *cachedSet // nil if there is no set yet; then err is not nil
	err    error      // why the last fetch failed
	failed time.Time  // when the last fetch ended, if it failed; otherwise zero
}

var (
	errNotAsked = causef(ReasonUnreachable, "it was not asked yet")
	errNotMade  = fmt.Errorf("%w: the Remote was not made by NewRemote", ErrConfig)
)

// NewRemote returns the source for a URL. It fetches nothing yet.
//
// It returns [ErrURL] for a URL that may not be fetched, and [ErrConfig] for a figure that is
// out of its bounds, for an AllowContentType that is not a media type and for a Transport that
// is a nil pointer. A Cached set that cannot be used is not an error: NewRemote tells Report,
// and goes on without it.
func NewRemote(cfg RemoteConfig) (*Remote, error) { return newRemote(cfg, time.Now) }

func newRemote(c RemoteConfig, now func() time.Time) (*Remote, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	client, err := newClient(c.Transport, u)
	if err != nil {
		return nil, err
	}
	r := &Remote{cfg: c, url: u, where: where(u), now: now}
	r.get = getter{
		client: client, timeout: c.Timeout, maxBytes: c.MaxBytes, types: c.AllowContentType,
		usable: func(body []byte) error { _, err := parseSet(body); return err },
	}
	first := new(state)
	if first.held, err = c.restore(now()); err != nil {
		r.report(FetchResult{Err: err})
	}
	if first.held == nil {
		first.err = r.fetchError(errNotAsked)
	}
	r.state.Store(first)
	r.cfg.Cached = CacheEntry{}
	return r, nil
}

// PublicKeys returns the set. It fetches the set when the Remote has none yet, when the set is
// due, and when the set lacks the kid, each as soon as Cooldown allows. The set that it returns
// may still lack the kid. While the other party serves the same bytes, PublicKeys returns the
// same *keys.PublicSet.
//
// It returns keys.ErrStale when no fetch brought the set up to date for MaxStale; [ErrFetch],
// with a [*FetchError], when there never was a set, or when the set lacks the kid and the last
// fetch failed, so that the kid may be new; keys.ErrPrivateKey or keys.ErrMalformed too if the
// answer held a private key or was not a JWK Set; the context's error when it ended while the
// call waited for an answer that it needed; and [ErrConfig] when NewRemote did not make the
// Remote.
func (r *Remote) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	if !r.isMade() {
		return nil, errNotMade
	}
	_, v := r.look()
	if !v.due && v.held.has(kid) {
		return v.held.set, nil // the usual case, once for each token
	}
	waited := r.renew(ctx, kid)
	s, v := r.look()
	switch {
	case v.usable && v.held.has(kid):
		return v.held.set, nil
	case waited != nil:
		return nil, r.waitError(waited)
	}
	return r.outcome(s, v)
}

func (r *Remote) isMade() bool { return r != nil && r.now != nil }

// look returns the outcome of the last fetch, and the verdict about its set at this moment.
func (r *Remote) look() (*state, verdict) {
	s := r.state.Load()
	return s, r.cfg.judge(s.held, nil, r.now())
}

// outcome returns the set if it is usable and the last fetch did not fail, and otherwise an error
// that says why not.
func (r *Remote) outcome(s *state, v verdict) (*keys.PublicSet, error) {
	switch {
	case v.usable && s.err == nil:
		return v.held.set, nil
	case v.usable || v.held == nil:
		return nil, s.err
	}
	age := v.age.Round(time.Second)
	if s.err != nil {
		return nil, fmt.Errorf("%w: last read %v ago: %w", keys.ErrStale, age, s.err)
	}
	return nil, fmt.Errorf("%w: %s was last up to date %v ago", keys.ErrStale, r.where, age)
}

func (r *Remote) waitError(why error) error {
	return fmt.Errorf("jwks: waiting for %s: %w", r.where, why)
}

func (r *Remote) fetchError(why error) error { return newFetchError(r.where, why) }

var (
	errFetchPanic  = causef(ReasonPanic, "the fetch panicked; mend RemoteConfig.Transport, if there is one")
	errReportPanic = causef(ReasonPanic, "RemoteConfig.Report panicked; mend it")
)

// recovered runs work and returns the error of work. If work panics, recovered returns its
// argument as. A fetch runs in a goroutine of its own, where nothing recovers as net/http does for
// a request: without recovered, a client could end the process by sending a token. The value of
// the panic may hold a secret, so the error does not repeat it.
func recovered(as error, work func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = as
		}
	}()
	return work()
}

// publish stores the outcome of a fetch and reports it.
func (r *Remote) publish(h *cachedSet, f FetchResult) {
	r.store(h, f.Err)
	err := recovered(errReportPanic, func() error { r.report(f); return nil })
	switch {
	case err == nil:
	case f.Err == nil:
		r.store(h, r.fetchError(err)) // keep the new set: a key that it lacks may be revoked
	default:
		r.store(h, fmt.Errorf("%w; and %w", f.Err, err))
	}
}

func (r *Remote) store(h *cachedSet, err error) {
	s := &state{held: h, err: err}
	if err != nil {
		s.failed = r.now()
	}
	r.state.Store(s)
}

func (r *Remote) report(f FetchResult) {
	if r.cfg.Report != nil {
		r.cfg.Report(f)
	}
}

// Format prints the URL without its query, which may be a secret, whatever the verb.
func (r *Remote) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, r.place())
	}
}

// LogValue returns the URL without its query.
func (r *Remote) LogValue() slog.Value { return slog.StringValue(r.place()) }

// MarshalJSON returns the URL without its query.
func (r *Remote) MarshalJSON() ([]byte, error) { return json.Marshal(r.place()) }

func (r *Remote) place() string {
	if r == nil {
		return "<nil>"
	}
	return r.where
}
