package ringtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Rotations configures [Fleet.Rotate].
type Rotations struct {
	Place     string
	Processes int
	Rotations int            // the number of rotations that fall due
	History   func() History // of the ring at Place
}

// brisk returns a policy whose periods last seconds. A token lives at least a second, because its
// times have no fractions.
func brisk() keyring.Policy {
	const tenth = time.Second / 10
	return keyring.Policy{
		TokenLifetime: 10 * tenth, Leeway: 6 * tenth, ClockSkew: tenth, CacheAge: 3 * tenth, PublishLag: tenth, SnapshotAge: 24 * tenth, MaxAge: tenth,
		Sig: keyring.UsePolicy{Period: 60 * tenth}, Enc: keyring.UsePolicy{Period: 57 * tenth},
	}
}

// Rotate lets many processes rotate one ring, seal with it and open the tokens of all others, and
// kills one after the other. It fails unless every rotation that is due is done once, every
// generation has one active key for each use and suite, and no valid token is refused.
func (f *Fleet) Rotate(r Rotations) {
	t := f.t
	t.Helper()
	ring := f.Create(r.Place, brisk())
	w := &workers{f: f, r: r, running: make([]*Process, r.Processes), activated: make(map[string]int)}
	for i := range w.running {
		w.launch(i)
	}
	began, kills, least := time.Now(), 0, len(active(t, ring))
	for done := 0; done < r.Rotations; {
		time.Sleep(500*time.Millisecond + rand.N(time.Second))
		i := rand.IntN(r.Processes)
		w.running[i].Kill()
		w.launch(i)
		kills++
		done = len(active(t, ring)) - least
		if time.Since(began) > 8*time.Minute {
			t.Fatalf("%d of %d rotations in %v", done, r.Rotations, time.Since(began))
		}
	}
	took := time.Since(began)
	for _, p := range w.running {
		p.Finish()
	}
	w.wg.Wait()
	all := r.History().read(t, f.KEK())
	rotations := checkGenerations(t, all)
	checkWindows(t, brisk(), all)
	w.check(rotations)
	t.Logf("%d processes, %v: %d generations, %d rotations done, %d acknowledged, %d kills; %d tokens sealed, %d opened, %d refused, %d came late; %d errors of Run",
		r.Processes, took.Round(time.Second), len(all), len(rotations), len(w.activated), kills, w.sealed, w.opened, w.refused, w.late, w.errors)
}

// active returns the kids that are or were active.
func active(t testing.TB, ring *keyring.Ring) (kids []string) {
	t.Helper()
	infos, err := ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range infos {
		if k.State != keyring.Staged {
			kids = append(kids, k.ID)
		}
	}
	return kids
}

// workers holds the processes and their output.
type workers struct {
	f       *Fleet
	r       Rotations
	wg      sync.WaitGroup
	running []*Process

	mu                            sync.Mutex
	activated                     map[string]int // how many processes said that they activated the key, by kid
	sealed, refused, late, errors int
	opened                        int
}

// launch starts a process in a slot, and passes its tokens on to all processes.
func (w *workers) launch(i int) {
	p := w.f.Start(w.r.Place, Options{Seal: 40 * time.Millisecond})
	w.mu.Lock()
	w.running[i] = p
	w.mu.Unlock()
	w.wg.Go(func() {
		for l := range p.lines {
			w.hear(l)
		}
	})
}

func (w *workers) hear(l line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch l.word {
	case "token":
		w.sealed++
		for _, p := range w.running {
			p.Tell("open", l.rest)
		}
	case "step":
		if action, kid, _ := strings.Cut(l.rest, " "); action == string(keyring.Activate) {
			w.activated[kid]++
		}
	case "late":
		w.late++
	case "refused":
		w.refused++
		w.f.t.Errorf("a valid token is refused: %s", l.rest)
	case "opened":
		var n int
		fmt.Sscan(l.rest, &n)
		w.opened += n
	case "error", "unsealed":
		w.errors++
		w.f.t.Logf("%s: %s", l.word, l.rest)
	case "failed":
		w.f.t.Errorf("a process has ended: %s", l.rest)
	}
}

