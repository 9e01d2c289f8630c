//go:build unix

package filestore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// brisk returns a policy by which a step is due every 33 ms: six steps for each key, and two keys
// in 400 ms. factor stretches all of it.
func brisk(factor time.Duration) keyring.Policy {
	ms := factor * time.Millisecond
	return keyring.Policy{
		TokenLifetime: 40 * ms, Leeway: 10 * ms, ClockSkew: 10 * ms,
		CacheAge: 20 * ms, PublishLag: 10 * ms, SnapshotAge: 20 * ms, MaxAge: 10 * ms,
		Sig: keyring.UsePolicy{Period: 380 * ms}, Enc: keyring.UsePolicy{Period: 420 * ms},
	}
}

// Rotators in processes of their own are killed at random while this process watches the ring.
func TestRingRotators(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	const rotators = 8
	// On a slow machine the test goes on until there are enough rotations.
	duration, least := 5*time.Second, 2
	if long {
		duration, least = time.Minute, 20
	}
	s := newStore(t)
	ring := createRing(t, s, brisk(1))
	w := &witness{t: t, kids: map[string]keyring.KeyInfo{}}
	w.look(ring)

	ps := newProcesses(t, s.path)
	running := make([]*process, rotators)
	launch := func(i int) {
		role := "rotate"
		if i%4 == 0 {
			role = "run"
		}
		running[i] = ps.start(role)
	}
	for i := range running {
		launch(i)
	}
	kills, leftovers := 0, 0
	pause := func() time.Duration { return time.Duration(60+rand.IntN(80)) * time.Millisecond }
	start := time.Now()
	for nextKill := start.Add(pause()); (time.Since(start) < duration || w.fewestRotations() < least) && !t.Failed(); time.Sleep(time.Millisecond) {
		w.look(ring)
		if wantRingFiles(t, s.path) {
			leftovers++
		}
		if time.Now().After(nextKill) {
			i := rand.IntN(rotators)
			ps.kill(running[i])
			launch(i)
			kills++
			nextKill = time.Now().Add(pause())
		}
	}
	lasted := time.Since(start)
	ps.killAll()
	w.look(ring)

	ring = openRing(t, s.path)
	acks := w.checkAcks(ps.acknowledged(), ring)
	rotations := w.checkWindows(brisk(1))
	w.checkLog(ring)
	w.checkHistory(s)
	wantRingFiles(t, s.path)
	for use, n := range rotations {
		if most := int(lasted/(380*time.Millisecond)) + 1; n < least || n > most {
			t.Errorf("%d rotations of use %s in %v, want %d to %d", n, use, lasted, least, most)
		}
	}
	if _, err := ring.Rotate(t.Context()); err != nil { // a lock that was left behind would stop this
		t.Error(err)
	}
	t.Logf("%d rotators for %v: generation %d, of which %d were seen; %d kills, %d steps acknowledged, rotations %v, %d keys; "+
		"a temporary file was seen %d times", rotators, lasted.Round(time.Second/10), ring.Checkpoint().Generation, len(w.marks),
		kills, acks, rotations, len(w.kids), leftovers)
}

// witness looks at a ring again and again and checks that each generation may
// follow those before it.
type witness struct {
	t     *testing.T
	marks []keyring.Checkpoint
	kids  map[string]keyring.KeyInfo
}

var stages = []keyring.State{keyring.Staged, keyring.Active, keyring.Retired, keyring.Destroyed}

