package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// renew starts a fetch, unless one is under way or was tried just now. It waits for
// what it started, and for what others did if there is no going on without, unless that
// will hardly help; its error is that of a context that ended meanwhile.
func (r *Remote) renew(ctx context.Context, kid string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, now := r.state.Load(), r.now()
	h := s.held
	needed := !r.justFailed(s, now)
	if r.usable(h, now) {
		needed = !h.has(kid)
	}
	if h != nil && !h.has(kid) {
		r.wanted.Store(true)
	}
	done, mine := r.flight.join(func() bool { return r.mayTry(now) }, r.fetch)
	if done == nil || !mine && !needed {
		return nil
	}
	return wait(ctx, done)
}

// justFailed reports whether the fetch before this one failed. Where an endpoint hangs and
// there is no usable set, one caller at a time waits for Timeout and not all of them: a
// service that holds up every request for seconds is down for more than its tokens.
func (r *Remote) justFailed(s *state, now time.Time) bool {
	return !s.failed.IsZero() && now.Sub(s.failed) < r.cfg.Cooldown+r.cfg.Timeout
}

func wait(ctx context.Context, done <-chan struct{}) error {
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
	if !r.usable(r.state.Load().held, now) {
		cooldown /= 6
	}
	if !r.tried.IsZero() && now.Sub(r.tried) < cooldown {
		return false
	}
	r.tried = now
	return true
}

// fetch fetches the set and holds it. Where somebody wants what is not in it, caches on
// the way are told to ask, and an ETag is not relied on: there are servers that make it
// of a file's time and length. It need not be who wants it that starts the fetch: a busy
// service starts one for its known keys as soon as the cooldown is over. Caches are told
// to ask also when what they gave the last time was stale, or is too old by now; and by
// believe when what they give this time is.
func (r *Remote) fetch() {
	old := r.state.Load().held
	wanted := r.wanted.Swap(false)
	header := http.Header{"Accept": {"application/jwk-set+json, application/json"}}
	if wanted || old != nil && (old.late() > 0 || !r.usable(old, r.now())) {
		header.Set("Cache-Control", "no-cache")
	}
	if !wanted && old != nil && old.etag != "" {
		header.Set("If-None-Match", old.etag)
	}
	var h *held
	err := recovered(errFetchPanic, func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Timeout)
		defer cancel()
		h, err = r.believe(ctx, old, header)
		return err
	})
	if err != nil {
		if wanted {
			r.wanted.Store(true)
		}
		r.tell(old, FetchResult{Err: r.because(err)})
		return
	}
	r.tell(h, FetchResult{
		Set: h.set, Changed: old == nil || old.set != h.set, Cached: h.copy(r.cfg.URL),
		Due: h.fetched.Add(r.cfg.due(h)).Round(0),
	})
}

func (r *Remote) because(why error) error {
	return fmt.Errorf("%w: %s: %w", ErrFetch, r.where, why)
}

func statusError(status int) error {
	return errors.New(printable(fmt.Sprintf("the answer is %d %s", status, http.StatusText(status))))
}

func (r *Remote) report(f FetchResult) {
	if r.cfg.Report != nil {
		r.cfg.Report(f)
	}
}
