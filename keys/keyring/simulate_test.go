package keyring

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// The simulation asks whether a valid token can ever be refused because of a rotation. The rings
// make real decisions: step, apply and setPolicy work on documents with real keys, at the worst
// times that they allow. All other parties are simulated, and each is as slow as the policy permits:
//
//	writers     have clocks that differ by up to S
//	signers     use a snapshot up to R old, and sign for up to T
//	publishers  are up to R behind, and their sets arrive up to D later
//	verifiers   and sealers cache a JWK Set for up to C; verifiers allow L
//	openers     use a snapshot up to R old
//
// The first look that finds a wait over counts for all parties: a key becomes active, or is
// destroyed, at once. The second look protects against wrong clocks (simulate_clocks_test.go). The
// windows must hold without it.

const (
	rotAlways = -1000 * day // long before the first step
	rotNever  = time.Duration(1<<63 - 1)
)

// rotLife has the true times of one key, since the start of the simulation. No party knows them:
// each writer sees them by its own clock.
type rotLife struct{ created, activated, retired, removed time.Duration }

// rotEpoch is a policy with the time from which it is in force.
type rotEpoch struct {
	since time.Duration
	Policy
}

// rotParty holds one ring at every time.
type rotParty struct {
	epochs []rotEpoch
	lives  map[keys.Use][]rotLife // in the order of their activation
}

// rotShort shortens windows by a fraction: it tells the rotation an earlier start of the window
// than the true one. The code under test is not changed.
type rotShort struct{ i1, i2, i3, i4 float64 }

// rotChance favours extremes, because violations occur there.
type rotChance struct{ *rand.Rand }

func (r rotChance) upTo(d time.Duration) time.Duration {
	switch n := r.IntN(10); {
	case d <= 0 || n < 4:
		return 0
	case n < 8:
		return d
	}
	return time.Duration(r.Int64N(int64(d) + 1))
}

// rotEpochs returns the time from which each policy is in force. A policy is in force for many
// rotations, and until no party holds anything from the time of the one before it. The last epoch
// is the end.
func rotEpochs(policies []Policy) (epochs []rotEpoch, end time.Duration) {
	var before Policy
	for _, p := range policies {
		epochs = append(epochs, rotEpoch{end, p})
		end += max(40*p.Windows().SignAhead, 3*before.Windows().EncKept)
		before = p
	}
	epochs[0].since = 2 * rotAlways
	return epochs, end
}

// rotLive runs a ring under policies that follow each other. Now and then a period is over in time,
// but most are so short that the windows decide, as if a caller used RotateNow whenever it is
// allowed.
func rotLive(t testing.TB, policies []Policy, short rotShort, seed uint64) rotParty {
	t.Helper()
	random := rotChance{rand.New(rand.NewPCG(seed, 1))}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	hurried := func(p Policy) policyDocument {
		doc := newPolicyDocument(p)
		for _, period := range []*window.Duration{&doc.Sig.Period, &doc.Enc.Period} {
			if *period = 1; random.IntN(4) == 0 {
				*period = window.Duration(3 * p.Windows().SignAhead)
			}
		}
		return doc
	}
	epochs, end := rotEpochs(policies)
	policy, later := policies[0], epochs[1:]
	d := &document{Version: documentVersion, Policy: hurried(policy)}
	p := rotParty{epochs: epochs, lives: make(map[keys.Use][]rotLife)}
	lives := make(map[string]*rotLife)
	var order []string
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		for _, s := range []State{Active, Staged} {
			k := must(newKey(policy.forUse(u).Suites[0], s))(t)
			d.add(k, start)
			life := &rotLife{0, rotNever, rotNever, rotNever}
			if s == Active { // every party has it from long before
				life.created, life.activated = 2*rotAlways, rotAlways
			}
			lives[k.ID], order = life, append(order, k.ID)
		}
	}
	uses := make(map[string]keys.Use)
	now := time.Duration(0) // true time
	for steps := 0; now < end; steps++ {
		if steps > 100_000 {
			t.Fatalf("it stands still after %v", now)
		}
		// The next writer acts as soon as its clock allows, or somewhat later.
		skew := random.upTo(policy.ClockSkew)
		s, due := d.next(start.Add(now + skew))
		at := now
		if !due {
			at = s.At.Sub(start) - skew
			if random.IntN(4) == 0 {
				at += random.upTo(10 * time.Minute)
			}
		}
		if len(later) != 0 && at >= later[0].since {
			now, policy, later = later[0].since, later[0].Policy, later[1:]
			d.setPolicy(hurried(policy), start.Add(now+random.upTo(policy.ClockSkew)))
			continue
		}
		now = at
		clock := start.Add(now + skew)
		var fresh record
		if s.Action == Stage {
			fresh = must(newKey(policy.forUse(s.Use).Suites[0], Staged))(t)
			s.KeyID = fresh.ID
			lives[fresh.ID], order = &rotLife{now, rotNever, rotNever, rotNever}, append(order, fresh.ID)
		}
		if err := d.apply(s, fresh, clock); err != nil {
			t.Fatal(err)
		}
		if next, ok := d.successor(s.Use); ok && next.Action == Activate && s.Action == MarkDue &&
			!d.byID(next.KeyID).Due.IsZero() && !d.byID(next.Retires).Due.IsZero() && d.byID(s.KeyID).State != Retired {
			if s = next; d.activate(s.KeyID, clock) != nil {
				t.Fatal("it cannot be activated")
			}
		}
		r := d.byID(s.KeyID)
		uses[s.KeyID] = s.Use
		life, w := lives[s.KeyID], r.Windows.Windows()
		fraction := func(f float64, d time.Duration) time.Duration { return -time.Duration(f * float64(d)) }
		switch s.Action {
		case Stage:
			if s.Use == keys.UseSig {
				r.Created = r.Created.Add(fraction(short.i1, w.SignAhead))
			} else {
				r.Created = r.Created.Add(fraction(short.i3, w.EncAhead))
			}
		case Activate:
			d.Policy = hurried(policy)
			life.activated, lives[s.Retires].retired = now, now
			old := d.byID(s.Retires)
			w := old.Windows.Windows()
			if s.Use == keys.UseSig {
				old.Retired = old.Retired.Add(fraction(short.i2, w.SignKept))
			} else {
				old.Retired = old.Retired.Add(fraction(short.i4, w.EncKept))
			}
		case MarkDue, Destroy:
			if r.State == Retired || r.State == Destroyed {
				life.removed = min(life.removed, now)
			}
		}
		d.Keys = slices.DeleteFunc(d.Keys, func(r record) bool { return r.State == Destroyed })
	}
	for i, kid := range order {
		u := uses[kid]
		if i < 4 { // two of each use, in this order
			u = []keys.Use{keys.UseSig, keys.UseEnc}[i/2]
		}
		if lives[kid].activated != rotNever {
			p.lives[u] = append(p.lives[u], *lives[kid])
		}
	}
	return p
}

