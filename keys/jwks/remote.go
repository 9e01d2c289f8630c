package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Remote is the JWK Set of another party at a URL, fetched when it is first asked for
// and kept fresh as long as it is. It is a keys.PublicSource, safe for concurrent use.
// The package's documentation says how long and how often.
//
// A fetch is a goroutine that ends with RemoteConfig.Timeout, and that the caller who started
// it waits for, unless its context ends first. There is no other.
type Remote struct {
	cfg   RemoteConfig
	url   *url.URL
	where string
	get   getter
	now   func() time.Time

	state  atomic.Pointer[state]
	wanted atomic.Bool // since the last fetch somebody asked for a kid that is not in the set

	flight flight
	tried  time.Time // when the last fetch began; guarded by flight
}

// state is what the last fetch left. It is swapped as one: who saw the set of one fetch
// and the error of the next could have neither.
type state struct {
	held   *held     // nil: none yet, and then there is an error
	err    error     // why the last fetch failed
	failed time.Time // when that was known; zero if none has failed
}

var errNotAsked = errors.New("it was not asked yet")

// NewRemote returns the source for a URL. It fetches nothing yet.
//
// It returns [ErrURL] and [ErrConfig]. A Copy that cannot be used is told to Report and
// is no error.
func NewRemote(c RemoteConfig) (*Remote, error) { return newRemote(c, time.Now) }

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
	r := &Remote{cfg: c, url: u, where: where(u), get: getter{client, c.Timeout, c.MaxBytes}, now: now}
	first := new(state)
	if first.held, err = c.restore(now()); err != nil {
		r.report(FetchResult{Err: err})
	}
	if first.held == nil {
		first.err = r.because(errNotAsked)
	}
	r.state.Store(first)
	r.cfg.Cached = CacheEntry{}
	return r, nil
}

// PublicKeys returns the set, fetching it if need be: when there is none yet, when it is
// due, and for a kid that is not in it. The set may lack that kid all the same. While
// nothing changes at the other side, it is the same *keys.PublicSet.
//
// It returns keys.ErrStale when the set could not be fetched again for MaxStale;
// [ErrFetch] when there never was one, or when a kid may be unknown for that reason
// only, with keys.ErrPrivateKey and keys.ErrMalformed beside it if that was the answer;
// and the context's error when it ended before an answer was there that was needed.
func (r *Remote) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	h, now := r.state.Load().held, r.now()
	if h != nil && h.has(kid) && h.age(now) < r.cfg.due(h) {
		return h.set, nil // once a token
	}
	waited := r.renew(ctx, kid)
	s, now := r.state.Load(), r.now()
	switch {
	case r.usable(s.held, now) && s.held.has(kid):
		return s.held.set, nil
	case waited != nil:
		return nil, r.left(waited)
	}
	return r.outcome(s, now)
}

func (r *Remote) left(why error) error {
	return fmt.Errorf("jwks: waiting for %s: %w", r.where, why)
}

// outcome is the set if the last fetch had one that can be used, or else why it had not.
func (r *Remote) outcome(s *state, now time.Time) (*keys.PublicSet, error) {
	usable := r.usable(s.held, now)
	switch {
	case usable && s.err == nil:
		return s.held.set, nil
	case usable || s.held == nil:
		return nil, s.err
	}
	age := s.held.age(now).Round(time.Second)
	if s.err != nil {
		return nil, fmt.Errorf("%w: last read %v ago: %w", keys.ErrStale, age, s.err)
	}
	return nil, fmt.Errorf("%w: %s was last up to date %v ago", keys.ErrStale, r.where, age)
}

func (r *Remote) usable(h *held, now time.Time) bool {
	return h != nil && h.age(now) <= r.cfg.MaxStale
}
