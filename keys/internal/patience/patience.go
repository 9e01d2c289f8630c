// Package patience bounds calls that may never return, because a disk, a server or a network
// hangs. The caller's wait is bounded even if the call ignores its context.
package patience

import (
	"context"
	"fmt"
	"time"
)

// maxCalls is the largest number of calls that are at work at once, including calls that the
// caller has given up. It is more than one: a call that never returns must not keep the next call
// from reaching a store that works again.
const maxCalls = 8

// Calls counts the calls that are at work: the channel holds an element for each.
type Calls chan struct{}

// NewCalls returns Calls with no call at work.
func NewCalls() Calls { return make(Calls, maxCalls) }

// answer is the result of a call: its value, its error or its panic.
type answer[T any] struct {
	value    T
	err      error
	panicked any
}

// Bound limits the time of a call, as Within says. Who names the called party in errors.
type Bound struct {
	Who          string
	Limit, Grace time.Duration
}

// Within calls f with a context that ends after the Limit of b, and returns what f returns. A panic
// of f reaches the caller. Within waits for f until that context has been done for the Grace of b.
// If f has not returned by then, f goes on in its goroutine, and Within returns with pending set.
// Its error is then the error of ctx if ctx has ended, and otherwise a [context.DeadlineExceeded]
// with a text of its own.
//
// If ctx has ended before, or maxCalls calls are at work until ctx ends or the Limit passes, Within
// does not call f. It returns such an error, and pending is false.
func Within[T any](ctx context.Context, c Calls, b Bound, f func(context.Context) (T, error)) (value T, pending bool, err error) {
	if err := ctx.Err(); err != nil {
		return value, false, err
	}
	bounded, cancel := context.WithTimeout(ctx, b.Limit)
	defer cancel()
	late := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return fmt.Errorf("keyring: %s has not answered for %v, see whether it hangs: %w", b.Who, b.Limit, context.DeadlineExceeded)
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
	a, ok := await(bounded, done, b.Grace)
	switch {
	case !ok:
		return value, true, late()
	case a.panicked != nil:
		panic(a.panicked)
	case a.err == context.DeadlineExceeded && bounded.Err() != nil:
		a.err = late() // the plain error of f does not say who did not answer
	}
	return a.value, false, a.err
}

// await returns the answer. ok is false if no answer came until ctx had been done for grace.
func await[T any](ctx context.Context, done <-chan answer[T], grace time.Duration) (a answer[T], ok bool) {
	select {
	case a = <-done:
		return a, true
	case <-ctx.Done():
	}
	select { // prefer an answer that came at the same moment
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
