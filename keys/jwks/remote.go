package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Remote is the JWK Set of another party at a URL, fetched when it is first asked for
// and kept fresh as long as it is. It is a keys.PublicSource, safe for concurrent use.
// The package's documentation says how long and how often.
//
// A fetch is a goroutine that ends with Config.Timeout, and that the caller who started
// it waits for, unless its context ends first. There is no other.
type Remote struct {
	cfg   Config
	url   *url.URL
	where string
	get   getter
	now   func() time.Time

	held atomic.Pointer[held]  // nil: none yet
	why  atomic.Pointer[error] // why the last fetch failed; nil if it did not

	flight flight
	tried  time.Time // when the last fetch began; guarded by flight
}

// NewRemote returns the source for a URL. It fetches nothing yet.
//
// It returns [ErrURL] and [ErrConfig]. A Copy that cannot be used is told to Report and
// is no error.
func NewRemote(c Config) (*Remote, error) { return newRemote(c, time.Now) }

func newRemote(c Config, now func() time.Time) (*Remote, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	r := &Remote{cfg: c, url: u, where: where(u), get: getter{newClient(c.Client), c.Timeout, c.MaxBytes}, now: now}
	h, err := c.restore(now())
	if err != nil {
		r.report(Fetch{Err: err})
	}
	if h != nil {
		r.held.Store(h)
	}
	r.cfg.Copy = Copy{}
	return r, nil
}

// Public returns the set, fetching it if need be: when there is none yet, when it is
// due, and for a kid that is not in it. The set may lack that kid all the same. While
// nothing changes at the other side, it is the same *keys.PublicSet.
//
// It returns keys.ErrStale when the set could not be fetched again for HardAge;
// [ErrFetch] when there never was one, or when a kid may be unknown for that reason
// only, with keys.ErrPrivateKey and keys.ErrMalformed beside it if that was the answer;
// and the context's error when it ended before an answer was there that was needed.
func (r *Remote) Public(ctx context.Context, kid string) (*keys.PublicSet, error) {
	h, now := r.held.Load(), r.now()
	if r.usable(h, now) && h.has(kid) && h.age(now) < r.cfg.due(h) {
		return h.set, nil // once a token
	}
	waited := r.renew(ctx, kid)
	h, now = r.held.Load(), r.now()
	switch {
	case r.usable(h, now) && h.has(kid):
		return h.set, nil
	case waited != nil:
		return nil, fmt.Errorf("jwks: waiting for %s: %w", r.where, waited)
	case r.usable(h, now) && r.lastError() == nil:
		return h.set, nil
	case r.usable(h, now) || h == nil:
		return nil, r.lastError()
	}
	age := h.age(now).Round(time.Second)
	if why := r.lastError(); why != nil {
		return nil, fmt.Errorf("%w: last read %v ago: %w", keys.ErrStale, age, why)
	}
	return nil, fmt.Errorf("%w: %s was last read %v ago", keys.ErrStale, r.where, age)
}

func (r *Remote) usable(h *held, now time.Time) bool {
	return h != nil && h.age(now) <= r.cfg.HardAge
}

func (r *Remote) lastError() error {
	if why := r.why.Load(); why != nil {
		return *why
	}
	return nil
}

// renew starts a fetch, unless one is under way or was tried just now. It waits for
// what it started, and for what others did if there is no going on without; its error
// is that of a context that ended meanwhile.
func (r *Remote) renew(ctx context.Context, kid string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now, h := r.now(), r.held.Load()
	needed := !r.usable(h, now) || !h.has(kid)
	done, mine := r.flight.join(
		func() bool { return r.mayTry(now) },
		func() { r.fetch(h != nil && !h.has(kid)) },
	)
	if done == nil || !mine && !needed {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mayTry holds every fetch to the cooldown, and notes this one. Who has no set may try
// again earlier: there is nothing to lose, and somebody waits. It runs under the
// flight's lock.
func (r *Remote) mayTry(now time.Time) bool {
	cooldown := r.cfg.Cooldown
	if !r.usable(r.held.Load(), now) {
		cooldown /= 6
	}
	if !r.tried.IsZero() && now.Sub(r.tried) < cooldown {
		return false
	}
	r.tried = now
	return true
}

// fetch fetches the set and holds it. For a kid that is not known caches on the way are
// told to ask, and an ETag is not relied on: there are servers that make it of a file's
// time and length.
func (r *Remote) fetch(unknown bool) {
	old := r.held.Load()
	header := http.Header{"Accept": {"application/jwk-set+json, application/json"}}
	switch {
	case unknown:
		header.Set("Cache-Control", "no-cache")
	case old != nil && old.etag != "":
		header.Set("If-None-Match", old.etag)
	}
	h, err := r.answer(old, header)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrFetch, r.where, err)
		r.why.Store(&err)
		r.report(Fetch{Err: err})
		return
	}
	r.held.Store(h)
	r.why.Store(nil)
	r.report(Fetch{Set: h.set, Changed: old == nil || old.set != h.set, Copy: h.copy(r.cfg.URL)})
}

// answer is what to hold from now on. Its age counts from before it was asked for.
func (r *Remote) answer(old *held, header http.Header) (*held, error) {
	now := r.now()
	a, err := r.get.get(context.Background(), r.url, header)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusOK:
		return old.replace(a, now)
	case a.status == http.StatusNotModified && header.Get("If-None-Match") != "":
		return old.confirm(a.header, now), nil
	}
	return nil, statusError(a.status)
}

func statusError(status int) error {
	return errors.New(printable(fmt.Sprintf("the answer is %d %s", status, http.StatusText(status))))
}

func (r *Remote) report(f Fetch) {
	if r.cfg.Report != nil {
		r.cfg.Report(f)
	}
}
