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
	beforeAll = -1000 * day // long before the first step
	endless   = time.Duration(1<<63 - 1)
)

// keyLife has the true times of one key, since the start of the simulation. No party knows them,
// because each writer reads its own clock.
type keyLife struct{ created, activated, retired, removed time.Duration }

// policyEpoch is a policy and the time from which it is in force.
type policyEpoch struct {
	since time.Duration
	Policy
}

// ringHistory holds the policies and the keys that one ring had in the whole simulation.
type ringHistory struct {
	epochs []policyEpoch
	lives  map[keys.Use][]keyLife // in the order of their activation
}

// shortening has the fraction by which the simulation shortens each window. The simulation tells the
// rotation an earlier start of the window than the true one, and does not change the code under test.
type shortening struct{ signAhead, signKept, encAhead, encKept float64 }

// extremes draws random values. It favours the least and the greatest value, because violations
// occur there.
type extremes struct{ *rand.Rand }

func (r extremes) upTo(d time.Duration) time.Duration {
	switch n := r.IntN(10); {
	case d <= 0 || n < 4:
		return 0
	case n < 8:
		return d
	}
	return time.Duration(r.Int64N(int64(d) + 1))
}

// epochsOf returns the time from which each policy is in force, and the end of the last one. A policy
// is in force for many rotations, and until no party holds a key set from the policy before it.
func epochsOf(policies []Policy) (epochs []policyEpoch, end time.Duration) {
	var before Policy
	for _, p := range policies {
		epochs = append(epochs, policyEpoch{end, p})
		end += max(40*p.Windows().SignAhead, 3*before.Windows().EncKept)
		before = p
	}
	epochs[0].since = 2 * beforeAll
	return epochs, end
}

