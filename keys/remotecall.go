package keys

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// maxHung is how many calls to one key may hang.
const maxHung = 16

// remoteCalls counts the calls that went on after their context had ended. The interfaces
// of package crypto take no context, so such a call cannot be ended.
type remoteCalls struct{ hung atomic.Int32 }

// publicOf returns the public key of a key that lives elsewhere.
func publicOf[P any](calls *remoteCalls, f func() P) (public P, err error) {
	_, err = call(context.Background(), calls, func() ([]byte, error) {
		public = f()
		return nil, nil
	})
	if errors.Is(err, errPanicked) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return public, err
}

// errPanicked is not an outage by itself: a decrypter that panics on bad padding would be
// Manger's oracle.
var errPanicked = errors.New("keys: the key's implementation panicked")

// call runs f until ctx ends. A panic of f becomes errPanicked: it happens on a goroutine
// where no caller could recover it.
func call(ctx context.Context, calls *remoteCalls, f func() ([]byte, error)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if calls.hung.Load() >= maxHung {
		return nil, fmt.Errorf("%w: %d calls to the key hang", ErrUnavailable, maxHung)
	}
	type answer struct {
		data []byte
		err  error
	}
	answers := make(chan answer, 1)
	var ended atomic.Bool // by f or by ctx, whichever comes first
	go func() {
		// For a panic, and for runtime.Goexit, which looks like no panic.
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
		return nil, fmt.Errorf("keys: a key that lives elsewhere did not answer: %w", ctx.Err())
	}
}
