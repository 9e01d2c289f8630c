package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/hint"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Rotate does the next step of the rotation if one is due, and returns the step. If none is
// due it returns a Step with [Nothing] and the time of the next one. Each call makes at most
// one change, so call it again until it returns Nothing. With uses, Rotate looks only at
// keys for them. Any number of processes may call it at any time.
//
// It returns [ErrState] for a new key in a full ring, and the errors of [Open] and of the store.
// Except after [ErrUnknownOutcome], an error means that nothing was changed.
func (r *Ring) Rotate(ctx context.Context, uses ...keys.Use) (Step, error) {
	return r.rotate(ctx, func(d *document, now time.Time) (Step, error) {
		steps := slices.DeleteFunc(d.steps(now, uses...), func(s Step) bool {
			// Another process cleared the record that we made, so one of the two clocks is wrong.
			// To record again and again would fill the ring's history, so we wait for a
			// SnapshotAge.
			at, marked := r.marked[s.KeyID]
			return marked && s.Action == MarkDue && !s.At.After(now) && !now.Before(at) && now.Before(at.Add(time.Duration(d.Policy.SnapshotAge)))
		})
		s, due := first(steps, now)
		if !due {
			s = Step{Action: Nothing, At: s.At}
		}
		return s, nil
	})
}

// NextStep returns the step that is due first, and whether it is due by now. It changes
// nothing. It returns the errors of [Open].
func (r *Ring) NextStep(ctx context.Context, uses ...keys.Use) (step Step, due bool, err error) {
	s, err := r.load(ctx)
	if err != nil {
		return Step{}, false, err
	}
	step, due = s.document.next(r.now(), uses...)
	return step, due, nil
}

// RotateNow ends the period of the active key of a use: its staged successor becomes active now.
// RotateNow stages a missing successor first.
//
// It returns an [ErrWindow] that is a [WindowError] too, when the successor was staged too
// short a time ago for every other party to know it; then the active key stays. It returns
// [keys.ErrNoKey] when the ring has no keys for that use, [ErrState] when it holds 64 keys and
// none is staged, and the errors of the store.
func (r *Ring) RotateNow(ctx context.Context, use keys.Use) (Step, error) {
	return r.rotateNow(ctx, use, false)
}

// RotateNowInsecurely rotates like [Ring.RotateNow], and does not wait: it activates a
// successor that other parties cannot know yet. Tokens fail until they know it.
func (r *Ring) RotateNowInsecurely(ctx context.Context, use keys.Use) (Step, error) {
	return r.rotateNow(ctx, use, true)
}

func (r *Ring) rotateNow(ctx context.Context, use keys.Use, skipWindow bool) (Step, error) {
	var before *string // the kid of the key that was active at our first look
	for {
		step, err := r.rotate(ctx, func(d *document, now time.Time) (Step, error) {
			s, ok := d.successor(use)
			if !ok && d.activeID(use) != "" {
				return Step{}, d.checkHeld()
			}
			if !ok {
				return Step{}, fmt.Errorf("%w: the ring has none for use %s", keys.ErrNoKey, use)
			}
			active := d.activeID(use)
			if before == nil {
				before = &active
			}
			if *before != active {
				return Step{Action: Nothing}, nil // another process did it meanwhile
			}
			if s.Action != Activate {
				return s, nil
			}
			// At ready, every verifier has the public half, or every opener has the private
			// half.
			next := d.byID(s.KeyID)
			if ready := d.waitOf(next).Ready(next.Due, now); ready.After(now) && !skipWindow {
				return Step{}, tooSoon{&WindowError{s.KeyID, ready}}
			}
			return s, nil
		})
		if err != nil || step.Action != Stage {
			return step, err
		}
	}
}

