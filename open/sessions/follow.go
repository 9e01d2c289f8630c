package sessions

import (
	"context"
	"time"
)

const (
	// pollAge is how often a process reads the revocations.
	pollAge = 25 * time.Millisecond

	tailSize = 5000 // revocations in an answer of the store
)

// position is how far a process has read the revocations. A store that does not know the
// newest revocation any more has gone back: to an asynchronous standby, or to a backup.
type position struct {
	newest Revocation // zero before the first
	read   time.Time  // when the tail was last read to its end
	back   time.Time  // when the store was found to have gone back, until the document says so
}

func (p position) cursor() Cursor { return Cursor{p.newest.Revision, p.newest.Entry} }

// follow reads the new revocations, unless it did so less than age ago, or since it was called. When the store went
// back it says so in the document, so that every process refuses. It returns the errors of the
// store.
func (r *Registry) follow(ctx context.Context, age time.Duration) error {
	called := r.now()
	if err := r.following.lock(ctx); err != nil {
		return err
	}
	defer r.following.unlock()
	if r.position.back.IsZero() && (r.position.read.After(called) || fresh(r.position.read, r.now(), age)) {
		return nil
	}
	next, back, err := r.readOn(ctx, r.position)
	if err != nil {
		return err
	}
	if back && r.position.back.IsZero() {
		next.back = r.now()
	}
	// The time of the last good read tells whether an Accept came after this rollback.
	known := r.position.read
	if !next.back.IsZero() {
		r.position.back = next.back
		if err := r.markRolledBack(ctx, known); err != nil {
			return err
		}
		next.back = time.Time{}
	}
	r.position = next
	return nil
}

// readOn reads from a position to the end. It reports whether the store went back.
func (r *Registry) readOn(ctx context.Context, p position) (next position, back bool, err error) {
	next = p
	now := r.now()
	lost := false // the store has no such revision
	for {
		t, err := call(ctx, func(ctx context.Context) (Tail, error) { return r.cfg.Store.Tail(ctx, next.cursor(), tailSize) })
		if err != nil {
			return p, false, err
		}
		if t.Whole {
			// One that may be forgotten may be swept. A number that is lower was never given twice.
			lost = lost || !p.newest.Until.Before(now) || t.Last.Revision < p.newest.Revision
			next.newest = Revocation{}
		}
		for _, v := range t.Revocations {
			// An Append with a later time gives an entry a later revision.
			if lost && v.Entry == p.newest.Entry && v.Revision > p.newest.Revision {
				lost = false
			}
			next.newest = v
		}
		if len(t.Revocations) == 0 || next.cursor() == t.Last {
			next.read = now
			return next, lost, nil
		}
	}
}

// markRolledBack writes into the document that the store went back, unless an operator has
// accepted that since this process last read the store.
func (r *Registry) markRolledBack(ctx context.Context, read time.Time) error {
	return r.change(ctx, func(v *vault) error {
		if !v.RolledBack.IsZero() || !read.IsZero() && v.Accepted.After(read) {
			return errUnchanged
		}
		v.RolledBack = r.now().UTC()
		return nil
	})
}

// trusted returns the keys, unless the store went back. The document was read less than age ago.
func (r *Registry) trusted(ctx context.Context, age time.Duration) (*vault, error) {
	if err := r.follow(ctx, pollAge); err != nil {
		return nil, err
	}
	v, err := r.vault(ctx, age)
	if err != nil {
		return nil, err
	}
	if !v.RolledBack.IsZero() {
		return nil, ErrRolledBack
	}
	return v, nil
}

// Run keeps the registry: it reads the revocations every 25 ms, so that a store that went back
// is noticed, and every minute it removes rows that expired more than a day ago. A clock that is a
// day ahead therefore forgets no session and no revocation that is still needed. Run calls
// report, unless it is nil, with the errors of the store at most once a second, and so with
// [ErrRolledBack] while that holds. It returns when ctx ends, with the error of ctx. Any number of processes may run it.
func (r *Registry) Run(ctx context.Context, report func(error)) error {
	if err := r.ready(); err != nil {
		return err
	}
	if report == nil {
		report = func(error) {}
	}
	const sweepEvery = time.Minute
	var swept, said time.Time
	tick := time.NewTicker(pollAge)
	defer tick.Stop()
	for {
		_, err := r.trusted(ctx, vaultAge)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !fresh(said, r.now(), time.Second) {
			said = r.now()
			report(err)
		}
		if !fresh(swept, r.now(), sweepEvery) {
			swept = r.now()
			if err := r.sweep(ctx); err != nil && ctx.Err() == nil {
				report(err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// sweepMargin is how long the store keeps expired rows.
const sweepMargin = 25 * time.Hour

func (r *Registry) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return r.cfg.Store.Sweep(ctx, r.now().Add(-sweepMargin))
}