// check compares the output of the processes with the rotations in the history.
func (w *workers) check(rotations map[string]bool) {
	t := w.f.t
	t.Helper()
	if len(rotations) < w.r.Rotations {
		t.Errorf("%d rotations are in the history, want %d", len(rotations), w.r.Rotations)
	}
	for kid, n := range w.activated {
		if n > 1 || !rotations[kid] {
			t.Errorf("%d processes say that they activated %s, and the ring: %v", n, kid, rotations[kid])
		}
	}
	if w.sealed < 10*w.r.Rotations || w.opened == 0 {
		t.Errorf("there was no load: %d tokens sealed, %d opened", w.sealed, w.opened)
	}
}

var order = map[keyring.State]int{keyring.Staged: 1, keyring.Active: 2, keyring.Retired: 3, keyring.Destroyed: 4}

// checkGenerations checks that each generation may follow the one before it and has one active key
// for each use and suite. It returns the kids that became active after the first ones.
func checkGenerations(t testing.TB, all []generation) (rotations map[string]bool) {
	t.Helper()
	rotations = make(map[string]bool)
	state := make(map[string]keyring.State)
	for i, g := range all {
		if g.number != uint64(i+1) {
			t.Errorf("generation %d is number %d of those that were written", g.number, i+1)
		}
		count := make(map[string]int)
		here := make(map[string]bool)
		for _, k := range g.keys {
			if k.State == keyring.Active {
				count[fmt.Sprint(k.Use, " ", k.Suite)]++
			}
			if here[k.ID] || order[k.State] < order[state[k.ID]] || order[k.State] == 0 {
				t.Errorf("generation %d: the key %s went from %s to %s, or is there twice", g.number, k.ID, state[k.ID], k.State)
			}
			if i > 0 && k.State == keyring.Active && state[k.ID] != keyring.Active {
				rotations[k.ID] = true
			}
			here[k.ID], state[k.ID] = true, k.State
		}
		for kid := range state {
			if !here[kid] {
				t.Errorf("generation %d: the kid %s is forgotten", g.number, kid)
			}
		}
		sig, enc := fmt.Sprint(keys.UseSig, " ", keys.ES256), fmt.Sprint(keys.UseEnc, " ", keys.ECDHES)
		if len(count) != 2 || count[sig] != 1 || count[enc] != 1 {
			t.Errorf("generation %d has these active keys: %v, want one a use and suite", g.number, count)
		}
	}
	return rotations
}

// checkWindows checks that no step came too early.
func checkWindows(t testing.TB, p keyring.Policy, all []generation) {
	t.Helper()
	w := p.Windows()
	ahead := map[keys.Use]time.Duration{keys.UseSig: w.SignAhead, keys.UseEnc: w.EncAhead}
	kept := map[keys.Use]time.Duration{keys.UseSig: w.SignKept, keys.UseEnc: w.EncKept}
	seen := make(map[string]keyring.KeyInfo)
	for i, g := range all {
		for _, k := range g.keys {
			before := seen[k.ID]
			seen[k.ID] = k
			if i == 0 || before.State == k.State {
				continue
			}
			switch early := time.Duration(0); k.State {
			case keyring.Active:
				if early = k.Activated.Sub(k.Created); early < ahead[k.Use] {
					t.Errorf("the key %s became active %v after it was staged, want %v", k.ID, early, ahead[k.Use])
				}
			case keyring.Destroyed:
				if early = k.Ended.Sub(before.Retired); early < kept[before.Use] {
					t.Errorf("the key %s ended %v after it retired, want %v", k.ID, early, kept[before.Use])
				}
			}
		}
	}
}
