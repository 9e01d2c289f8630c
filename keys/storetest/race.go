package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

const (
	racers = 8  // goroutines that write at once
	rounds = 10 // races in oneWinner, updates of each goroutine in noLostUpdate
)

// oneWinner checks that of several swaps from the same version, as rotators make them when a
// rotation is due, exactly one succeeds. The first round is the race to create the ring.
func oneWinner(t *testing.T, a, b keyring.Store) {
	version := ""
	for round := range rounds {
		docs := make([]string, racers)
		errs := make([]error, racers)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range racers {
			docs[i] = fmt.Sprintf("round %d, writer %d", round, i)
			wg.Go(func() {
				<-start
				_, errs[i] = pick(i, a, b).Swap(t.Context(), version, []byte(docs[i]))
			})
		}
		close(start)
		wg.Wait()

		var winners []int
		for i, err := range errs {
			switch {
			case err == nil:
				winners = append(winners, i)
			case !errors.Is(err, keyring.ErrConflict):
				t.Errorf("round %d, writer %d: %v, want nil or keyring.ErrConflict", round, i, err)
			}
		}
		if len(winners) != 1 {
			t.Fatalf("round %d: %d of %d writers that started from version %q succeeded: %v, want one",
				round, len(winners), racers, version, winners)
		}
		wantDoc(t, a, []byte(docs[winners[0]]))
		version = wantDoc(t, b, []byte(docs[winners[0]]))
	}
}

// noLostUpdate uses the document as a ledger: each writer appends ids of its own and notes which
// ids were acknowledged. In the end the document must have each acknowledged id once, and no other.
func noLostUpdate(t *testing.T, a, b keyring.Store) {
	acks := make([][]string, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			for n := range rounds {
				id := fmt.Sprintf("%d-%d", i, n)
				if err := appendID(t.Context(), pick(i, a, b), id); err != nil {
					t.Errorf("append %s: %v", id, err)
					return
				}
				acks[i] = append(acks[i], id)
			}
		})
	}
	wg.Wait()

	doc, _, err := a.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantDoc(t, b, doc)
	got, want := strings.Fields(string(doc)), slices.Concat(acks...)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d updates were acknowledged and %d are in the document\nacknowledged %v\nfound        %v",
			len(want), len(got), want, got)
	}
}

// appendID adds an id to the document in the way in which a rotator changes a ring: load, decide,
// swap, and begin again after a conflict or an unknown outcome.
func appendID(ctx context.Context, s keyring.Store, id string) error {
	var last error
	// A conflict means that another writer succeeded. There are racers × rounds writes in all,
	// so the number of conflicts is bounded.
	for range 2 * racers * rounds {
		doc, version, err := s.Load(ctx)
		if err != nil && !errors.Is(err, keyring.ErrNoRing) {
			return err
		}
		if slices.Contains(strings.Fields(string(doc)), id) {
			if errors.Is(last, keyring.ErrUnknownOutcome) {
				return nil
			}
			return fmt.Errorf("it was written, but Swap returned %w", last)
		}
		_, last = s.Swap(ctx, version, append(doc, id+"\n"...))
		if !errors.Is(last, keyring.ErrConflict) && !errors.Is(last, keyring.ErrUnknownOutcome) {
			return last
		}
	}
	return fmt.Errorf("no progress: %w", last)
}

// pick spreads the writers over both handles.
func pick(i int, a, b keyring.Store) keyring.Store {
	if i%2 == 0 {
		return a
	}
	return b
}
