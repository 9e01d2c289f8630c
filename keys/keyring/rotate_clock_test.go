package keyring

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// The clock of one rotator is a day ahead, and another rotator looks too. No key is destroyed
// early.
func TestRotateClockAhead(t *testing.T) {
	c, store := newClock(), newTestStore()
	good := newRing(t, store, c.now)
	bad := openRing(t, store, c.off(day))
	passPeriod(t, c, good, 30*day)
	doDueSteps(t, good)
	retired := storedIn(t, store).find(keys.UseSig, Retired)
	marked, cleared := 0, 0
	for range 100 {
		c.advance(2 * time.Minute)
		for _, r := range []*Ring{bad, good} {
			for _, s := range doDueSteps(t, r) {
				switch s.Action {
				case MarkDue:
					marked++
				case ClearDue:
					cleared++
				case Destroy, Activate:
					if s.KeyID == retired.ID && c.now().Before(retired.Retired.Add(signKept)) {
						t.Fatalf("%+v, %v after retirement", s, c.now().Sub(retired.Retired))
					}
				}
			}
		}
	}
	if marked == 0 || cleared == 0 {
		t.Errorf("%d marks, %d cleared", marked, cleared)
	}
}

// A clock jumps once and is right again. The mark that the jump left is cleared, and the key lives
// through its window.
func TestRotateClockJump(t *testing.T) {
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		var jump time.Duration
		c, store := newClock(), newTestStore()
		r := newRing(t, store, func() time.Time { return c.now().Add(jump) })
		c.advance(2 * day)
		must(r.RotateNow(t.Context(), u))(t)
		doDueSteps(t, r)
		id := storedIn(t, store).find(u, Retired).ID
		end := c.now().Add(map[keys.Use]time.Duration{keys.UseSig: signKept, keys.UseEnc: encKept}[u])

		jump = 27 * time.Hour
		looks := doDueSteps(t, r) // at the new successor too, and at the staged enc key
		if len(looks) == 0 || !slices.ContainsFunc(looks, func(s Step) bool { return s.KeyID == id }) || slices.ContainsFunc(looks, func(s Step) bool { return s.Action != MarkDue }) {
			t.Fatalf("while ahead: %+v", looks)
		}
		c.advance(30 * time.Minute)
		if steps := doDueSteps(t, r); len(steps) != 0 {
			t.Fatalf("half an hour later: %+v", steps)
		}
		jump = 0
		if steps := doDueSteps(t, r); len(steps) != len(looks) || slices.ContainsFunc(steps, func(s Step) bool { return s.Action != ClearDue }) {
			t.Fatalf("back again: %+v", steps)
		}
		var due, destroyed time.Time
		for range 4 * 24 * 60 {
			c.advance(time.Minute)
			for _, s := range doDueSteps(t, r) {
				switch {
				case s.KeyID == id && s.Action == MarkDue:
					due = c.now()
				case s.KeyID == id && s.Action == Destroy:
					destroyed = c.now()
				}
			}
			if !destroyed.IsZero() {
				break
			}
		}
		window := map[keys.Use]time.Duration{keys.UseSig: signKept, keys.UseEnc: encKept}[u]
		if !due.Equal(end) || !destroyed.Equal(end.Add(window)) {
			t.Errorf("%s: due %v and destroyed %v, want %v and %v later", u, due, destroyed, end, window)
		}
		checkHistory(t, store.written)
	}
}