func (p *rotParty) policyAt(at time.Duration) *Policy {
	i := len(p.epochs) - 1
	for i > 0 && p.epochs[i].since > at {
		i--
	}
	return &p.epochs[i].Policy
}

// active returns the key that is active in a snapshot of a time.
func (p *rotParty) active(u keys.Use, at time.Duration) *rotLife {
	lives := p.lives[u]
	i, found := slices.BinarySearchFunc(lives, at, func(l rotLife, at time.Duration) int { return cmp.Compare(l.activated, at) })
	if !found {
		i--
	}
	return &lives[max(i, 0)]
}

// behind draws the state of a ring that a party has at a time. oldest returns the greatest age of
// that state under a policy.
func (p *rotParty) behind(at time.Duration, oldest func(*Policy) time.Duration, random rotChance) time.Duration {
	i := random.IntN(len(p.epochs))
	for p.epochs[i].since > at {
		i--
	}
	last := at // the end of this policy
	if i+1 < len(p.epochs) {
		last = min(at, p.epochs[i+1].since-1)
	}
	first := max(p.epochs[i].since, at-oldest(&p.epochs[i].Policy))
	if first > last { // no party can have it any more
		return at - random.upTo(min(at, oldest(p.policyAt(at)), at-p.epochs[len(p.epochs)-1].since))
	}
	return last - random.upTo(last-first)
}

func rotSnapshot(p *Policy) time.Duration  { return p.SnapshotAge }
func rotPublished(p *Policy) time.Duration { return p.SnapshotAge + p.PublishLag + p.CacheAge }

// rotViolations counts the tokens that failed, in the four ways in which one can fail.
type rotViolations struct{ signEarly, signGone, encMissing, encGone int }

func (v *rotViolations) add(o rotViolations) {
	v.signEarly += o.signEarly
	v.signGone += o.signGone
	v.encMissing += o.encMissing
	v.encGone += o.encGone
}

