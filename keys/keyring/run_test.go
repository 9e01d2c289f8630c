package keyring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/hint"
)

// runInterval is the average time between two looks of Run.
const runInterval = hint.Interval

// fastPolicy returns a policy of minutes, so that a ring rotates many times in a few hours.
func fastPolicy() Policy {
	return Policy{
		TokenLifetime: 5 * time.Minute, Leeway: 5 * time.Second, ClockSkew: 5 * time.Second,
		CacheAge: 5 * time.Minute, PublishLag: 5 * time.Second, SnapshotAge: time.Minute,
		Sig: UsePolicy{Period: 30 * time.Minute}, Enc: UsePolicy{Period: 45 * time.Minute},
	}
}

// reportLog collects the steps and errors that several Runs report.
type reportLog struct {
	mu     sync.Mutex
	steps  map[string]int
	errors []error
}

func (l *reportLog) report(s Step, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errors = append(l.errors, err)
		return
	}
	if l.steps == nil {
		l.steps = make(map[string]int)
	}
	l.steps[fmt.Sprint(s.Action, s.Use, s.KeyID)]++
}

// Several services share a store. Each step is done within seconds of its time, and one of them
// reports it. The long form runs for two weeks.
func TestRunKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		policy, length := fastPolicy(), 8*time.Hour
		switch {
		case os.Getenv("SEALJWT_LONG") == "1":
			policy.Sig.Period, policy.Enc.Period, length = 12*time.Hour, 18*time.Hour, 14*day
		case testing.Short():
			length = 4 * time.Hour
		}
		rings := []*Ring{must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Policy: policy}))(t)}
		for range 2 {
			rings = append(rings, must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var (
			told reportLog
			wg   sync.WaitGroup
		)
		for _, r := range rings {
			wg.Go(func() {
				if err := r.Run(ctx, told.report); err != context.Canceled {
					t.Errorf("it ended with %v", err)
				}
			})
		}
		rotations := map[keys.Use]int{keys.UseSig: int(length / policy.Sig.Period), keys.UseEnc: int(length / policy.Enc.Period)}
		time.Sleep(length)
		synctest.Wait()
		cancel()
		wg.Wait()

		all := 0
		for what, n := range told.steps {
			// Each of the three waits of a key has its first look.
			if all += n; n != 1 && (n > 3 || !strings.HasPrefix(what, string(MarkDue))) {
				t.Errorf("%s was told %d times", what, n)
			}
		}
		if len(told.errors) != 0 || all != len(store.written)-1 {
			t.Errorf("%d steps told, %d written, errors %v", all, len(store.written)-1, told.errors)
		}
		checkHistory(t, store.written)
		d := storedIn(t, store)
		w := policy.Windows()
		const slack = 5 * time.Second
		checkOnTime(t, d, keys.UseSig, policy.Sig.Period, 2*w.SignKept, slack)
		checkOnTime(t, d, keys.UseEnc, policy.Enc.Period, 2*w.EncKept, slack)
		for u, n := range rotations {
			made := 0
			for _, k := range d.Keys {
				if k.Use == u {
					made++
				}
			}
			if made < 2+n-1 || made > 2+n { // the last step may be seconds late
				t.Errorf("%d %s keys in %v, want %d", made, u, length, 2+n)
			}
		}
	})
}

// checkOnTime fails for a step of a use that came before its time, or more than slack after it.
func checkOnTime(t *testing.T, d *document, u keys.Use, period, kept, slack time.Duration) {
	t.Helper()
	var before *record
	for i := range d.Keys {
		k := &d.Keys[i]
		if k.Use != u {
			continue
		}
		if before != nil && !k.Activated.IsZero() {
			if late := k.Activated.Sub(before.Activated.Add(period)); late < 0 || late > slack || !before.Retired.Equal(k.Activated) {
				t.Errorf("%s %s became active %v late", u, k.ID, late)
			}
		}
		if before != nil && !before.Activated.IsZero() {
			if late := k.Created.Sub(before.Activated); late < 0 || late > slack {
				t.Errorf("%s %s was staged %v late", u, k.ID, late)
			}
		}
		if k.State == Destroyed {
			if late := k.Ended.Sub(k.Retired.Add(kept)); late < 0 || late > slack {
				t.Errorf("%s %s was destroyed %v late", u, k.ID, late)
			}
		}
		before = k
	}
}

