package keyring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

func TestRotateYear(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	done := make(map[Action]int)
	checked := 0
	for range 365 * 24 {
		c.advance(time.Hour)
		steps := doDueSteps(t, r)
		for _, s := range steps {
			done[s.Action]++
			if s.KeyID == "" || !s.At.Equal(c.now()) {
				t.Errorf("done: %+v", s)
			}
		}
		if n := store.generations(); n != checked {
			checked = n
			for u, counts := range checkGeneration(t, storedIn(t, store)) {
				if counts[Staged] != 1 {
					t.Errorf("%d staged keys for %s", counts[Staged], u)
				}
			}
		}
	}
	checkHistory(t, store.written)
	// There are 12 periods of signing keys and 4 of decryption keys. Each of the three waits of a
	// key has its first look. For each use two keys, the active one and its successor, are between
	// theirs.
	want := map[Action]int{Activate: 16, Stage: 16, MarkDue: 3*16 + 2, Destroy: 16}
	if fmt.Sprint(done) != fmt.Sprint(want) {
		t.Errorf("steps %v, want %v", done, want)
	}
	if n, want := len(store.written), 1+6*16+2; n != want {
		t.Errorf("%d generations, want %d: a look must not write", n, want)
	}

	// The log has the steps. A second look at the same time does nothing.
	log := must(r.Log(t.Context()))(t)
	logged := make(map[string]int)
	for _, e := range log {
		logged[e.What]++
		if e.What != "create" && e.KeyID == "" {
			t.Errorf("logged without a kid: %+v", e)
		}
	}
	if logged["activate"] != 16 || logged["retire"] != 16 || logged["stage"] != 16 || logged["destroy"] != 16 {
		t.Errorf("log %v", logged)
	}
	step, due, err := r.NextStep(t.Context())
	if err != nil || due {
		t.Fatalf("next %+v, due %t, %v", step, due, err)
	}
	for range 3 {
		if s := must(r.Rotate(t.Context()))(t); s != (Step{Action: Nothing, At: step.At}) {
			t.Errorf("nothing is due: %+v, next at %v", s, step.At)
		}
	}
	if n := len(store.written); n != 99 {
		t.Errorf("%d generations after looks", n)
	}
	c.advance(step.At.Sub(c.now()) - 1)
	if s := must(r.Rotate(t.Context()))(t); s.Action != Nothing {
		t.Errorf("a nanosecond early: %+v", s)
	}
	c.advance(1)
	if s := must(r.Rotate(t.Context()))(t); s.Action != step.Action || s.KeyID != step.KeyID {
		t.Errorf("did %+v, want %+v", s, step)
	}
}

// Every key tells its next step.
func TestRotateKeysTellTheirNextStep(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	for _, k := range must(r.Keys(t.Context()))(t) {
		period := 30 * day
		if k.Use == keys.UseEnc {
			period = 90 * day
		}
		want := Activate
		if k.State == Active {
			want = Retire
		}
		if k.Next != want || !k.NextAt.Equal(startPlus(period)) {
			t.Errorf("%s %s key: %s at %v", k.State, k.Use, k.Next, k.NextAt)
		}
	}
}

// A caller may handle one use only. Then the ring behaves as if it had no keys of the other use.
func TestRotateOneUse(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	c.advance(90*day - encAhead)
	for _, want := range []Action{MarkDue, MarkDue, Nothing} {
		if s := must(r.Rotate(t.Context(), keys.UseEnc))(t); s.Action != want || want != Nothing && s.Use != keys.UseEnc {
			t.Errorf("did %+v, want %s", s, want)
		}
	}
	c.advance(encAhead)
	for _, want := range []Action{Activate, Stage, Nothing} {
		if s := must(r.Rotate(t.Context(), keys.UseEnc))(t); s.Action != want || want != Nothing && s.Use != keys.UseEnc {
			t.Errorf("did %+v, want %s", s, want)
		}
	}
	step, due, err := r.NextStep(t.Context(), keys.UseEnc)
	if want := c.now().Add(encAhead); err != nil || due || step.Action != MarkDue || !step.At.Equal(want) {
		t.Errorf("next %+v, due %t, %v", step, due, err)
	}
	step, due, err = r.NextStep(t.Context(), keys.UseSig, keys.UseEnc)
	if err != nil || !due || step.Action != MarkDue || step.Use != keys.UseSig {
		t.Errorf("next %+v, due %t, %v", step, due, err)
	}
	if s := must(r.Rotate(t.Context(), "none"))(t); s != (Step{Action: Nothing}) {
		t.Errorf("did %+v", s)
	}
}

// A use that is added later waits for its window, like any successor.
func TestRotateAddedUse(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := must(createAt(t.Context(), Config{Store: store, KEK: rawKey(t), Uses: []keys.Use{keys.UseSig}}, c.now))(t)
	k := generated(t, keys.ECDHES)
	for _, s := range []State{Destroyed, Revoked, "", "other"} {
		wantError(t, r.importOwn(t.Context(), k, s), ErrState)
	}
	wantError(t, r.importOwn(t.Context(), generated(t, keys.ES256), Active), ErrState)
	if err := r.importOwn(t.Context(), k, Staged); err != nil {
		t.Fatal(err)
	}
	_, err := r.RotateNow(t.Context(), keys.UseEnc)
	wantError(t, err, ErrWindow)
	c.advance(encAhead - 1)
	if steps := doDueSteps(t, r); len(steps) != 0 {
		t.Errorf("a nanosecond early: %+v", steps)
	}
	c.advance(1)
	if steps := doDueSteps(t, r); len(steps) != 1 || steps[0].Action != MarkDue || steps[0].KeyID != k.ID() {
		t.Errorf("did %+v", steps)
	}
	c.advance(encAhead)
	steps := doDueSteps(t, r)
	if len(steps) != 2 || steps[0].KeyID != k.ID() || steps[0].Retires != "" || steps[1].Action != Stage {
		t.Errorf("did %+v", steps)
	}
	checkGeneration(t, storedIn(t, store))

	// A key from another system becomes active at once if its owner insists.
	old := storedIn(t, store).activeID(keys.UseSig)
	foreign := generated(t, keys.EdDSA)
	if err := r.importOwnInsecurely(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	d := storedIn(t, store)
	checkGeneration(t, d)
	if d.activeID(keys.UseSig) != foreign.ID() || d.byID(old).State != Retired {
		t.Error("it did not take over")
	}
}

// A key that cannot be retired is not replaced, because its private key would stay.
func TestRotateNeedsTheOldKey(t *testing.T) {
	d := bareDocument(bareRecord("a", keys.UseSig, Active, func(r *record) { r.Suite = "none" }))
	if err := d.byID("a").retire(testStart); err == nil {
		t.Error("it was retired")
	}
	d.Policy.Sig.Suite = "none"
	_, err := d.freshKey(keys.UseSig, record{})
	wantError(t, err, ErrPolicy)
	if d.activeID(keys.UseEnc) != "" {
		t.Error("there is no decryption key")
	}
}

func TestRotateWindowErrorRoundsUp(t *testing.T) {
	for _, tt := range []struct {
		until time.Duration
		want  string
	}{{0, "12:00:00Z"}, {1, "12:00:01Z"}, {time.Second - 1, "12:00:01Z"}, {time.Second, "12:00:01Z"}} {
		if text := (&WindowError{"k", startPlus(tt.until)}).Error(); !strings.Contains(text, tt.want) {
			t.Errorf("%v: %s", tt.until, text)
		}
	}
}
