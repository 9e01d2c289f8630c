package keyring

import (
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Action names the change that a step of a rotation makes.
type Action string

// The steps of a rotation. A retired key is destroyed in two looks: the first that
// finds it due says so in the ring, a later one destroys it, so that one clock that
// jumped ahead destroys nothing.
const (
	Nothing  Action = "nothing"   // no step is due
	Stage    Action = "stage"     // a successor is made and made known
	Activate Action = "activate"  // the successor takes over, its predecessor retires
	MarkDue  Action = "mark-due"  // a key whose last token is dead is marked: the first look
	Retire   Action = "retire"    // the predecessor of an activated key; part of an Activate
	ClearDue Action = "clear-due" // the mark is taken back: it came from a clock that is ahead
	Destroy  Action = "destroy"   // its key material is erased: the second look
)

// Step is one step of a rotation, done or to come.
type Step struct {
	Action  Action    `json:"action"`
	Use     keys.Use  `json:"use,omitempty"`     // the use of the key
	KeyID   string    `json:"kid,omitempty"`     // empty for a Stage to come
	Retires string    `json:"retires,omitempty"` // the kid that an Activate retires
	At      time.Time `json:"at,omitzero"`       // when it is due
}

// next returns the step that is due first, by now or later. All decisions of a rotation are
// made here: a pure function of the document and the time, safe to run in any number of
// processes.
func (d *document) next(now time.Time, uses ...keys.Use) (Step, bool) {
	steps := slices.DeleteFunc(d.steps(now), func(s Step) bool {
		return len(uses) != 0 && !slices.Contains(uses, s.Use)
	})
	if len(steps) == 0 {
		return Step{Action: Nothing}, false
	}
	first := slices.MinFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return first, !first.At.After(now)
}

// steps returns the next step of every key and of every use.
func (d *document) steps(now time.Time) []Step {
	var steps []Step
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		if s, ok := d.succession(u); ok {
			steps = append(steps, s)
		}
	}
	for i := range d.Keys {
		if s, ok := d.Keys[i].ending(now); ok {
			steps = append(steps, s)
		}
	}
	return steps
}

// succession returns the next step towards a new active key: stage one if there is
// none, else activate it when its window and the period of the active one are
// over.
func (d *document) succession(u keys.Use) (Step, bool) {
	active, staged := d.find(u, Active), d.find(u, Staged)
	switch {
	case active == nil && staged == nil:
		return Step{}, false
	case staged == nil && d.held() >= maxHeld:
		return Step{}, false // until a retired key is destroyed
	case staged == nil:
		return Step{Action: Stage, Use: u, At: active.Activated}, true
	}
	s := Step{Action: Activate, Use: u, KeyID: staged.ID, At: staged.ready()}
	if active != nil {
		s.Retires = active.ID
		s.At = latest(s.At, active.Activated.Add(d.Policy.period(u)))
	}
	return s, true
}

// ready returns when a staged key may become active: by then its public half has
// reached every verifier, or its private half every opener.
func (r *record) ready() time.Time {
	w := r.Windows.windows()
	if r.Use == keys.UseSig {
		return r.Created.Add(w.SignAhead)
	}
	return r.Created.Add(w.EncAhead)
}

// ending returns the next step towards the end of a key that is out of use.
func (r *record) ending(now time.Time) (Step, bool) {
	from := r.Retired
	switch {
	case r.State == Retired:
	case r.State == Revoked && len(r.JWK) != 0:
		// No sender has sealed to it since it retired, if it did.
		if from.IsZero() {
			from = r.Ended
		}
	default:
		return Step{}, false
	}
	w := r.Windows.windows()
	end := from.Add(w.EncKept)
	if r.Use == keys.UseSig {
		end = from.Add(w.SignKept)
	}
	s := Step{Use: r.Use, KeyID: r.ID}
	switch {
	case r.Due.Before(end):
		// Never found due, or before its windows grew.
		s.Action, s.At = MarkDue, end
	case now.Before(r.Due.Add(-time.Duration(r.Windows.ClockSkew))):
		// The process that found it due had a clock further ahead than the policy
		// allows. Within the skew two healthy clocks would clear each other's marks for
		// ever.
		s.Action, s.At = ClearDue, now
	default:
		// A whole window after the first look, not only the R that two looks need:
		// if the clock that retired the key was behind, even by days, the window is
		// over by the clock of the first look.
		s.Action, s.At = Destroy, r.Due.Add(end.Sub(from))
	}
	return s, true
}

// apply does a step. A Stage takes the record of a fresh key.
func (d *document) apply(s Step, fresh record, now time.Time) error {
	switch s.Action {
	case Stage:
		d.add(fresh, now)
		return nil
	case Activate:
		return d.activate(s.KeyID, now)
	}
	r := d.byID(s.KeyID)
	if r == nil {
		return fmt.Errorf("%w: kid %s", keys.ErrNoKey, jwk.Quote(s.KeyID))
	}
	switch s.Action {
	case MarkDue:
		r.Due = utc(now)
	case ClearDue:
		r.Due = time.Time{}
	case Destroy:
		if r.State == Retired {
			r.State, r.Ended = Destroyed, utc(now)
		}
		r.erase()
	}
	return nil
}

// erase leaves a tombstone, which a ring keeps for ever: a small one.
func (r *record) erase() { r.JWK, r.Windows, r.Due = nil, windowDocument{}, time.Time{} }

// activate makes a staged key active and retires the one that was. Of a signing
// key the private half is erased in the same write.
func (d *document) activate(kid string, now time.Time) error {
	next := d.byID(kid)
	if next == nil || next.State != Staged {
		return fmt.Errorf("%w: kid %s is not staged", ErrState, jwk.Quote(kid))
	}
	if old := d.find(next.Use, Active); old != nil {
		if err := old.retire(now); err != nil {
			return err
		}
	}
	next.State, next.Activated = Active, utc(now)
	return nil
}

func (r *record) retire(now time.Time) error {
	if r.Use == keys.UseSig {
		k, err := r.key()
		if err != nil {
			return err
		}
		if r.JWK, err = publicJWK(k); err != nil {
			return err
		}
	}
	r.State, r.Retired = Retired, utc(now)
	return nil
}

// find returns the oldest key of a use in a state.
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
