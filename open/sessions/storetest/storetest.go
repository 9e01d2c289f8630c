// Package storetest is the suite that every [sessions.Store] must pass. The author of a new
// store runs it from a test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) sessions.Store { return pgstore.New(emptyDatabase(t)) })
//	}
//
// For a store that other processes can open too, its author also runs [RunShared]. [RunRegistry]
// runs a Registry over the store and forces the interleavings that end a session by mistake, or
// bring one back. Run all with the race detector.
//
// Only tests that cut power or kill a server can show that a write survives.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// Run checks what the documentation of [sessions.Store] promises. The function open returns a
// new, empty store at each call, and cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) sessions.Store) {
	t.Helper()
	run(t, func(t *testing.T) (a, b sessions.Store) {
		s := open(t)
		return s, s
	})
}

// RunShared makes the checks of [Run] through two handles on one place, as two processes have
// them: each must see and respect the writes of the other. The function open returns two
// handles on a new, empty place at each call.
func RunShared(t *testing.T, open func(t *testing.T) (a, b sessions.Store)) {
	t.Helper()
	run(t, open)
}

func run(t *testing.T, open func(t *testing.T) (a, b sessions.Store)) {
	t.Helper()
	for _, c := range []struct {
		name  string
		check func(t *testing.T, a, b sessions.Store)
	}{
		{"KeysOfNothing", keysOfNothing},
		{"KeysSwap", keysSwap},
		{"KeysOpaque", keysOpaque},
		{"StartAndGet", startAndGet},
		{"List", list},
		{"Limit", limit},
		{"Update", update},
		{"UpdateMoves", updateMoves},
		{"EndByID", endByID},
		{"EndAllBut", endAllBut},
		{"EndedStaysEnded", endedStaysEnded},
		{"Append", appends},
		{"Tail", tail},
		{"TailWhole", tailWhole},
		{"Sweep", sweep},
		{"SweepKeepsNewest", sweepKeepsNewest},
		{"CallerKeepsItsSlices", callerKeepsItsSlices},
		{"CancelledContext", cancelledContext},
		{"OneSwapWins", oneSwapWins},
		{"OneUpdateWins", oneUpdateWins},
		{"UpdateAgainstEnd", updateAgainstEnd},
		{"TailLosesNothing", tailLosesNothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := open(t)
			c.check(t, a, b)
		})
	}
}

var base = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// newRow returns a session of a user, the n-th to begin.
func newRow(user byte, n int) sessions.Row {
	row := sessions.Row{
		User: sessions.User{0: user, 31: 255}, Version: 1, Key: "AAECAw", Sealed: []byte{0, 1, 2, 255, '\'', '"', '\\', 0},
		Started: base.Add(time.Duration(n) * time.Second), Seen: base.Add(time.Duration(n+1) * time.Second), Expires: base.Add(time.Duration(n+3600) * time.Second),
		Generation: 1, Turned: base.Add(time.Duration(n)*time.Second + 123*time.Millisecond),
	}
	rand.Read(row.ID[:])
	rand.Read(row.Entry[:])
	return row
}

func start(t testing.TB, s sessions.Store, row sessions.Row) {
	t.Helper()
	if n, err := s.Start(t.Context(), row, 100, base); err != nil || n != 0 {
		t.Fatalf("Start: %d ended, %v", n, err)
	}
}

// sameRow compares all columns.
func sameRow(a, b sessions.Row) bool {
	times := a.Started.Equal(b.Started) && a.Seen.Equal(b.Seen) && a.Expires.Equal(b.Expires) && a.Turned.Equal(b.Turned)
	return times && a.ID == b.ID && a.User == b.User && a.Entry == b.Entry && a.Version == b.Version && a.Key == b.Key &&
		bytes.Equal(a.Sealed, b.Sealed) && a.Generation == b.Generation
}

func wantRow(t testing.TB, s sessions.Store, want sessions.Row) {
	t.Helper()
	if got, err := s.Get(t.Context(), want.ID); err != nil || !sameRow(got, want) {
		t.Errorf("Get returns %+v, %v, want %+v", got, err, want)
	}
}

func wantGone(t testing.TB, s sessions.Store, ids ...sessions.ID) {
	t.Helper()
	for _, id := range ids {
		if row, err := s.Get(t.Context(), id); !errors.Is(err, sessions.ErrNoSession) {
			t.Errorf("Get returns %+v, %v, want sessions.ErrNoSession", row, err)
		}
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func tailOf(t testing.TB, s sessions.Store, after sessions.Cursor, limit int) sessions.Tail {
	t.Helper()
	tail, err := s.Tail(t.Context(), after, limit)
	if err != nil {
		t.Fatalf("Tail: %v", err)
	}
	return tail
}

// wantEnded checks all that the store keeps, in any order.
func wantEnded(t testing.TB, s sessions.Store, until time.Time, want ...sessions.Entry) {
	t.Helper()
	tail := tailOf(t, s, sessions.Cursor{}, 1<<20)
	var got []sessions.Entry
	for _, v := range tail.Revocations {
		got = append(got, v.Entry)
		if !v.Until.Equal(until) {
			t.Errorf("%x is kept until %v, want %v", v.Entry, v.Until, until)
		}
	}
	order := func(a, b sessions.Entry) int { return bytes.Compare(a[:], b[:]) }
	slices.SortFunc(got, order)
	want = slices.Clone(want)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		t.Errorf("the store keeps %x, want %x", got, want)
	}
}

func cancelled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
