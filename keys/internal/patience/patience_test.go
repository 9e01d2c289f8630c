package patience

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var bound = Bound{Who: "the store", Limit: time.Minute, Grace: time.Second}

// answerAfter returns a call that answers after d and ignores its context.
func answerAfter(d time.Duration) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { <-time.After(d); return "ring", nil }
}

// A disk or a server may hang in several ways, and the call is bounded in each. The clock is that
// of a bubble, in which no wait takes time.
func TestWithin(t *testing.T) {
	down := errors.New("the store is down")
	for name, c := range map[string]struct {
		call    func(context.Context) (string, error)
		caller  time.Duration // when the caller goes away; zero: never
		value   string
		pending bool
		err     error
		late    bool // the error names the side that has not answered
	}{
		"answers": {call: func(context.Context) (string, error) { return "ring", nil }, value: "ring"},
		"fails":   {call: func(context.Context) (string, error) { return "half", down }, value: "half", err: down},
		"fails with a deadline of its own": {call: func(context.Context) (string, error) {
			return "", context.DeadlineExceeded
		}, err: context.DeadlineExceeded},
		"heeds its context": {call: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, err: context.DeadlineExceeded, late: true},
		"heeds it and says more": {call: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", down
		}, err: down},
		"answers within the limit": {call: answerAfter(time.Minute - 1), value: "ring"},
		"answers within the grace": {call: answerAfter(time.Minute + time.Second - 1), value: "ring"},
		"answers after the grace":  {call: answerAfter(time.Minute + time.Second + 1), pending: true, err: context.DeadlineExceeded, late: true},
		"hangs":                    {call: answerAfter(time.Hour), pending: true, err: context.DeadlineExceeded, late: true},
		"hangs, its caller goes":   {call: answerAfter(time.Hour), caller: time.Second, pending: true, err: context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, calls := t.Context(), NewCalls()
			if c.caller != 0 {
				bounded, cancel := context.WithTimeout(ctx, c.caller)
				defer cancel()
				ctx = bounded
			}
			value, pending, err := Within(ctx, calls, bound, c.call)
			if value != c.value || pending != c.pending || !errors.Is(err, c.err) {
				t.Errorf("%s: %q, %v, %v; want %q, %v, %v", name, value, pending, err, c.value, c.pending, c.err)
			}
			if late := err != nil && strings.Contains(err.Error(), "the store has not answered for 1m0s"); late != c.late {
				t.Errorf("%s: the error is %v", name, err)
			}
			if working := len(calls) == 1; working != c.pending {
				t.Errorf("%s: %d calls are at work", name, len(calls))
			}
			for range maxCalls { // if an ended call kept its place the bubble would hang
				calls <- struct{}{}
			}
		})
	}
}

// After the caller has gone away f is not called. A panic of f reaches the caller and does not end
// the program.
func TestWithinCalls(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	calls := NewCalls()
	for range 50 { // a select with two ready cases would call f now and then
		_, pending, err := Within(gone, calls, bound, func(context.Context) (int, error) {
			t.Error("called for a caller that has gone")
			return 0, nil
		})
		if pending || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", pending, err)
		}
	}
	func() {
		defer func() {
			if p := recover(); p != "a fault of the store" {
				t.Errorf("recovered %v", p)
			}
		}()
		Within(t.Context(), calls, bound, func(context.Context) (int, error) { panic("a fault of the store") })
		t.Error("the panic is lost")
	}()
	if len(calls) != 0 {
		t.Errorf("%d calls are at work", len(calls))
	}
}

// Calls that never return take at most eight places. When one of them ends, the next call reaches
// the store.
func TestWithinPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, hang := NewCalls(), make(chan struct{})
		var began atomic.Int32
		call := func(context.Context) (int, error) {
			began.Add(1)
			<-hang
			return 0, nil
		}
		for n := range 10 {
			_, pending, err := Within(t.Context(), calls, bound, call)
			if pending != (n < 8) || !errors.Is(err, context.DeadlineExceeded) || began.Load() != int32(min(n+1, 8)) {
				t.Errorf("call %d: %v, %v, and %d have begun", n+1, pending, err, began.Load())
			}
		}
		hang <- struct{}{}
		if _, pending, err := Within(t.Context(), calls, bound, call); !pending || began.Load() != 9 {
			t.Errorf("after one has ended: %v, %v, and %d have begun", pending, err, began.Load())
		}
		close(hang)
	})
}

func TestMutex(t *testing.T) {
	m := NewMutex()
	if err := m.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Lock(gone); !errors.Is(err, context.Canceled) || m.TryLock() {
		t.Errorf("locked twice, or %v", err)
	}
	m.Unlock()
	if !m.TryLock() {
		t.Error("an unlocked Mutex cannot be locked")
	}
}