// rotTokens draws n tokens from an issuer to a recipient. If both are one ring, its sets come from
// snapshots and not from caches.
func rotTokens(issuer, recipient *rotParty, n int, random rotChance) (v rotViolations) {
	seen := rotPublished
	if issuer == recipient {
		seen = rotSnapshot
	}
	for range n {
		// One of the two keys comes from the state at a rotation, or from the moment before it.
		var signer, set, at time.Duration
		if random.IntN(2) == 0 {
			signer = rotEvent(issuer, keys.UseSig, random)
			at = signer + random.upTo(issuer.policyAt(signer).SnapshotAge)
			set = recipient.behind(at, seen, random)
		} else {
			set = rotEvent(recipient, keys.UseEnc, random)
			at = set + random.upTo(seen(recipient.policyAt(set)))
			signer = issuer.behind(at, rotSnapshot, random)
		}
		sig, enc := issuer.active(keys.UseSig, signer), recipient.active(keys.UseEnc, set)

		// The signer's clock dates the token, and the opener's clock ends it.
		lifetime := random.upTo(issuer.policyAt(signer).TokenLifetime)
		ahead := random.upTo(issuer.policyAt(at).ClockSkew)
		expires := at + ahead + lifetime
		opened := at
		leeway := recipient.policyAt(at).Leeway
		if last := expires + leeway - 1; last > at {
			opened = at + random.upTo(last-at)
		}
		skew := random.upTo(recipient.policyAt(opened).ClockSkew)
		if opened+skew >= expires+leeway {
			opened = expires + leeway - 1 - skew
		}
		if opened < at {
			continue
		}

		verifier := issuer.behind(opened, seen, random)
		opener := recipient.behind(opened, rotSnapshot, random)
		switch {
		case verifier < sig.created:
			v.signEarly++
		case verifier >= sig.removed:
			v.signGone++
		}
		switch {
		case opener < enc.created:
			v.encMissing++
		case opener >= enc.removed:
			v.encGone++
		}
	}
	return v
}

// rotEvent returns a time at which another key became active, or a time just before it.
func rotEvent(p *rotParty, u keys.Use, random rotChance) time.Duration {
	lives := p.lives[u]
	i := 1 + random.IntN(len(lives)-1)
	switch random.IntN(5) {
	case 0, 1:
		return lives[i].activated
	case 2, 3:
		return lives[i].activated - 1
	}
	return lives[i-1].activated + random.upTo(lives[i].activated-lives[i-1].activated)
}

// rotSimulate draws n tokens: half between two rings, half within one.
func rotSimulate(t testing.TB, policies []Policy, short rotShort, n int) rotViolations {
	t.Helper()
	const workers = 4
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total rotViolations
	)
	for i := range uint64(workers) {
		issuer := rotLive(t, policies, short, 2*i)
		recipient := rotLive(t, policies, short, 2*i+1)
		wg.Go(func() {
			random := rotChance{rand.New(rand.NewPCG(i, 2))}
			v := rotTokens(&issuer, &recipient, n/workers/2, random)
			v.add(rotTokens(&issuer, &issuer, n/workers/2, random))
			mu.Lock()
			defer mu.Unlock()
			total.add(v)
		})
	}
	wg.Wait()
	return total
}

func TestSimulation(t *testing.T) {
	n := 1_000_000
	switch {
	case os.Getenv("SEALJWT_LONG") == "1":
		n = 20_000_000
	case testing.Short():
		n = 100_000
	}
	shipped := Policy{}.withDefaults()
	small := Policy{}.withDefaults()
	rotSmall(&small)
	quick := Policy{
		TokenLifetime: 15 * time.Minute, Leeway: time.Minute, ClockSkew: time.Minute, CacheAge: time.Hour,
		PublishLag: 30 * time.Second, SnapshotAge: 30 * time.Second,
	}.withDefaults()
	var none rotViolations

	// With the windows of the policy there is no violation.
	for name, policies := range map[string][]Policy{
		"shipped":                  {shipped},
		"quick":                    {quick},
		"shrinks":                  {shipped, small},
		"grows":                    {small, shipped},
		"shrinks, grows, in turns": {shipped, small, shipped, quick, small, shipped},
	} {
		t.Run(name, func(t *testing.T) {
			if v := rotSimulate(t, policies, rotShort{}, n); v != none {
				t.Errorf("of %d tokens %+v are hurt", n, v)
			}
		})
	}

	// Every window must be this long.
	for name, tt := range map[string]struct {
		short rotShort
		only  func(*rotViolations) *int
	}{
		"I1 1% short":         {rotShort{i1: 0.01}, func(v *rotViolations) *int { return &v.signEarly }},
		"I2 1% short":         {rotShort{i2: 0.01}, func(v *rotViolations) *int { return &v.signGone }},
		"I3 5% short":         {rotShort{i3: 0.05}, func(v *rotViolations) *int { return &v.encMissing }},
		"I4 1% short":         {rotShort{i4: 0.01}, func(v *rotViolations) *int { return &v.encGone }},
		"no publishing ahead": {rotShort{i1: 1}, func(v *rotViolations) *int { return &v.signEarly }},
		"enc kept for T only": {rotShort{i4: 0.96}, func(v *rotViolations) *int { return &v.encGone }},
	} {
		t.Run(name, func(t *testing.T) {
			n := n / 2
			v := rotSimulate(t, []Policy{shipped}, tt.short, n)
			t.Logf("of %d tokens %+v are hurt", n, v)
			if *tt.only(&v) == 0 {
				t.Errorf("no token fails: the simulation proves nothing")
			}
			if *tt.only(&v) = 0; v != none {
				t.Errorf("it hurts others too: %+v", v)
			}
		})
	}
}
