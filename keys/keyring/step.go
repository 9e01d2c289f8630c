package keyring

import (
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// Action names the change that a step of a rotation makes.
type Action string

// The steps of a rotation. A look is one call of Rotate. Rotate ends no wait by one clock alone:
// the first look that finds a wait over records that in the ring (MarkDue), and a later look
// acts; see the package documentation.
const (
	Nothing  Action = "nothing"   // no step is due
	Stage    Action = "stage"     // a successor is made; for signing it is also published
	Activate Action = "activate"  // the successor takes over, its predecessor retires
	Retire   Action = "retire"    // the predecessor of an activated key; part of an Activate
	MarkDue  Action = "mark-due"  // the first look that finds a key's wait over records the time
	ClearDue Action = "clear-due" // a record ahead of our clock is removed: a clock is wrong
	Destroy  Action = "destroy"   // the key material is erased
)

// Step is one step of a rotation, done or to come.
type Step struct {
	Action  Action    `json:"action"`
	Use     keys.Use  `json:"use,omitempty"`     // the use of the key
	KeyID   string    `json:"kid,omitempty"`     // empty for Nothing and for a Stage to come
	Retires string    `json:"retires,omitempty"` // the kid that an Activate retires
	At      time.Time `json:"at,omitzero"`       // when the step is due, or when it was done
}

// next returns the step that is due first, whether its time has come or not, and reports whether
// it is due now.
func (d *document) next(now time.Time, uses ...keys.Use) (Step, bool) {
	return first(d.steps(now, uses...), now)
}

func first(steps []Step, now time.Time) (Step, bool) {
	if len(steps) == 0 {
		return Step{Action: Nothing}, false
	}
	first := slices.MinFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return first, !first.At.After(now)
}

// steps returns the next steps for the given uses, for both if none is given. It is a pure
// function of the document and the time, so any number of processes may call Rotate.
func (d *document) steps(now time.Time, uses ...keys.Use) []Step {
	var steps []Step
	if len(uses) == 0 {
		uses = []keys.Use{keys.UseSig, keys.UseEnc}
	}
	for _, u := range uses {
		steps = append(steps, d.succession(u, now)...)
	}
	for i := range d.Keys {
		if s, ok := d.ending(&d.Keys[i], now); ok && slices.Contains(uses, s.Use) {
			steps = append(steps, s)
		}
	}
	return steps
}

// successor returns the step that gives a use its next active key, whenever it is due: Stage if
// no key is staged, else Activate. It returns false without such a step.
func (d *document) successor(u keys.Use) (Step, bool) {
	active, staged := d.find(u, Active), d.find(u, Staged)
	switch {
	case active == nil && staged == nil:
		return Step{}, false
	case staged == nil && d.held() >= maxHeld:
		return Step{}, false // until a retired key is destroyed
	case staged == nil:
		return Step{Action: Stage, Use: u, At: active.Activated}, true
	case active == nil:
		return Step{Action: Activate, Use: u, KeyID: staged.ID}, true
	}
	return Step{Action: Activate, Use: u, KeyID: staged.ID, Retires: active.ID}, true
}

// succession returns the next steps towards a new active key. The successor takes over when its
// own window and the period of the active key are over, and two looks have found each of them
// over.
func (d *document) succession(u keys.Use, now time.Time) []Step {
	s, ok := d.successor(u)
	switch {
	case !ok:
		return nil
	case s.Action == Stage:
		// A date ahead of our clock counts for nothing: one of the two clocks is wrong.
		if s.At.After(now.Add(time.Duration(d.Policy.ClockSkew))) {
			s.At = now
		}
		return []Step{s}
	}
	var looks []Step
	for _, kid := range []string{s.KeyID, s.Retires} {
		r := d.byID(kid)
		if r == nil {
			continue
		}
		action, at := d.look(r, now)
		if action != Nothing {
			looks = append(looks, Step{Action: action, Use: u, KeyID: kid, At: at})
		}
		s.At = latest(s.At, at)
	}
	if len(looks) != 0 {
		return looks
	}
	return []Step{s}
}

// ending returns the next step towards the end of a key that is out of use: a retired key, or a
// revoked decryption key that still opens. It returns false for any other key.
func (d *document) ending(r *record, now time.Time) (Step, bool) {
	if r.State != Retired && (r.State != Revoked || len(r.JWK) == 0) {
		return Step{}, false
	}
	s := Step{Use: r.Use, KeyID: r.ID}
	if s.Action, s.At = d.look(r, now); s.Action == Nothing {
		s.Action = Destroy
	}
	return s, true
}

// looks gives the Action for each result of window.Wait.Look. Nothing means that the wait is
// over and the key's own step may be done.
var looks = [...]Action{window.Act: Nothing, window.Mark: MarkDue, window.Clear: ClearDue}

// look returns the action of the next look at the wait of a key, and the time of that look. The
// action is Nothing if that look has nothing to record and may do the key's own step.
func (d *document) look(r *record, now time.Time) (Action, time.Time) {
	look, at := d.waitOf(r).Look(r.Due, now)
	return looks[look], at
}

// waitOf returns the wait of a key in its state. A key that is staged or out of use waits for a
// whole window before the first look, and for another one after it. An active key waits for its
// period. The first look comes a window before the end of the period, so that the period is as
// long as the policy says, and not a window longer.
func (d *document) waitOf(r *record) window.Wait {
	windows := r.Windows.Windows()
	ahead, kept := windows.SignAhead, windows.SignKept
	if r.Use == keys.UseEnc {
		ahead, kept = windows.EncAhead, windows.EncKept
	}
	w := window.Wait{Skew: time.Duration(r.Windows.ClockSkew)}
	switch r.State {
	case Staged:
		w.From, w.First, w.Again, w.Whole = r.Created, ahead, ahead, ahead
	case Active:
		period := d.Policy.period(r.Use)
		ahead = min(ahead, period)
		w.From, w.First, w.Again, w.Whole = r.Activated, period-ahead, ahead, period
	default:
		w.From, w.First, w.Again, w.Whole = r.Retired, kept, kept, kept
		if w.From.IsZero() { // revoked before it retired
			w.From = r.Ended
		}
	}
	return w
}

// wrongDate returns a date of a held key that shows that a clock is wrong, the zero time for none.
func (d *document) wrongDate(r *record, now time.Time) time.Time {
	if len(r.JWK) == 0 {
		return time.Time{}
	}
	return d.waitOf(r).WrongDate(r.Due, now, r.Created, r.Activated, r.Retired, r.Ended)
}

// find returns the oldest key of a use in a state, and nil if there is none.
func (d *document) find(u keys.Use, s State) *record {
	var found *record
	for i := range d.Keys {
		if r := &d.Keys[i]; r.Use == u && r.State == s && (found == nil || r.Created.Before(found.Created)) {
			found = r
		}
	}
	return found
}

func (d *document) activeID(u keys.Use) string {
	if r := d.find(u, Active); r != nil {
		return r.ID
	}
	return ""
}

func (d *document) byID(kid string) *record {
	for i := range d.Keys {
		if d.Keys[i].ID == kid {
			return &d.Keys[i]
		}
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
