package keys

import (
	"context"
	"fmt"
	"time"
)

// Rotate does the next step of the rotation if one is due, and returns it; else it
// returns a Step with [Nothing] and the time at which the next one is due. Call it
// again until there is nothing: each call makes at most one change. With uses only
// their keys are looked at. Any number of processes may call it at any time.
//
// It returns the store's errors and those of [Open]; then nothing was changed.
func (r *Ring) Rotate(ctx context.Context, uses ...Use) (Step, error) {
	return r.rotate(ctx, func(d *document, now time.Time) (Step, error) {
		s, due := d.next(now, uses...)
		if at := r.marked[s.KeyID]; s.Action == MarkDue && !now.Before(at) && now.Before(at.Add(time.Duration(d.Policy.SnapshotAge))) {
			// Somebody cleared our mark: one of the two clocks is wrong, and to go
			// on marking would fill the history of the ring.
			due = false
		}
		if !due {
			s = Step{Action: Nothing, At: s.At}
		}
		return s, nil
	})
}

// Next returns the step that is due first, by now or later, and changes nothing.
func (r *Ring) Next(ctx context.Context, uses ...Use) (step Step, due bool, err error) {
	s, err := r.load(ctx)
	if err != nil {
		return Step{}, false, err
	}
	step, due = s.document.next(r.now(), uses...)
	return step, due, nil
}

// WindowError says that a key cannot become active yet without hurting holders of
// valid tokens.
type WindowError struct {
	KeyID string
	Until time.Time
}

func (e *WindowError) Error() string {
	return fmt.Sprintf("keys: the key %s must not become active before %s: not everybody can have it yet",
		quote(e.KeyID), e.Until.UTC().Add(time.Second-1).Truncate(time.Second).Format(time.RFC3339)) // rounded up
}

// Is makes a WindowError an [ErrWindow].
func (e *WindowError) Is(target error) bool { return target == ErrWindow }

// Force brings the end of a period forward.
type Force struct {
	Use Use

	// InsecureSkipWindow activates a successor that others cannot know yet: their
	// tokens fail until they do.
	InsecureSkipWindow bool
}

// RotateNow ends the period of the active key of f.Use: its staged successor
// becomes active now. If it was staged too short a time ago for everybody to know
// it, the error is a [WindowError], an [ErrWindow], and nothing was changed but that
// a missing successor was staged. [ErrNoKey] says that the ring has no keys for that
// use.
func (r *Ring) RotateNow(ctx context.Context, f Force) (Step, error) {
	var before *string // the kid that was active at our first look
	for {
		step, err := r.rotate(ctx, func(d *document, now time.Time) (Step, error) {
			s, ok := d.succession(f.Use)
			if !ok {
				return Step{}, fmt.Errorf("%w: the ring has none for use %s", ErrNoKey, f.Use)
			}
			active := d.activeID(f.Use)
			if before == nil {
				before = &active
			}
			if *before != active {
				return Step{Action: Nothing}, nil // somebody else did it meanwhile
			}
			if s.Action != Activate {
				return s, nil
			}
			if ready := d.byID(s.KeyID).ready(); ready.After(now) && !f.InsecureSkipWindow {
				return Step{}, &WindowError{s.KeyID, ready}
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
		fresh *Key
	)
	err := r.change(ctx, func(d *draft) ([]entry, error) {
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
			step.KeyID = fresh.id
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

// freshKey returns k if it still fits the policy, else a new key. Making one takes
// time, so it is kept for the next try when somebody else swapped first.
func (d *document) freshKey(u Use, k *Key) (*Key, error) {
	p, err := d.Policy.policy()
	if err != nil {
		return nil, err
	}
	suite := p.forUse(u).Suite
	if k != nil && k.suite == suite && d.byID(k.id) == nil {
		return k, nil
	}
	return Generate(suite)
}

func (s Step) entries() []entry {
	if s.Action == MarkDue || s.Action == ClearDue {
		return nil // looks, and no transitions
	}
	log := []entry{{string(s.Action), s.KeyID}}
	if s.Retires != "" {
		log = append(log, entry{string(Retire), s.Retires})
	}
	return log
}
