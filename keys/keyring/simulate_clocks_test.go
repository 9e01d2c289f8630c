package keyring

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// This simulation asks two questions. Can one host with a wrong clock shorten a window? Can it stop
// a rotation for longer than the host is there? Hosts with right clocks, which differ by up to S,
// look every minute. Now and then another host joins them for some hours, with a clock that is
// hours or years ahead or behind. Every look does all steps that are due by the host's clock. The
// true time is what counts.

// clockPolicy has windows of minutes and hours.
func clockPolicy() Policy {
	return Policy{
		TokenLifetime: 15 * time.Minute, Leeway: time.Minute, ClockSkew: time.Minute, CacheAge: time.Hour,
		PublishLag: 30 * time.Second, SnapshotAge: 30 * time.Second,
		Sig: UsePolicy{Period: 6 * time.Hour}, Enc: UsePolicy{Period: 5 * time.Hour},
	}.withDefaults()
}

// clockFaults counts the faults that a wrong clock caused.
type clockFaults struct {
	early int // a window was too short in true time
	cut   int // a period ended more than a window early
	stuck int // a step came more than a window after it was due and the wrong host had left
	// (three windows, if that host wrote the date from which the step counts)
	lasted int // steps that were checked; without any the other figures mean nothing
}

// clockMutation breaks a rule: it changes the steps that a look finds, or the document that it
// wrote.
type clockMutation struct {
	steps func(d *document, steps []Step, now time.Time) []Step
	after func(d *document, s Step, now time.Time)
}

// clockWorld holds one ring and the true times.
type clockWorld struct {
	t        testing.TB
	d        *document
	policy   Policy
	mutation clockMutation
	gone     time.Time            // when the last wrong host left
	began    map[string]time.Time // the true time at which a key came into its state
	last     map[keys.Use]time.Time
	faults   clockFaults
}

const clockTick = time.Minute

// look makes one look of a host at a time. Its clock is off.
func (w *clockWorld) look(now time.Time, off time.Duration) {
	clock := now.Add(off)
	for range 20 {
		steps := w.d.steps(clock)
		if w.mutation.steps != nil {
			steps = w.mutation.steps(w.d, steps, clock)
		}
		s, due := first(steps, clock)
		if !due {
			return
		}
		w.apply(s, now, clock)
	}
	if w.mutation.steps == nil && w.mutation.after == nil {
		w.t.Fatal("a look does not end")
	}
}

func (w *clockWorld) apply(s Step, now, clock time.Time) {
	var fresh record
	if s.Action == Stage {
		fresh = must(newKey(w.policy.forUse(s.Use).Suites[0], Staged))(w.t)
		s.KeyID = fresh.ID
	}
	w.judge(s, now, clock)
	if err := w.d.apply(s, fresh, clock); err != nil {
		w.t.Fatal(err)
	}
	if w.mutation.after != nil {
		w.mutation.after(w.d, s, clock)
	}
	switch s.Action {
	case Stage:
		w.began[s.KeyID] = now
	case Activate:
		w.began[s.KeyID], w.began[s.Retires], w.last[s.Use] = now, now, now
	}
	w.d.Keys = slices.DeleteFunc(w.d.Keys, func(r record) bool { return r.State == Destroyed })
}

// judge compares a step with the true times.
func (w *clockWorld) judge(s Step, now, clock time.Time) {
	windows, skew := w.policy.Windows(), w.policy.ClockSkew
	ahead, kept := windows.SignAhead, windows.SignKept
	if s.Use == keys.UseEnc {
		ahead, kept = windows.EncAhead, windows.EncKept
	}
	var window, planned time.Duration
	switch s.Action {
	case Activate:
		window, planned = ahead, 2*ahead
		period := w.policy.forUse(s.Use).Period
		late, active := w.last[s.Use].Add(period), w.d.byID(s.Retires)
		if active.Activated.After(w.last[s.Use].Add(2 * skew)) {
			// A host whose clock was ahead began the period. The period counts from the record, and
			// from its date once that has passed.
			late = latest(late.Add(period), w.gone.Add(period))
		} else if now.Before(late.Add(-ahead - 2*skew)) {
			w.faults.cut++
		}
		planned = max(planned, late.Sub(w.began[s.KeyID]))
	case Destroy:
		window, planned = kept, 2*kept
	default:
		return
	}
	w.faults.lasted++
	if now.Sub(w.began[s.KeyID]) < window-skew {
		w.faults.early++
	}
	waits := window
	if from := w.d.waitOf(w.d.byID(s.KeyID)).From; from.After(w.began[s.KeyID].Add(2 * skew)) {
		// A date was in the future and passes before a later look acts. Then it counts like any
		// date.
		waits = 3 * window
	}
	if slack := 2*skew + 3*clockTick; now.After(latest(w.began[s.KeyID].Add(planned), w.gone).Add(waits + slack)) {
		w.faults.stuck++
	}
}

// clockOffsets has the errors of the wrong clocks.
var clockOffsets = []time.Duration{
	5 * time.Minute, time.Hour, 5 * time.Hour, 2 * day, 10 * 365 * day,
	-5 * time.Minute, -time.Hour, -5 * time.Hour, -2 * day, -10 * 365 * day,
}

