package keyring

import (
	"context"
	"fmt"
	"time"
)

// A [Store], a [KEK] or a [Memory] may never answer: its disk, its server or its network hangs.
// Each call of one is bounded, also when it ignores its context.
const (
	// patience is how long a call may take.
	patience = 10 * time.Second
	// leastPatience is how long a look may take where the policy's SnapshotAge is so short
	// that a busy disk would exceed an eighth of it.
	leastPatience = 2 * time.Second
	// swapGrace is how long Swap may take after its context is done: a store that heeds the
	// context says then whether it wrote.
	swapGrace = time.Second
	// maxCalls is how many calls are at work at once, those included that the caller gave up.
	// It is more than one: a call that never returns must not keep the next from reaching a
	// store that works again.
	maxCalls = 8
)

// patience returns how long a look at the store may take. An eighth of the policy's
// SnapshotAge leaves time for several looks before the snapshot is too old.
func (s *snapshot) patience() time.Duration {
	return min(patience, max(leastPatience, s.policy.SnapshotAge/8))
}

func (r *Ring) patience() time.Duration {
	if s := r.snapshot.Load(); s != nil {
		return s.patience()
	}
	return patience
}

// calls has an element for each call at work.
type calls chan struct{}

func newCalls() calls { return make(calls, maxCalls) }

// answer is what a call came to.
type answer[T any] struct {
	value    T
	err      error
	panicked any
}

// bound is how long a call may take; who names what is called in errors.
type bound struct {
	who          string
	limit, grace time.Duration
}

// within calls f with a context that ends after the limit of b, and waits for f until that
// context has been done for the grace of b. f that has not returned by then goes on without
// its caller, and within reports it as pending. within returns the error of ctx when ctx
// ended, and a [context.DeadlineExceeded] with a text of its own when the limit did. A panic
// of f reaches the caller.
func within[T any](ctx context.Context, c calls, b bound, f func(context.Context) (T, error)) (value T, pending bool, err error) {
	if err := ctx.Err(); err != nil {
		return value, false, err
	}
	bounded, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	late := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return fmt.Errorf("keyring: %s has not answered for %v, see whether it hangs: %w", b.who, b.limit, context.DeadlineExceeded)
	}
	select {
	case c <- struct{}{}:
	case <-bounded.Done():
		return value, false, late()
	}
	done := make(chan answer[T], 1)
	go func() {
		var a answer[T]
		defer func() {
			a.panicked = recover()
			<-c
			done <- a
		}()
		a.value, a.err = f(bounded)
	}()
	a, ok := await(bounded, done, b.grace)
	switch {
	case !ok:
		return value, true, late()
	case a.panicked != nil:
		panic(a.panicked)
	case a.err == context.DeadlineExceeded && bounded.Err() != nil: // f has nothing to add
		a.err = late()
	}
	return a.value, false, a.err
}

// await returns the answer, unless it comes later than a grace after ctx is done.
func await[T any](ctx context.Context, done <-chan answer[T], grace time.Duration) (a answer[T], ok bool) {
	select {
	case a = <-done:
		return a, true
	case <-ctx.Done():
	}
	select { // it may have answered because ctx is done
	case a = <-done:
		return a, true
	default:
	}
	end := time.NewTimer(grace)
	defer end.Stop()
	select {
	case a = <-done:
		return a, true
	case <-end.C:
		return a, false
	}
}

// swapWithin is a Swap with its bound. A Swap that goes on without its caller has an unknown
// outcome, and is reported as pending.
func swapWithin(ctx context.Context, c calls, s Store, prev string, doc []byte) (version string, pending bool, err error) {
	version, pending, err = within(ctx, c, bound{"the store", patience, swapGrace}, func(ctx context.Context) (string, error) {
		return s.Swap(ctx, prev, doc)
	})
	if pending {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return version, pending, err
}
