package jwks

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// renew starts a fetch, unless one is under way or the last one began within the pause of the
// verdict. The caller that starts a fetch waits for it. While a fetch is under way, another caller
// waits for it if the usable set lacks its kid, or if there is no usable set and the fetch before
// has not just failed. renew returns the error of a context that ends before or meanwhile.
func (r *Remote) renew(ctx context.Context, kid string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, v := r.look()
	needed := !r.justFailed(s, v.now)
	if v.usable {
		needed = !v.held.has(kid)
	}
	if v.held != nil && !v.held.has(kid) {
		r.wanted.Store(true)
	}
	done, mine := r.flight.join(func() bool { return r.mayTry(v.now) }, r.fetch)
	if done == nil || !mine && !needed {
		return nil
	}
	return wait(ctx, done)
}

// Refresh asks the server itself, however young the set is, and returns its answer. The
// request goes past every cache on the way that heeds no-cache. A cache that does not heed
// no-cache may answer with an older set of other keys than the Remote has; then Refresh fails.
//
// Refresh is for an operator, after the other party has said that a key of theirs was
// stolen. Cooldown does not hold it back, and starts anew: Cooldown holds back fetches that
// strangers can cause. So do not call Refresh for a token. One fetch runs at a time; callers
// that ask while one runs share the next.
//
// It returns the errors of PublicKeys. If the fetch fails and the set from before is not too old,
// it returns [ErrFetch] without keys.ErrStale, and PublicKeys goes on with that set.
func (r *Remote) Refresh(ctx context.Context) (*keys.PublicSet, error) {
	if !r.isMade() {
		return nil, errNotMade
	}
	if err := ctx.Err(); err != nil {
		return nil, r.waitError(err)
	}
	// A fetch that is already running may have begun before the change that the caller wants to
	// see. So Refresh sets the flags wanted and refresh, waits for that fetch, and then starts or
	// joins the next one: at most two rounds. When this call starts a fetch, it sets the flags
	// again, because a fetch in between may have cleared them.
	want := func() { r.wanted.Store(true); r.refresh.Store(true) }
	for range 2 {
		want()
		now := r.now()
		done, mine := r.flight.join(func() bool {
			r.tried = now
			want()
			return true
		}, r.fetch)
		if err := wait(ctx, done); err != nil {
			return nil, r.waitError(err)
		}
		if mine {
			break
		}
	}
	return r.outcome(r.look())
}

// justFailed reports whether the last fetch failed less than Cooldown plus Timeout ago. Then
// callers that have no usable set, and do not start the next fetch, get its error at once. So if
// the server hangs, one caller at a time waits for Timeout and not all of them: a service that
// holds up every request for seconds fails for requests without tokens too.
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

// mayTry reports whether a fetch may begin now, after the pause that the verdict demands. If so,
// it notes now in tried. It runs under the lock of the flight, which guards tried.
func (r *Remote) mayTry(now time.Time) bool {
	v := r.cfg.judge(r.state.Load().held, nil, now)
	if !r.tried.IsZero() && now.Sub(r.tried) < v.pause {
		return false
	}
	r.tried = now
	return true
}

// fetch fetches the set and stores it. When a caller wants a kid that the set lacks, fetch
// tells caches on the way to ask the issuer, and sends no ETag: some servers make the ETag from
// a file's time and length, and two sets can have the same one. The caller that wants the kid
// need not be the one that starts the fetch: a busy service starts one for its known keys as
// soon as the cooldown is over. fetch also tells caches to ask the issuer when the verdict says so
// (past).
func (r *Remote) fetch() {
	s, before := r.look()
	old := s.held
	wanted, refresh := r.wanted.Swap(false), r.refresh.Swap(false)
	header := http.Header{"Accept": {"application/jwk-set+json, application/json"}}
	if wanted || before.past {
		header.Set("Cache-Control", "no-cache")
	}
	if !wanted && old != nil && old.etag != "" {
		header.Set("If-None-Match", old.etag)
	}
	var v verdict
	err := recovered(errFetchPanic, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Timeout)
		defer cancel()
		v = r.revalidate(ctx, old, request{header, refresh})
		return v.err
	})
	if err != nil {
		if wanted {
			r.wanted.Store(true)
		}
		r.publish(old, FetchResult{Err: r.fetchError(err)})
		return
	}
	r.publish(v.held, FetchResult{
		Set: v.held.set, Changed: old == nil || old.set != v.held.set, Stale: v.held.stale,
		Cached: v.held.entry(r.cfg.URL), Due: v.held.fetched.Add(v.dueAge).Round(0),
	})
}

// flight lets one piece of work run at a time and others wait for it. The work runs in a
// goroutine, so that a caller that starts it and goes away does not take it from the others. If
// the work ended with that caller, a client that hangs up again and again could keep every
// fetch from succeeding. Work runs only when a call starts it, and its time is bounded.
type flight struct {
	mu   sync.Mutex
	done chan struct{} // closed when the work is over; nil while there is none
}

// join starts work, unless work is under way or the callback may returns false, and reports
// whether it has started it. The channel done is closed when the work ends; it is nil if no work
// is under way. join calls may under the lock.
func (f *flight) join(may func() bool, work func()) (done <-chan struct{}, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done != nil || !may() {
		return f.done, false
	}
	over := make(chan struct{})
	f.done = over
	go func() {
		defer close(over)
		defer f.end()
		work()
	}()
	return over, true
}

func (f *flight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = nil
}