func (w *witness) look(ring *keyring.Ring) {
	w.t.Helper()
	var infos []keyring.KeyInfo
	err := patiently(func() (err error) {
		infos, err = ring.Keys(w.t.Context())
		return err
	})
	if err != nil {
		w.t.Errorf("a ring that others rotate cannot be loaded: %v", err)
		return
	}
	checkpoint := ring.Checkpoint()
	if n := len(w.marks); n > 0 {
		last := w.marks[n-1]
		if checkpoint == last {
			return
		}
		if checkpoint.Generation <= last.Generation {
			w.t.Errorf("generation %v follows %v", checkpoint, last)
		}
	}
	w.marks = append(w.marks, checkpoint)

	count := map[string]int{}
	here := map[string]bool{}
	for _, k := range infos {
		count[fmt.Sprint(k.State, " ", k.Use)]++
		if here[k.ID] {
			w.t.Errorf("generation %d: the kid %s is there twice", checkpoint.Generation, k.ID)
		}
		here[k.ID] = true
		before, known := w.kids[k.ID]
		if final := k.State == keyring.Destroyed; known && final {
			k.Thumbprint = before.Thumbprint // the kid follows from it
			if k.Created.IsZero() {
				k = before // the ring forgets the dates of a key that ended long ago
				k.State = keyring.Destroyed
			}
		}
		w.kids[k.ID] = k
		if !known {
			continue
		}
		if k.Thumbprint != before.Thumbprint || k.Use != before.Use || !k.Created.Equal(before.Created) {
			w.t.Errorf("generation %d: the kid %s is another key now", checkpoint.Generation, k.ID)
		}
		if slices.Index(stages, k.State) < slices.Index(stages, before.State) {
			w.t.Errorf("generation %d: the key %s went from %s to %s", checkpoint.Generation, k.ID, before.State, k.State)
		}
	}
	for kid := range w.kids {
		if !here[kid] {
			w.t.Errorf("generation %d: the kid %s is forgotten", checkpoint.Generation, kid)
		}
	}
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		if active, staged := count[fmt.Sprint(keyring.Active, " ", u)], count[fmt.Sprint(keyring.Staged, " ", u)]; active != 1 || staged > 1 {
			w.t.Errorf("generation %d: %d keys active and %d staged for use %s, want exactly one active", checkpoint.Generation, active, staged, u)
		}
	}
}

// fewestRotations returns the rotations of the use that has fewer of them.
func (w *witness) fewestRotations() int {
	activated := map[keys.Use]int{}
	for _, k := range w.kids {
		if !k.Activated.IsZero() {
			activated[k.Use]++
		}
	}
	return min(activated[keys.UseSig], activated[keys.UseEnc]) - 1 // the first key did not replace another one
}

// checkAcks compares the ring with the acknowledged steps of the rotators. No two processes may
// acknowledge the same step.
func (w *witness) checkAcks(lines []string, ring *keyring.Ring) int {
	w.t.Helper()
	done := map[string]int{}
	for _, line := range lines {
		var action keyring.Action
		var kid, seen string
		if _, err := fmt.Sscan(line, &action, &kid, &seen); err != nil {
			w.t.Fatalf("acknowledgement %q: %v", line, err)
		}
		times := 1
		if action == keyring.MarkDue {
			times = 3 // it is staged, active and retired
		}
		if done[string(action)+kid]++; done[string(action)+kid] > times {
			w.t.Errorf("two processes did %s of %s", action, kid)
		}
		k, known := w.kids[kid]
		lost := !known
		switch action {
		case keyring.Stage, keyring.MarkDue:
		case keyring.Activate:
			lost = lost || k.Activated.IsZero()
		case keyring.Destroy:
			lost = lost || k.State != keyring.Destroyed
		default:
			w.t.Errorf("an unexpected step: %s", line)
		}
		checkpoint := parseFirst(seen)
		if lost || checkpoint == (keyring.Checkpoint{}) || checkpoint.Generation > ring.Checkpoint().Generation {
			w.t.Errorf("%s was acknowledged and is lost", line)
		}
	}
	return len(lines)
}

