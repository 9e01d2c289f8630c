package hint

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type watch func(ctx context.Context, sign func(changed bool)) error

// looks records the times of the looks of a loop, since it began.
type looks struct {
	clock, hinted []time.Duration
	failures      int // how many watches ended with an error
}

// loop runs a loop beside a watch for a length of time. The nth look fails if fails(n) is true.
func loop(ctx context.Context, w watch, length, longest time.Duration, fails func(n int) bool) (l looks) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	h, start := New(), time.Now()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { h.Follow(ctx, w) })
	for n := 0; ; n++ {
		hinted, err := h.Next(ctx)
		switch at := time.Since(start); {
		case ctx.Err() != nil:
			return l
		case err != nil:
			l.failures++
			n--
			continue
		case hinted:
			l.hinted = append(l.hinted, at)
		default:
			l.clock = append(l.clock, at)
		}
		switch {
		case fails != nil && fails(n):
			h.Failed()
		case !hinted:
			h.Looked(longest)
		}
	}
}

// pauses returns the shortest and the longest time between two looks by the clock.
func (l looks) pauses() (least, most time.Duration) {
	var all []time.Duration
	for i := range l.clock[1:] {
		all = append(all, l.clock[i+1]-l.clock[i])
	}
	return slices.Min(all), slices.Max(all)
}

// signs returns a watch that gives a sign at an interval.
func signs(every time.Duration, changed bool) watch {
	return func(ctx context.Context, sign func(bool)) error {
		for ctx.Err() == nil {
			sign(changed)
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
		return ctx.Err()
	}
}

// silent gives one sign and hangs.
func silent(ctx context.Context, sign func(bool)) error {
	sign(false)
	<-ctx.Done()
	return ctx.Err()
}

var errWatch = errors.New("compacted")

func always(int) bool { return true }

// Under every kind of watch the loop makes this number of looks, at these distances.
func TestPace(t *testing.T) {
	const length = 1000 * time.Second
	for name, c := range map[string]struct {
		watch       watch
		longest     time.Duration
		fails       func(int) bool
		least, most time.Duration // bounds of the time between two looks by the clock
		// Bounds of the number of looks because of a hint. The sign at the start comes before the
		// first look or behind it; the first look serves it too then.
		hinted   [2]int
		failures [2]int
	}{
		"no watch": {
			func(ctx context.Context, _ func(bool)) error { <-ctx.Done(); return nil },
			time.Hour, nil, Interval / 2, 3 * Interval / 2, [2]int{}, [2]int{},
		},
		"life":                 {signs(time.Second, false), time.Hour, nil, 5 * time.Second, 15 * time.Second, [2]int{0, 1}, [2]int{}},
		"life, two seconds":    {signs(2*time.Second, false), time.Hour, nil, 5 * time.Second, 15 * time.Second, [2]int{0, 1}, [2]int{}},
		"life, short snapshot": {signs(time.Second, false), 3 * time.Second, nil, 3 * time.Second, 3 * time.Second, [2]int{0, 1}, [2]int{}},
		"life, tiny snapshot":  {signs(time.Second, false), time.Millisecond, nil, Interval / 2, 3 * Interval / 2, [2]int{0, 1}, [2]int{}},
		"life is too seldom":   {signs(20*time.Second, false), time.Hour, nil, Interval / 2, lifetime + 3*Interval/2, [2]int{0, 1}, [2]int{}},
		"silent":               {silent, time.Hour, nil, Interval / 2, lifetime, [2]int{0, 1}, [2]int{}},
		"changes":              {signs(time.Second, true), time.Hour, nil, 5 * time.Second, 15 * time.Second, [2]int{990, 1001}, [2]int{}},
		// A look takes no time here. Even a storm of signs causes at most one look in the least
		// delay.
		"storm":            {signs(2*time.Millisecond, true), time.Hour, nil, 5 * time.Second, 15 * time.Second, [2]int{60_000, 250_000}, [2]int{}},
		"store fails":      {signs(time.Second, false), time.Hour, always, Interval / 2, 3 * Interval / 2, [2]int{0, 1}, [2]int{}},
		"fails in a storm": {signs(2*time.Millisecond, true), time.Hour, always, 0, 3 * Interval / 2, [2]int{60_000, 250_000}, [2]int{}},
		"ends at once": {
			func(context.Context, func(bool)) error { return errWatch },
			time.Hour, nil, Interval / 2, 3 * Interval / 2, [2]int{}, [2]int{25, 60}, // the loop waits 1, 2, 4, 8, 16, 32, 32 … s
		},
		"ends at once without an error": {
			func(context.Context, func(bool)) error { return nil },
			time.Hour, nil, Interval / 2, 3 * Interval / 2, [2]int{}, [2]int{25, 60},
		},
		"lives and ends": {
			func(_ context.Context, sign func(bool)) error { sign(false); return errWatch },
			time.Hour, nil, 0, 15 * time.Second, [2]int{600, 1100}, [2]int{},
		},
		"signs after its end": {
			func(ctx context.Context, sign func(bool)) error {
				go func() {
					time.Sleep(time.Millisecond)
					signs(100*time.Millisecond, true)(ctx, sign)
				}()
				return errWatch
			},
			time.Hour, nil, 0, 3 * Interval / 2, [2]int{}, [2]int{25, 60},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && strings.Contains(name, "storm") {
				t.Skip("a million signs take long")
			}
			synctest.Test(t, func(t *testing.T) {
				l := loop(t.Context(), c.watch, length, c.longest, c.fails)
				if l.clock[0] != 0 {
					t.Errorf("the first look came after %v", l.clock[0])
				}
				if least, most := l.pauses(); least < c.least || most > c.most {
					t.Errorf("pauses of %v to %v, want %v to %v", least, most, c.least, c.most)
				}
				if n := len(l.hinted); n < c.hinted[0] || n > c.hinted[1] {
					t.Errorf("%d looks because of hints, want %v", n, c.hinted)
				}
				if l.failures < c.failures[0] || l.failures > c.failures[1] {
					t.Errorf("%d failures, want %v", l.failures, c.failures)
				}
			})
		})
	}
}

