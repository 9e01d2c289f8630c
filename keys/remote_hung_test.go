package keys

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hanging makes every private operation of r wait until release is closed. It counts the operations
// that began.
func hanging(r *remote, release <-chan struct{}) (began *atomic.Int32) {
	began = new(atomic.Int32)
	failing(r, func() error {
		began.Add(1)
		<-release
		return nil
	})
	return began
}

// oneOfEachSort has one suite for each constructor of a remote key.
var oneOfEachSort = []Suite{EdDSA, ECDHES, RSAOAEP256}

// A call returns when its context ends, although the handle hangs and knows no context.
func TestCallEndsWithItsContext(t *testing.T) {
	for _, suite := range oneOfEachSort {
		own := generated(t, suite)
		synctest.Test(t, func(t *testing.T) {
			r := keyOf(t, own)
			k := must(fromRemote("k", suite, r))(t)
			release := make(chan struct{})
			began := hanging(r, release)
			defer close(release)

			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			// The end of the caller's own context is not ErrUnavailable.
			if err := use(ctx, t, k); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
				t.Errorf("%v: %v", suite, err)
			}
			ctx, cancel = context.WithCancel(t.Context())
			answer := make(chan error)
			go func() { answer <- use(ctx, t, k) }()
			synctest.Wait()
			cancel()
			if err := <-answer; !errors.Is(err, context.Canceled) {
				t.Errorf("%v: %v", suite, err)
			}
			err := use(ctx, t, k)
			synctest.Wait()
			if !errors.Is(err, context.Canceled) || began.Load() != 2 {
				t.Errorf("%v: %v; %d calls began, and the third had no context to begin with", suite, err, began.Load())
			}
		})
	}
}

// While a KMS hangs, its keys do not collect a goroutine for every token.
func TestHungCallsAreBounded(t *testing.T) {
	for _, suite := range oneOfEachSort {
		own := generated(t, suite)
		synctest.Test(t, func(t *testing.T) {
			r := keyOf(t, own)
			good := *r
			k, other := must(fromRemote("k", suite, r))(t), must(fromRemote("other", suite, &good))(t)
			release := make(chan struct{})
			began := hanging(r, release)
			hang := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				return use(ctx, t, k)
			}
			for i := range maxHung {
				if err := hang(); !errors.Is(err, context.DeadlineExceeded) || int(began.Load()) != i+1 {
					t.Fatalf("%v, call %d: %v, %d began", suite, i+1, err, began.Load())
				}
			}
			// The call must fail at once: with this context it would wait for ever.
			err := use(context.Background(), t, k)
			synctest.Wait()
			if !errors.Is(err, ErrUnavailable) || began.Load() != maxHung {
				t.Errorf("%v: %v, and %d calls began", suite, err, began.Load())
			}
			if err := use(t.Context(), t, other); err != nil {
				t.Errorf("%v: another key: %v", suite, err)
			}
			close(release)
			synctest.Wait()
			for range maxHung + 1 {
				if err := use(t.Context(), t, k); err != nil {
					t.Fatalf("%v, after the calls have returned: %v", suite, err)
				}
			}
		})
	}
}

// Any number of calls may wait for their answers. A call counts as hung only after its context has
// ended.
func TestWaitingCallsAreNotHung(t *testing.T) {
	own := generated(t, EdDSA)
	synctest.Test(t, func(t *testing.T) {
		r := keyOf(t, own)
		k := must(FromSigner("k", EdDSA, r))(t)
		release := make(chan struct{})
		failing(r, func() error { <-release; return nil })
		answers := make(chan error, 4*maxHung)
		for range cap(answers) {
			go func() { answers <- use(t.Context(), t, k) }()
		}
		synctest.Wait()
		close(release)
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
	})
}

// The answer may come before the end of the context or after it. The count of hung calls returns to
// zero in both orders.
func TestHungCountSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := new(remoteCalls)
		for range 2000 {
			ctx, cancel := context.WithCancel(t.Context())
			call(ctx, calls, func() ([]byte, error) {
				cancel()
				return nil, nil
			})
		}
		synctest.Wait()
		if n := calls.hung.Load(); n != 0 {
			t.Errorf("%d calls count as hung", n)
		}
	})
}

// A constructor has no context. A handle that hangs must not hang a program that starts, and a slow
// handle must work.
func TestConstructorIsBounded(t *testing.T) {
	for _, suite := range oneOfEachSort {
		own := generated(t, suite)
		for name, slow := range map[string]func(r *remote, wait func()){
			"public key":  func(r *remote, wait func()) { r.asked = wait },
			"private key": func(r *remote, wait func()) { failing(r, func() error { wait(); return nil }) },
		} {
			synctest.Test(t, func(t *testing.T) {
				r := keyOf(t, own)
				release := make(chan struct{})
				defer close(release)
				slow(r, func() { <-release })
				// An unbounded wait is a deadlock in a bubble, and fails the test.
				if k, err := fromRemote("k", suite, r); k != nil || !errors.Is(err, ErrUnavailable) {
					t.Errorf("%v, the %s hangs: %v, %v", suite, name, k != nil, err)
				}
				r = keyOf(t, own)
				slow(r, func() { <-time.After(maxFirstCall - time.Second) })
				if _, err := fromRemote("k", suite, r); err != nil {
					t.Errorf("%v, the %s is slow: %v", suite, name, err)
				}
			})
		}
	}
}