// A clock that was set back reactivates no key, and destroys none before a whole window of true
// time.
func TestRotateClockBehind(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	for range 40 {
		c.advance(day)
		doDueSteps(t, r)
	}
	must(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	late, retired := openRing(t, store, c.off(-day)), c.now()
	for range 24 * 60 {
		for _, s := range doDueSteps(t, late) {
			destroys := s.Action == Destroy && s.Use == keys.UseSig && c.now().Sub(retired) >= signKept
			if s.Action != Stage && s.Action != MarkDue && !destroys {
				t.Errorf("a day behind it did %+v", s)
			}
		}
		c.advance(time.Minute)
	}
	checkHistory(t, store.written)
}

// Whatever the clocks say within the skew, and whichever process looks: no key is destroyed before
// its window of true time is over.
func TestRotateClockSkew(t *testing.T) {
	policy := Policy{}.withDefaults()
	kept := map[keys.Use]time.Duration{keys.UseSig: signKept, keys.UseEnc: encKept}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 3))
		skewed := func(t time.Time) time.Time {
			return t.Add(time.Duration(random.Int64N(int64(2*policy.ClockSkew)+1)) - policy.ClockSkew)
		}
		d := bareDocument(
			bareRecord("sig", keys.UseSig, Retired, func(r *record) { r.Retired, r.JWK = skewed(testStart), json.RawMessage("{}") }),
			bareRecord("enc", keys.UseEnc, Retired, func(r *record) { r.Retired, r.JWK = skewed(testStart), json.RawMessage("{}") }),
			bareRecord("rev", keys.UseEnc, Revoked, func(r *record) { r.Ended, r.JWK = skewed(testStart), json.RawMessage("{}") }),
		)
		now := testStart
		for now.Before(startPlus(4 * day)) {
			// Most looks are close to a step.
			if s, ok := d.next(now); !ok && s.At.Sub(now) > 3*time.Minute {
				now = s.At.Add(-3 * time.Minute)
			}
			now = now.Add(time.Duration(random.Int64N(int64(time.Minute))))
			clock := skewed(now)
			s, due := d.next(clock)
			if !due {
				if s.Action == Nothing {
					break
				}
				continue
			}
			if s.Action == Destroy && now.Before(startPlus(kept[s.Use])) {
				t.Fatalf("seed %d: %s destroyed %v after its retirement", seed, s.KeyID, now.Sub(testStart))
			}
			if err := d.apply(s, record{}, clock); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range d.Keys {
			if len(r.JWK) != 0 {
				t.Fatalf("seed %d: %s was never destroyed", seed, r.ID)
			}
		}
	}
}

// A clock that is a day behind dates the retirement of a key a day too early. The tokens of that
// key stay valid all the same.
func TestRotateClockBehindRetires(t *testing.T) {
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		var behind time.Duration
		c, store := newClock(), newTestStore()
		late := newRing(t, store, func() time.Time { return c.now().Add(-behind) })
		good := openRing(t, store, c.now)
		c.advance(40 * day)
		doDueSteps(t, good)
		c.advance(2 * day)
		doDueSteps(t, good)
		behind = day
		s := must(late.RotateNowInsecurely(t.Context(), u))(t)
		retired := c.now()
		for range 4 * 24 * 6 {
			c.advance(10 * time.Minute)
			doDueSteps(t, good)
			k := storedIn(t, store).byID(s.Retires)
			if kept := map[keys.Use]time.Duration{keys.UseSig: signKept, keys.UseEnc: encKept}[u]; len(k.JWK) == 0 && c.now().Sub(retired) < kept {
				t.Fatalf("the %s key was destroyed %v after it retired", u, c.now().Sub(retired))
			}
		}
		if k := storedIn(t, store).byID(s.Retires); k.State != Destroyed {
			t.Errorf("%s: %s in the end", u, k.State)
		}
	}
}

// The clock of a host is in another decade. The host does all steps that are due by its clock,
// once. They do no harm: the active key is one that verifiers have in their caches, no private key
// is erased, and the hosts with right clocks go on in time.
func TestRotateClockInAnotherDecade(t *testing.T) {
	for _, off := range []time.Duration{10 * 365 * day, -10 * 365 * day} {
		c, store := newClock(), newTestStore()
		good := newRing(t, store, c.now)
		must(good.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
		cached := must(good.PublicKeys(t.Context(), ""))(t)
		doDueSteps(t, good)
		before := storedIn(t, store)
		doDueSteps(t, openRing(t, store, c.off(off)))

		after := storedIn(t, store)
		if kid := after.activeID(keys.UseSig); !cached.HasVerificationKey(kid) {
			t.Errorf("off by %v: %s signs, which no verifier has", off, kid)
		}
		for _, k := range before.Keys {
			if now := after.byID(k.ID); holdsPrivate(t, k) != holdsPrivate(t, *now) || now.State != k.State {
				t.Errorf("off by %v: the %s %s key is %s", off, k.State, k.Use, now.State)
			}
		}
		if kid := after.find(keys.UseSig, Staged).ID; off > 0 && !slices.ContainsFunc(must(good.Keys(t.Context()))(t), func(k KeyInfo) bool { return k.ID == kid && !k.WrongDate.IsZero() }) {
			t.Errorf("off by %v: the record of the look at %s is not reported", off, kid)
		}
		for range 31 * 24 {
			c.advance(time.Hour)
			doDueSteps(t, good)
		}
		if d := storedIn(t, store); d.activeID(keys.UseSig) == after.activeID(keys.UseSig) {
			t.Errorf("off by %v: the signing key of a month ago is active", off)
		}
		must(good.RotateNow(t.Context(), keys.UseEnc))(t)
		checkHistory(t, store.written)
	}
}