// simulateRing runs a ring under policies that follow each other. Most periods are so short that the
// windows decide, as if a caller used RotateNow whenever the ring allows it. The other periods are
// longer than the windows.
func simulateRing(t testing.TB, policies []Policy, short shortening, seed uint64) ringHistory {
	t.Helper()
	random := extremes{rand.New(rand.NewPCG(seed, 1))}
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
	epochs, end := epochsOf(policies)
	policy, later := policies[0], epochs[1:]
	d := &document{Version: documentVersion, Policy: hurried(policy)}
	p := ringHistory{epochs: epochs, lives: make(map[keys.Use][]keyLife)}
	lives := make(map[string]*keyLife)
	var order []string
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		for _, s := range []State{Active, Staged} {
			k := must(newKey(policy.forUse(u).Suites[0], s))(t)
			d.add(k, start)
			life := &keyLife{0, endless, endless, endless}
			if s == Active { // every party has it from long before
				life.created, life.activated = 2*beforeAll, beforeAll
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
			lives[fresh.ID], order = &keyLife{now, endless, endless, endless}, append(order, fresh.ID)
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
				r.Created = r.Created.Add(fraction(short.signAhead, w.SignAhead))
			} else {
				r.Created = r.Created.Add(fraction(short.encAhead, w.EncAhead))
			}
		case Activate:
			d.Policy = hurried(policy)
			life.activated, lives[s.Retires].retired = now, now
			old := d.byID(s.Retires)
			w := old.Windows.Windows()
			if s.Use == keys.UseSig {
				old.Retired = old.Retired.Add(fraction(short.signKept, w.SignKept))
			} else {
				old.Retired = old.Retired.Add(fraction(short.encKept, w.EncKept))
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
		if lives[kid].activated != endless {
			p.lives[u] = append(p.lives[u], *lives[kid])
		}
	}
	return p
}

func (p *ringHistory) policyAt(at time.Duration) *Policy {
	i := len(p.epochs) - 1
	for i > 0 && p.epochs[i].since > at {
		i--
	}
	return &p.epochs[i].Policy
}

// active returns the key that is active in a snapshot of a time.
func (p *ringHistory) active(u keys.Use, at time.Duration) *keyLife {
	lives := p.lives[u]
	i, found := slices.BinarySearchFunc(lives, at, func(l keyLife, at time.Duration) int { return cmp.Compare(l.activated, at) })
	if !found {
		i--
	}
	return &lives[max(i, 0)]
}

// behind draws the state of a ring that a party has at a time. oldest returns the greatest age of
// that state under a policy.
func (p *ringHistory) behind(at time.Duration, oldest func(*Policy) time.Duration, random extremes) time.Duration {
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

// snapshotAge returns the greatest age of a ring's snapshot in a process.
func snapshotAge(p *Policy) time.Duration { return p.SnapshotAge }

// publishedAge returns the greatest age of a published JWK Set in a cache.
func publishedAge(p *Policy) time.Duration { return p.SnapshotAge + p.PublishLag + p.CacheAge }

// violationCounts counts the tokens that a party refused or could not open. A verifier does not have
// the key yet or any more, or an opener does not have the key yet or any more.
type violationCounts struct{ signEarly, signGone, encMissing, encGone int }

func (v *violationCounts) add(o violationCounts) {
	v.signEarly += o.signEarly
	v.signGone += o.signGone
	v.encMissing += o.encMissing
	v.encGone += o.encGone
}

// drawTokens draws n tokens from an issuer to a recipient, and counts those that fail. If both are
// one ring, the parties use its snapshots and no cached set.
func drawTokens(issuer, recipient *ringHistory, n int, random extremes) (v violationCounts) {
	seen := publishedAge
	if issuer == recipient {
		seen = snapshotAge
	}
	for range n {
		// One of the two keys comes from the state at a rotation, or from the moment before it.
		var signer, set, at time.Duration
		if random.IntN(2) == 0 {
			signer = drawRotation(issuer, keys.UseSig, random)
			at = signer + random.upTo(issuer.policyAt(signer).SnapshotAge)
			set = recipient.behind(at, seen, random)
		} else {
			set = drawRotation(recipient, keys.UseEnc, random)
			at = set + random.upTo(seen(recipient.policyAt(set)))
			signer = issuer.behind(at, snapshotAge, random)
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
		opener := recipient.behind(opened, snapshotAge, random)
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

// drawRotation returns the time at which a key became active, the moment before it, or any time in
// the period that ended then.
func drawRotation(p *ringHistory, u keys.Use, random extremes) time.Duration {
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

// simulateTokens draws n tokens, half of them between two rings and half within one ring.
func simulateTokens(t testing.TB, policies []Policy, short shortening, n int) violationCounts {
	t.Helper()
	const workers = 4
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total violationCounts
	)
	for i := range uint64(workers) {
		issuer := simulateRing(t, policies, short, 2*i)
		recipient := simulateRing(t, policies, short, 2*i+1)
		wg.Go(func() {
			random := extremes{rand.New(rand.NewPCG(i, 2))}
			v := drawTokens(&issuer, &recipient, n/workers/2, random)
			v.add(drawTokens(&issuer, &issuer, n/workers/2, random))
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
	shrinkWindows(&small)
	quick := Policy{
		TokenLifetime: 15 * time.Minute, Leeway: time.Minute, ClockSkew: time.Minute, CacheAge: time.Hour,
		PublishLag: 30 * time.Second, SnapshotAge: 30 * time.Second,
	}.withDefaults()
	var none violationCounts

	// With the windows of the policy there is no violation.
	for name, policies := range map[string][]Policy{
		"shipped":                  {shipped},
		"quick":                    {quick},
		"shrinks":                  {shipped, small},
		"grows":                    {small, shipped},
		"shrinks, grows, in turns": {shipped, small, shipped, quick, small, shipped},
	} {
		t.Run(name, func(t *testing.T) {
			if v := simulateTokens(t, policies, shortening{}, n); v != none {
				t.Errorf("of %d tokens %+v are hurt", n, v)
			}
		})
	}

	// Every window must be this long.
	for name, tt := range map[string]struct {
		short shortening
		only  func(*violationCounts) *int
	}{
		"SignAhead 1% short":  {shortening{signAhead: 0.01}, func(v *violationCounts) *int { return &v.signEarly }},
		"SignKept 1% short":   {shortening{signKept: 0.01}, func(v *violationCounts) *int { return &v.signGone }},
		"EncAhead 5% short":   {shortening{encAhead: 0.05}, func(v *violationCounts) *int { return &v.encMissing }},
		"EncKept 1% short":    {shortening{encKept: 0.01}, func(v *violationCounts) *int { return &v.encGone }},
		"no publishing ahead": {shortening{signAhead: 1}, func(v *violationCounts) *int { return &v.signEarly }},
		"enc kept for T only": {shortening{encKept: 0.96}, func(v *violationCounts) *int { return &v.encGone }},
	} {
		t.Run(name, func(t *testing.T) {
			n := n / 2
			v := simulateTokens(t, []Policy{shipped}, tt.short, n)
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
