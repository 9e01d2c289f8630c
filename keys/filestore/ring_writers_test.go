//go:build unix

package filestore

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// counter returns the figure of the policy in which a writer counts its writes, in nanoseconds.
// None of these figures limits the others.
func counter(p *keyring.Policy, slot int) *time.Duration {
	return []*time.Duration{&p.Sig.Period, &p.Enc.Period, &p.MaxAge, &p.Leeway}[slot]
}

// maxImports bounds the number of writers that import a key: a ring with four keys has room for 60
// more.
const maxImports = 40

// importAndCount imports a key and then counts, one write for each step.
func importAndCount(ctx context.Context, ring *keyring.Ring, acks io.Writer) error {
	var kid string
	err := patiently(func() (err error) {
		kid, err = importNew(ctx, ring, keyring.Retired)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(acks, "import", kid)
	return countForEver(ctx, ring, acks)
}

func countForEver(ctx context.Context, ring *keyring.Ring, acks io.Writer) error {
	slot, err := strconv.Atoi(os.Getenv(ringSlot))
	if err != nil {
		return err
	}
	for {
		var n time.Duration
		err := patiently(func() error {
			return ring.UpdatePolicy(ctx, func(p *keyring.Policy) {
				c := counter(p, slot)
				*c++
				n = *c
			})
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(acks, "count", int64(n))
	}
}

// Writers in processes of their own are killed at random while this process watches the ring. All
// share the ring and each has a counter. A lost write would be counted again, and a repeated write
// would leave a gap.
func TestRingWriters(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three seconds")
	}
	rounds := 10
	if long {
		rounds = 100
	}
	s := newStore(t)
	policy := hasty()
	// These figures are so large that no count reaches them.
	policy.CacheAge = time.Minute
	policy.Sig.Period, policy.Enc.Period = time.Hour, time.Hour
	ring := createRing(t, s, policy)
	first := countsOf(t, ring)

	ps := newProcesses(t, s.path)
	running := make([]*process, writers)
	slots := map[*process]int{}
	launch := func(slot int) {
		role := "count"
		if len(slots) < maxImports {
			role = "import and count"
		}
		running[slot] = ps.start(role, ringSlot, strconv.Itoa(slot))
		slots[running[slot]] = slot
	}
	for slot := range writers {
		launch(slot)
	}
	last, reads := first, 0
	look := func() {
		counts, before := countsOf(t, ring), last
		last = counts
		for slot := range writers {
			if counts[slot] < before[slot] {
				t.Errorf("writer %d was at %d and is at %d now", slot, before[slot], counts[slot])
			}
		}
		wantRingFiles(t, s.path)
		reads++
	}
	for slot := range writers { // until each has started
		for ps.countAcks(running[slot]) < 2 && !t.Failed() {
			look()
			time.Sleep(time.Millisecond)
		}
	}
	for range rounds {
		pause := time.Duration(50+rand.IntN(351)) * time.Millisecond
		for end := time.Now().Add(pause); time.Now().Before(end) && !t.Failed(); time.Sleep(time.Millisecond) {
			look()
		}
		slot := rand.IntN(writers)
		ps.kill(running[slot])
		launch(slot)
	}
	ps.killAll()
	look()

	ring = openRing(t, s.path)
	imported := keysOf(t, ring)
	counted := make([][]int64, writers) // the acknowledged counts of each slot, in order
	acks := 0
	for _, p := range ps.all {
		var before int64
		for _, line := range p.acks {
			acks++
			var what, value string
			fmt.Sscan(line, &what, &value)
			if what == "import" {
				if !imported[value] {
					t.Errorf("the key %s was acknowledged and is lost", value)
				}
				continue
			}
			n, err := strconv.ParseInt(value, 10, 64)
			must(t, err)
			if before != 0 && n != before+1 {
				t.Errorf("writer %d counted %d after %d", slots[p], n, before)
			}
			before = n
			counted[slots[p]] = append(counted[slots[p]], n)
		}
	}
	var writes int64
	for slot, ns := range counted {
		writes += last[slot] - first[slot]
		// The processes of a slot ran one after the other. Each was killed at most once between a
		// write and its acknowledgement.
		if !slices.IsSorted(ns) || len(slices.Compact(slices.Clone(ns))) != len(ns) {
			t.Errorf("writer %d counted the same twice: a write was lost", slot)
		}
		if len(ns) > 0 && ns[len(ns)-1] > last[slot] {
			t.Errorf("writer %d: the last of %d counts was acknowledged and is lost", slot, len(ns))
		}
	}
	writes += int64(len(imported)) - 4 // the ring began with four keys
	if got := int64(ring.Checkpoint().Generation) - 1; got != writes {
		t.Errorf("the ring is at generation %d after %d writes", got+1, writes)
	}
	if unacknowledged := writes - int64(acks); acks == 0 || unacknowledged < 0 || unacknowledged > int64(len(ps.all)) {
		t.Errorf("%d writes and %d acknowledgements of %d processes", writes, acks, len(ps.all))
	}
	// No process leaves a lock behind, and the next write cleans up.
	must(t, ring.UpdatePolicy(t.Context(), func(p *keyring.Policy) { p.MaxAge++ }))
	wantFiles(t, dirOf(s), "ring", "ring.lock")
	t.Logf("%d rounds: %d writes acknowledged, %d that were killed before they could say so, %d reads, %d keys imported",
		rounds, acks, writes-int64(acks), reads, len(imported)-4)
}

func countsOf(t *testing.T, ring *keyring.Ring) (counts [writers]int64) {
	t.Helper()
	var p keyring.Policy
	err := patiently(func() (err error) {
		p, err = ring.Policy(t.Context())
		return err
	})
	if err != nil {
		t.Fatalf("a ring that others write cannot be loaded: %v", err)
	}
	for slot := range counts {
		counts[slot] = int64(*counter(&p, slot))
	}
	return counts
}

func keysOf(t *testing.T, ring *keyring.Ring) map[string]bool {
	t.Helper()
	infos, err := ring.Keys(t.Context())
	must(t, err)
	kids := map[string]bool{}
	for _, k := range infos {
		kids[k.ID] = true
	}
	return kids
}