// checkWindows checks that no step of any key came too early. It returns the number of rotations
// for each use.
func (w *witness) checkWindows(p keyring.Policy) map[keys.Use]int {
	w.t.Helper()
	rotations := map[keys.Use]int{}
	for _, u := range []struct {
		use                 keys.Use
		ahead, kept, period time.Duration
	}{
		{keys.UseSig, p.SnapshotAge + p.PublishLag + p.CacheAge + p.ClockSkew,
			p.SnapshotAge + p.TokenLifetime + p.Leeway + 2*p.ClockSkew, p.Sig.Period},
		{keys.UseEnc, p.SnapshotAge + p.ClockSkew,
			p.SnapshotAge + p.PublishLag + p.CacheAge + p.TokenLifetime + p.Leeway + 2*p.ClockSkew, p.Enc.Period},
	} {
		used := slices.DeleteFunc(slices.Collect(maps.Values(w.kids)), func(k keyring.KeyInfo) bool {
			return k.Use != u.use || k.Activated.IsZero()
		})
		slices.SortFunc(used, func(a, b keyring.KeyInfo) int { return a.Activated.Compare(b.Activated) })
		for i, k := range used {
			if !k.Ended.IsZero() && k.Ended.Sub(k.Retired) < u.kept+p.SnapshotAge {
				w.t.Errorf("%s key %s: destroyed %v after it retired, want %v and two looks", u.use, k.ID, k.Ended.Sub(k.Retired), u.kept)
			}
			if i == 0 {
				continue
			}
			rotations[u.use]++
			if got := k.Activated.Sub(k.Created); got < u.ahead {
				w.t.Errorf("%s key %s: active %v after it was staged, want %v", u.use, k.ID, got, u.ahead)
			}
			before := used[i-1]
			if got := k.Activated.Sub(before.Activated); got < u.period || !before.Retired.Equal(k.Activated) {
				w.t.Errorf("%s key %s: follows %s after %v, want %v and its retirement at once", u.use, k.ID, before.ID, got, u.period)
			}
		}
	}
	return rotations
}

// checkLog checks that the log is in order and has the last transition. A mark records a look and
// is not a transition, so the log does not have its generation.
func (w *witness) checkLog(ring *keyring.Ring) {
	w.t.Helper()
	log, err := ring.Log(w.t.Context())
	must(w.t, err)
	// Between two transitions each key is marked, and the checkpoint cleared, a few times.
	const marks = 40
	last, seen := uint64(0), ring.Checkpoint().Generation
	if len(log) != 0 {
		last = log[len(log)-1].Generation
	}
	if last == 0 || last > seen || last+marks < seen {
		w.t.Fatalf("the log of %d events ends with generation %d of %d", len(log), last, seen)
	}
	retired := map[uint64]bool{}
	for i, e := range log {
		if e.What == string(keyring.Retire) {
			retired[e.Generation] = true
		}
		if _, known := w.kids[e.KeyID]; !known && e.What != "create" {
			w.t.Errorf("the log names a key that is not there: %v", e)
		}
		if i == 0 {
			continue
		}
		before := log[i-1]
		if step := e.Generation - before.Generation; step > marks || e.Time.Before(before.Time) || step == 0 && !e.Time.Equal(before.Time) {
			w.t.Errorf("the log has %v after %v", e, before)
		}
	}
	for _, e := range log {
		if e.What == string(keyring.Activate) && !retired[e.Generation] {
			w.t.Errorf("nothing was retired: %v", e)
		}
	}
}

// checkHistory checks that the ring knows the generations that were seen, as far back as its
// history goes, and no others.
func (w *witness) checkHistory(s *Store) {
	w.t.Helper()
	const remembered = 64
	last := slices.MaxFunc(w.marks, func(a, b keyring.Checkpoint) int { return cmp.Compare(a.Generation, b.Generation) })
	for _, m := range w.marks {
		if m.Generation+remembered < last.Generation {
			continue
		}
		if _, err := openSince(w.t.Context(), s, m); err != nil {
			w.t.Errorf("generation %v was there and is not remembered: %v", m, err)
		}
		m.Nonce = "AAAAAAAAAAAAAAAAAAAAAA"
		if _, err := openSince(w.t.Context(), s, m); !errors.Is(err, keyring.ErrRollback) {
			w.t.Errorf("generation %v was never there: %v, want ErrRollback", m, err)
		}
	}
}
