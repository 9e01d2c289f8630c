package sessions

import (
	"context"
	"time"
)

const (
	// pollAge is how often a Registry reads the revocations.
	pollAge = 25 * time.Millisecond

	tailSize = 5000 // revocations in an answer of the store
)

// position is how far a process has read the revocations. If the store no longer has the newest
// revocation that the process has read, the store went back: after a failover to a standby that
// lagged, or after a restore of a backup.
type position struct {
	newest Revocation // the last revocation read; zero before the first
	read   time.Time  // when the revocations were last read to the end
	back   time.Time  // when the process found that the store went back; zero once the document says so
}

func (p position) cursor() Cursor { return Cursor{p.newest.Revision, p.newest.Entry} }

// follow reads the new revocations, unless another call did so less than age ago or while this call
// waited. If the store went back, follow marks that in the document, so that every process refuses
// to refresh. It returns the errors of the store and the KEK.
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
	// An Accept that came after the last good read has accepted this rollback.
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

// readOn reads the revocations from a position to the end, and reports whether the store went
// back.
func (r *Registry) readOn(ctx context.Context, p position) (next position, back bool, err error) {
	next = p
	now := r.now()
	lost := false // the store does not have the revocation at p any more
	for {
		t, err := call(ctx, func(ctx context.Context) (Tail, error) { return r.cfg.Store.Tail(ctx, next.cursor(), tailSize) })
		if err != nil {
			return p, false, err
		}
		if t.Whole {
			// If the revocation has expired, the store may have removed it. If the newest revision of
			// the store is lower than ours, the store went back: revisions only grow.
			lost = lost || !p.newest.Until.Before(now) || t.Last.Revision < p.newest.Revision
			next.newest = Revocation{}
		}
		for _, v := range t.Revocations {
			// The revocation is not lost if an Append with a later time gave its entry a later
			// revision.
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

// markRolledBack marks in the document that the store went back, unless the document has the mark
// already, or an operator has accepted the rollback since read, the time of this process's last
// good read of the store.
func (r *Registry) markRolledBack(ctx context.Context, read time.Time) error {
	return r.change(ctx, func(v *vault) error {
		if !v.RolledBack.IsZero() || !read.IsZero() && v.Accepted.After(read) {
			return errUnchanged
		}
		v.RolledBack = r.now().UTC()
		return nil
	})
}

// trusted returns the keys from a document that was read less than age ago, or [ErrRolledBack] if
// the store went back.
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

// Run keeps the registry: it reads the revocations every 25 ms, so that a store that went back is
// noticed, and every minute it removes the sessions and revocations that expired more than 25 hours
// ago. So even if its clock is a day ahead, it removes no session and no revocation that is still
// needed. Run calls report, unless it is nil, at most once a second with the errors of reading,
// among them [ErrRolledBack] while the store is not trusted, and once a minute with an error of
// removing. It returns the error of ctx when ctx ends. Any number of processes may run it.
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

// sweepMargin is how long sessions and revocations stay in the store after they have expired.
const sweepMargin = 25 * time.Hour

func (r *Registry) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return r.cfg.Store.Sweep(ctx, r.now().Add(-sweepMargin))
}