// simulateClocks runs a ring through a number of visits of wrong hosts.
func simulateClocks(t testing.TB, offset time.Duration, mutation clockMutation, seed uint64, visits int) clockFaults {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 4))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	policy := clockPolicy()
	w := clockWorld{
		t: t, d: must(newDocument(Config{Policy: policy}, start))(t), policy: policy, mutation: mutation,
		began: make(map[string]time.Time), last: map[keys.Use]time.Time{keys.UseSig: start, keys.UseEnc: start}, gone: start,
	}
	for _, r := range w.d.Keys {
		w.began[r.ID] = start
	}
	now := start
	pass := func(d time.Duration, wrong bool) {
		for end := now.Add(d); now.Before(end); now = now.Add(clockTick) {
			looks := []time.Duration{time.Duration(random.Int64N(int64(policy.ClockSkew))), time.Duration(random.Int64N(int64(policy.ClockSkew)))}
			if wrong {
				looks = append(looks, offset)
				w.gone = now
			}
			random.Shuffle(len(looks), func(i, j int) { looks[i], looks[j] = looks[j], looks[i] })
			for i, off := range looks {
				w.look(now.Add(time.Duration(i)*time.Second), off)
			}
		}
	}
	for range visits {
		pass(10*time.Hour+time.Duration(random.Int64N(int64(6*time.Hour))), false)
		pass(time.Duration(random.Int64N(int64(4*time.Hour))), true)
	}
	pass(12*time.Hour, false)
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} { // a step that never came is stuck too
		if now.Sub(w.last[u]) > 2*policy.forUse(u).Period {
			w.faults.stuck++
		}
	}
	return w.faults
}

func (f *clockFaults) add(o clockFaults) {
	f.early, f.cut, f.stuck, f.lasted = f.early+o.early, f.cut+o.cut, f.stuck+o.stuck, f.lasted+o.lasted
}

// oneLook makes the first look act if it finds the wait of a key in one of the states over.
func oneLook(states ...State) func(*document, []Step, time.Time) []Step {
	return func(d *document, steps []Step, now time.Time) []Step {
		over := func(r *record) bool {
			action, at := d.look(r, now)
			return !at.After(now) && (action == Nothing || action == MarkDue && slices.Contains(states, r.State))
		}
		for i, s := range steps {
			r := d.byID(s.KeyID)
			if r == nil || s.Action != MarkDue || !over(r) {
				continue
			}
			if r.State == Retired {
				steps[i].Action = Destroy
			} else if next, _ := d.successor(r.Use); next.Action == Activate && over(d.byID(next.KeyID)) && over(d.byID(next.Retires)) {
				next.At = s.At
				steps[i] = next
			}
		}
		return steps
	}
}

func TestSimulationWrongClocks(t *testing.T) {
	visits := 20
	switch {
	case os.Getenv("SEALJWT_LONG") == "1":
		visits = 300
	case testing.Short():
		visits = 5
	}
	all := func(t *testing.T, m clockMutation) (total clockFaults) {
		rules, visits := m.steps == nil && m.after == nil, visits
		if !rules {
			visits = 3 // harm comes soon
		}
		for i, offset := range clockOffsets {
			f := simulateClocks(t, offset, m, uint64(i), visits)
			if rules && (f.early+f.cut+f.stuck != 0 || f.lasted == 0) {
				t.Errorf("a clock that is off by %v: %+v", offset, f)
			}
			total.add(f)
		}
		return total
	}
	t.Run("the rules", func(t *testing.T) { t.Logf("%+v", all(t, clockMutation{})) })

	// Each rule is needed: without it one wrong clock causes one of these faults.
	without := func(drop func(d *document, s Step, now time.Time) bool) func(*document, []Step, time.Time) []Step {
		return func(d *document, steps []Step, now time.Time) []Step {
			return slices.DeleteFunc(steps, func(s Step) bool { return drop(d, s, now) })
		}
	}
	for name, tt := range map[string]struct {
		clockMutation
		fault func(clockFaults) int
	}{
		"one look activates":     {clockMutation{steps: oneLook(Staged, Active)}, func(f clockFaults) int { return f.early }},
		"one look destroys":      {clockMutation{steps: oneLook(Retired)}, func(f clockFaults) int { return f.early }},
		"one look ends a period": {clockMutation{steps: oneLook(Active)}, func(f clockFaults) int { return f.cut }},
		"the second look R later": {clockMutation{after: func(d *document, s Step, now time.Time) {
			if r := d.byID(s.KeyID); s.Action == MarkDue {
				w := d.waitOf(r)
				if due := r.Due.Add(min(0, 30*time.Second-w.Again)); !due.Before(w.From.Add(w.First)) {
					r.Due = due
				}
			}
		}}, func(f clockFaults) int { return f.early }},
		"no record is cleared": {clockMutation{steps: without(func(d *document, s Step, _ time.Time) bool {
			return s.Action == ClearDue
		})}, func(f clockFaults) int { return f.stuck }},
		"a date ahead is waited for": {clockMutation{steps: without(func(d *document, s Step, now time.Time) bool {
			r := d.byID(s.KeyID)
			return r != nil && (s.Action == MarkDue || s.Action == Destroy || s.Action == Activate) && d.waitOf(r).From.After(now.Add(time.Minute))
		})}, func(f clockFaults) int { return f.stuck }},
		"a date ahead is rewritten": {clockMutation{after: func(d *document, s Step, now time.Time) {
			r := d.byID(s.KeyID)
			if s.Action != MarkDue || !d.waitOf(r).From.After(now.Add(time.Minute)) {
				return
			}
			switch r.State {
			case Staged:
				r.Created = now.Add(-d.waitOf(r).First)
			case Retired:
				r.Retired = now.Add(-d.waitOf(r).First)
			}
		}}, func(f clockFaults) int { return f.early }},
	} {
		t.Run("without: "+name, func(t *testing.T) {
			f := all(t, tt.clockMutation)
			t.Logf("%+v", f)
			if tt.fault(f) == 0 {
				t.Error("no harm is done: the simulation proves nothing about this rule")
			}
		})
	}
}
