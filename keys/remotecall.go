package keys

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// maxHung is the number of calls to one key that may hang at once.
const maxHung = 16

// remoteCalls counts the calls to one key that go on after their context has ended. The
// interfaces of package crypto take no context, so call can leave such a call and cannot end it.
type remoteCalls struct{ hung atomic.Int32 }

// maxFirstCall is the longest time that each call of FromSigner, FromKeyExchanger and
// FromDecrypter to the key may take. A KMS on another continent answers within a second, and a
// hardware token that a person must touch within ten.
const maxFirstCall = 30 * time.Second

// firstCall calls f for a constructor, which has no context of its own. If f does not answer in
// time, or panics, the error is an ErrUnavailable.
func firstCall[T any](f func(ctx context.Context) (T, error)) (T, error) {
	ctx, stop := context.WithTimeout(context.Background(), maxFirstCall)
	defer stop()
	answer, err := f(ctx)
	if (errors.Is(err, errPanicked) || ctx.Err() != nil && errors.Is(err, ctx.Err())) && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return answer, err
}

// publicOf returns the public key of a key that lives elsewhere.
func publicOf[P any](calls *remoteCalls, f func() P) (P, error) {
	return firstCall(func(ctx context.Context) (P, error) {
		return call(ctx, calls, func() (P, error) { return f(), nil })
	})
}

// errPanicked is not an ErrUnavailable: a decrypter may panic on bad padding, and if a client
// could tell that from a failed decryption it would have Manger's oracle.
var errPanicked = errors.New("keys: the key's implementation panicked")

// call runs f and waits for its answer until ctx ends. A panic of f becomes errPanicked: it
// happens on a goroutine where no caller could recover it.
func call[T any](ctx context.Context, calls *remoteCalls, f func() (T, error)) (none T, err error) {
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if calls.hung.Load() >= maxHung {
		return none, fmt.Errorf("%w: %d calls to the key hang", ErrUnavailable, maxHung)
	}
	type answer struct {
		data T
		err  error
	}
	answers := make(chan answer, 1)
	var ended atomic.Bool // set by f or by ctx, whichever ends first
	go func() {
		// The answer after a panic, and after runtime.Goexit, for which recover returns nil.
		a := answer{err: errPanicked}
		defer func() {
			recover()
			answers <- a
			if !ended.CompareAndSwap(false, true) {
				calls.hung.Add(-1)
			}
		}()
		data, err := f()
		a = answer{data, err}
	}()
	select {
	case a := <-answers:
		return a.data, a.err
	case <-ctx.Done():
		calls.hung.Add(1)
		if !ended.CompareAndSwap(false, true) {
			calls.hung.Add(-1) // f has ended meanwhile
		}
		return none, fmt.Errorf("keys: a key that lives elsewhere did not answer: %w", ctx.Err())
	}
}