// rotate decides on a step and does it, deciding again after a conflict.
func (r *Ring) rotate(ctx context.Context, decide func(*document, time.Time) (Step, error)) (Step, error) {
	var (
		step  Step
		fresh record
	)
	err := r.change(ctx, func(_ context.Context, d *draft) ([]logEntry, error) {
		now := r.now()
		var err error
		if step, err = decide(d.document, now); err != nil {
			return nil, err
		}
		switch step.Action {
		case Nothing:
			return nil, errUnchanged
		case Stage:
			if fresh, err = d.freshKey(step.Use, fresh); err != nil {
				return nil, err
			}
			step.KeyID = fresh.ID
		}
		step.At = now
		if step.Action == MarkDue {
			r.marked[step.KeyID] = now
		}
		return step.entries(), d.apply(step, fresh, now)
	})
	if err != nil {
		return Step{}, err
	}
	return step, nil
}

// freshKey returns the record of a staged key: r if it still fits the policy, otherwise the
// record of a new key. Making a key takes time: if another process swapped first, the next try
// uses the same key.
func (d *document) freshKey(u keys.Use, r record) (record, error) {
	p, err := d.Policy.policy()
	if err != nil {
		return record{}, err
	}
	suite := p.forUse(u).Suites[0]
	if r.Suite == suite.String() && d.byID(r.ID) == nil {
		return r, nil
	}
	return newKey(suite, Staged)
}

// newKey returns the record of a new key.
func newKey(suite keys.Suite, state State) (record, error) {
	data, err := jwk.Generate(suite.String())
	if err != nil {
		return record{}, err
	}
	defer clear(data)
	return newRecord(data, keys.Hint{Suite: suite}, state)
}

func (s Step) entries() []logEntry {
	if s.Action == MarkDue || s.Action == ClearDue {
		return nil // these record a look and change no state
	}
	log := []logEntry{{string(s.Action), s.KeyID}}
	if s.Retires != "" {
		log = append(log, logEntry{string(Retire), s.Retires})
	}
	return log
}

// Run keeps the ring fresh and rotates it, until ctx is done; then it returns the context's
// error. It loads the ring about once a second, at random times so that many processes do
// not load it at once, and does every step that is due. Where the store is a [Watcher], Run
// sees a change within milliseconds, and loads the ring by its own clock every ten seconds only
// while the watch shows life. A service whose keys another process rotates does not need Run: a
// Ring reloads by itself once a minute.
//
// Run calls report, which may be nil, with each step that it did and with each error, except for
// an error after a sign of a Watcher: then it looks again about a second later. An error does not
// end Run. A nil Ring, or one that no constructor made, ends it with [ErrConfig].
func (r *Ring) Run(ctx context.Context, report func(Step, error)) error {
	if err := r.isOpen(); err != nil {
		return err
	}
	if report == nil {
		report = func(Step, error) {}
	}
	hints := hint.New()
	defer r.watch(ctx, hints)()
	for {
		hinted, err := hints.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			report(Step{}, fmt.Errorf("keyring: the store cannot be watched, so that Run sees a change a second later: %w", err))
		case hinted:
			// Only a look by the clock does steps: a hint reaches all processes at once, and
			// all but one would write in vain.
			if _, err := r.look(ctx); err != nil || r.remember(ctx) != nil {
				hints.Failed()
			}
		case r.rotateAll(ctx, report):
			hints.Looked(r.snapshot.Load().reloadAfter())
		default:
			hints.Failed()
		}
	}
}

// watch starts the watch of a store that is a [Watcher]. The returned function ends it.
func (r *Ring) watch(ctx context.Context, hints *hint.Hints) (stop func()) {
	w, ok := r.store.(Watcher)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		hints.Follow(ctx, w.Watch)
	}()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(swapGrace): // Watch ignores its context
		}
	}
}

// rotateAll does every step that is due. It reports whether it reached the store and the memory.
func (r *Ring) rotateAll(ctx context.Context, report func(Step, error)) (ok bool) {
	ok = true
	for ctx.Err() == nil {
		step, err := r.Rotate(ctx)
		if err == nil && step.Action == Nothing {
			break
		}
		report(step, err)
		if err != nil {
			ok = false
			break
		}
	}
	if err := r.remember(ctx); err != nil && ctx.Err() == nil {
		report(Step{}, err)
		ok = false
	}
	return ok
}
