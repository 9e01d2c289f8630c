// Package hint serves a loop that loads a store again and again, by its own clock. Such a load is
// called a look. The loop looks sooner when a watch of the store says so, and less often while the
// watch shows life. The watch is only a hint: if it lies, hangs or ends, the loop still looks by
// its clock.
package hint

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// Interval is the average time between two looks by the clock while no watch shows life.
	Interval = time.Second
	// While the watch shows life, the loop waits seldom times as long between two looks by the
	// clock.
	seldom = 10
	// lifetime is about how long a sign of life counts; see due.
	lifetime = 5 * time.Second

	// A look follows a hint after leastDelay to leastDelay+spread. Because of the delay, hints in
	// quick succession cause one look. Because of the random spread, many processes do not load
	// the store at once.
	leastDelay = 2 * time.Millisecond
	spread     = 10 * time.Millisecond

	// maxBackoff is the longest average pause before a watch that failed is started again.
	maxBackoff = 32 * time.Second
)

// errEnded stands for the error of a watch that returned nil and never showed life.
var errEnded = errors.New("it ended before it began")

// Hints says to one loop when to look. One goroutine calls Next, Looked and Failed; Follow runs
// beside it. Make them with New.
type Hints struct {
	wake chan struct{} // wakes Next when a field below has changed

	mu       sync.Mutex
	life     time.Time     // the last sign of the watch that runs; zero if it gave none
	hint     time.Time     // when to look because of a hint; zero if there is no hint
	soon     time.Time     // when to look by the clock while no watch shows life
	late     time.Time     // when to look by the clock while the watch shows life
	jitter   time.Duration // 0.5 to 1.5 intervals, drawn anew by Looked and Failed
	failed   error         // the error of a watch that never showed life, until Next returns it
	panicked any           // the value with which the watch panicked
}

// New returns Hints whose first look is due.
func New() *Hints { return &Hints{wake: make(chan struct{}, 1)} }

func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// Looked says that the loop looked by the clock and succeeded. While the watch shows life, the
// next look by the clock is due in longest at most, or in one jitter if that is more.
func (h *Hints) Looked(longest time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jitter = jittered(Interval)
	now := time.Now()
	h.soon = now.Add(h.jitter)
	h.late = now.Add(max(h.jitter, min(seldom*h.jitter, longest)))
}

// Failed says that a look failed. The next look is due as soon as it would be without a watch: if
// a hint caused the failed look, the watch does not give that hint again.
func (h *Hints) Failed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jitter = jittered(Interval)
	h.late = earlier(h.late, time.Now().Add(h.jitter))
	h.soon = earlier(h.soon, h.late)
}

// earlier returns the earlier of a and b, but b if a has passed.
func earlier(a, b time.Time) time.Time {
	if a.After(time.Now()) && a.Before(b) {
		return a
	}
	return b
}

// due returns when the next look by the clock is due.
func (h *Hints) due() time.Time {
	due := h.soon
	// The jitter is random: if the watches of many processes fall silent at once, the processes
	// do not look at once.
	if quiet := h.life.Add(lifetime - 3*Interval/2 + h.jitter); !h.life.IsZero() && quiet.After(due) {
		due = quiet
	}
	if h.late.Before(due) {
		return h.late
	}
	return due
}

// Next waits until a look is due, and reports whether a hint asks for it. It returns the error
// of a watch that never showed life, at most once for each run of the watch, and the error of
// ctx. If the watch panicked, Next panics with the same value.
func (h *Hints) Next(ctx context.Context) (hinted bool, err error) {
	for {
		h.mu.Lock()
		due, hint, failed, panicked := h.due(), h.hint, h.failed, h.panicked
		wait := time.Until(due)
		if hinted = !hint.IsZero() && hint.Before(due) && wait > 0; hinted {
			wait = time.Until(hint)
		}
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case failed != nil:
			h.failed, err = nil, failed
		case wait <= 0: // a look by the clock also sees the change of the hint
			h.hint = time.Time{}
		}
		h.mu.Unlock()
		if panicked != nil {
			panic(panicked)
		}
		if err != nil || wait <= 0 {
			return hinted, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (h *Hints) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Follow runs watch, and runs it again when it ends, until ctx is done. The pause before the
// next run doubles while the runs show no life.
func (h *Hints) Follow(ctx context.Context, watch func(ctx context.Context, sign func(changed bool)) error) {
	backoff := Interval
	for ctx.Err() == nil {
		if h.run(ctx, watch) {
			backoff = Interval
		}
		select {
		case <-ctx.Done():
		case <-time.After(jittered(backoff)):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// run runs watch once, and reports whether it showed life.
func (h *Hints) run(ctx context.Context, watch func(context.Context, func(bool)) error) (lived bool) {
	ended := false // guarded by h.mu
	sign := func(changed bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if ended {
			return
		}
		now := time.Now()
		// The first sign is a hint too: the document may have changed before the watch began.
		if (changed || !lived) && h.hint.IsZero() {
			h.hint = now.Add(leastDelay + rand.N(spread))
		}
		h.life, lived = now, true
		h.signal()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	defer func() {
		panicked := recover()
		h.mu.Lock()
		defer h.mu.Unlock()
		defer h.signal()
		ended, h.panicked = true, panicked
		// Jittered as in due: the watches of many processes may end at once.
		h.soon = earlier(h.due(), time.Now().Add(jittered(Interval)))
		h.life = time.Time{}
		if !lived && ctx.Err() == nil {
			if h.failed = err; err == nil {
				h.failed = errEnded
			}
		}
	}()
	err = watch(ctx, sign)
	return lived
}