// A store fails for a while. Run reports it, and does the steps that are due when the store is
// back.
func TestRunGoesOnAfterErrors(t *testing.T) {
	swapFails := func(context.Context, string, []byte) (bool, error) { return true, errDown }
	for name, fail := range map[string]func(*testStore, bool){
		"load": func(s *testStore, down bool) {
			s.setDown(map[bool]error{true: errDown}[down])
		},
		"swap": func(s *testStore, down bool) {
			s.setSwap(map[bool]func(context.Context, string, []byte) (bool, error){true: swapFails}[down])
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newTestStore()
				r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Policy: fastPolicy()}))(t)
				ctx, cancel := context.WithTimeout(t.Context(), 31*time.Minute)
				defer cancel()
				var told reportLog
				done := make(chan error, 1)
				go func() { done <- r.Run(ctx, told.report) }()
				time.Sleep(29 * time.Minute)
				fail(store, true)
				time.Sleep(90 * time.Second)
				if n := store.generations(); n != 1+looksPerPeriod {
					t.Errorf("%d generations", n)
				}
				fail(store, false)
				time.Sleep(3 * time.Second)
				if n := store.generations(); n != 3+looksPerPeriod { // a key was activated and one staged
					t.Errorf("%d generations", n)
				}
				if err := <-done; err != context.DeadlineExceeded {
					t.Errorf("it ended with %v", err)
				}
				if n := len(told.errors); n < 20 || n > 180 {
					t.Errorf("%d errors in 30 or 90 seconds", n)
				}
				for _, err := range told.errors {
					if !errors.Is(err, errDown) {
						t.Fatalf("told %v", err)
					}
				}
				checkHistory(t, store.written)
			})
		})
	}
}

// Run looks when it starts, and then about once a second, at times that differ between processes.
// It needs no Report.
func TestRunLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		var looks []time.Time
		store.setLoad(func() error {
			looks = append(looks, time.Now())
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Second)
		defer cancel()
		start := time.Now()
		if err := r.Run(ctx, nil); err != context.DeadlineExceeded {
			t.Errorf("it ended with %v", err)
		}
		if len(looks) < 900 || len(looks) > 1100 || !looks[0].Equal(start) {
			t.Errorf("%d looks in 1000 s, the first after %v", len(looks), looks[0].Sub(start))
		}
		pauses := make(map[time.Duration]int)
		for i, at := range looks[1:] {
			pause := at.Sub(looks[i])
			pauses[pause]++
			if pause < runInterval/2 || pause >= 3*runInterval/2 {
				t.Errorf("a pause of %v", pause)
			}
		}
		if len(pauses) < 100 {
			t.Errorf("only %d different pauses", len(pauses))
		}
	})
}

// If the context is done before a step or ends within it, that step is not done.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTestStore()
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var told reportLog
		if err := r.Run(ctx, told.report); err != context.Canceled {
			t.Errorf("it ended with %v", err)
		}
		if len(told.steps)+len(told.errors) != 0 {
			t.Errorf("told %v and %v", told.steps, told.errors)
		}

		time.Sleep(100 * day)
		ctx, cancel = context.WithCancel(t.Context())
		err := r.Run(ctx, func(s Step, err error) {
			told.report(s, err)
			cancel()
		})
		if err != context.Canceled || len(told.steps) != 1 {
			t.Errorf("it ended with %v after %v", err, told.steps)
		}
	})
}