// A look follows a change within 12 ms, and many changes at once cause one look.
func TestHintIsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []time.Duration
		start := time.Now()
		l := loop(t.Context(), func(ctx context.Context, sign func(bool)) error {
			for ctx.Err() == nil {
				time.Sleep(700 * time.Millisecond)
				changes = append(changes, time.Since(start))
				for range 1000 {
					sign(true)
				}
			}
			return ctx.Err()
		}, time.Minute, time.Hour, nil)
		all := slices.Concat(l.clock, l.hinted)
		for _, at := range changes[:len(changes)-1] {
			if !slices.ContainsFunc(all, func(look time.Duration) bool { return look > at && look <= at+leastDelay+spread }) {
				t.Errorf("the change after %v was not looked at within %v", at, leastDelay+spread)
			}
		}
		if len(l.hinted) > len(changes) {
			t.Errorf("%d looks because of %d bursts", len(l.hinted), len(changes))
		}
	})
}

// A thousand processes get the same sign, or lose their watches at once. Their looks are spread
// over a time.
func TestNoHerd(t *testing.T) {
	processes := 1000
	if testing.Short() {
		processes = 200
	}
	for name, c := range map[string]struct {
		watch  watch
		from   time.Duration // when the event happens
		within time.Duration // the looks come within this time
		window time.Duration // at most a fifth of the looks come within such a window
	}{
		"change": {
			func(ctx context.Context, sign func(bool)) error {
				sign(false)
				time.Sleep(20 * time.Second)
				sign(true)
				return signs(time.Second, false)(ctx, sign)
			},
			20 * time.Second, leastDelay + spread, time.Millisecond,
		},
		"end": {
			func(ctx context.Context, sign func(bool)) error {
				ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
				defer cancel()
				return signs(time.Second, false)(ctx, sign)
			},
			20 * time.Second, 3 * Interval / 2, 50 * time.Millisecond,
		},
		"silence": {
			func(ctx context.Context, sign func(bool)) error {
				signing, cancel := context.WithTimeout(ctx, 20*time.Second+1)
				defer cancel()
				signs(time.Second, false)(signing, sign) // this is the last sign, after 20 s
				<-ctx.Done()
				return ctx.Err()
			},
			20 * time.Second, lifetime, 100 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := make([]time.Duration, processes)
				var wg sync.WaitGroup
				for i := range processes {
					wg.Go(func() {
						l := loop(t.Context(), c.watch, 40*time.Second, time.Hour, nil)
						all := slices.Concat(l.clock, l.hinted)
						slices.Sort(all)
						first[i] = all[slices.IndexFunc(all, func(d time.Duration) bool { return d > c.from })] - c.from
					})
				}
				wg.Wait()
				slices.Sort(first)
				if last := first[processes-1]; last > c.within {
					t.Errorf("the last one looks after %v, want %v at most", last, c.within)
				}
				for i := range first[:processes-processes/5] {
					if first[i+processes/5]-first[i] < c.window {
						t.Fatalf("a fifth of them look between %v and %v", first[i], first[i+processes/5])
					}
				}
			})
		})
	}
}

// A panic of a watch reaches the loop, where the caller of Run can see it.
func TestPanicReachesTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if got := recover(); got != "a fault of the store" {
				t.Errorf("recovered %v", got)
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		h := New()
		go h.Follow(ctx, func(context.Context, func(bool)) error { panic("a fault of the store") })
		for {
			if hinted, err := h.Next(ctx); hinted || err != nil {
				t.Errorf("hinted %v, error %v", hinted, err)
			}
			h.Looked(time.Hour)
		}
	})
}
