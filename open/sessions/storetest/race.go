package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// oneUpdateWins checks that if several processes update a session from the same version, exactly
// one Update succeeds.
func oneUpdateWins(t *testing.T, a, b sessions.Store) {
	const racers = 8
	row := newRow(1, 0)
	start(t, a, row)
	for round := range 10 {
		errs := make([]error, racers)
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range racers {
			next := row
			next.Generation = uint64(100*round + i)
			wg.Go(func() {
				<-begin
				errs[i] = pick(i, a, b).Update(t.Context(), next)
			})
		}
		close(begin)
		wg.Wait()
		winners := 0
		for i, err := range errs {
			if err == nil {
				winners++
				row.Generation = uint64(100*round + i)
			} else {
				wantError(t, "Update of a loser", err, sessions.ErrConflict)
			}
		}
		if winners != 1 {
			t.Fatalf("round %d: %d updates of one version were written", round, winners)
		}
		row.Version++
		wantRow(t, b, row)
	}
}

// updateAgainstEnd lets Updates and an End run at the same time, and checks that the session does
// not exist after the End has returned.
func updateAgainstEnd(t *testing.T, a, b sessions.Store) {
	for round := range 25 {
		row := newRow(byte(round), 0)
		start(t, a, row)
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range 4 {
			wg.Go(func() {
				<-begin
				if err := pick(i, a, b).Update(t.Context(), row); err != nil && !errors.Is(err, sessions.ErrConflict) && !errors.Is(err, sessions.ErrNoSession) {
					t.Errorf("Update: %v", err)
				}
			})
		}
		wg.Go(func() {
			<-begin
			if n, err := pick(round, a, b).End(t.Context(), sessions.Which{User: row.User, IDs: []sessions.ID{row.ID}}, base); err != nil || n != 1 {
				t.Errorf("End: %d, %v", n, err)
			}
		})
		close(begin)
		wg.Wait()
		wantGone(t, pick(round, b, a), row.ID)
	}
}

// tailLosesNothing checks that a reader that follows the tail sees each revocation that several
// writers append meanwhile. A store that numbers its revocations with a sequence loses some.
func tailLosesNothing(t *testing.T, a, b sessions.Store) {
	lost, err := Follow(t.Context(), a, b, 8, 25)
	if err != nil {
		t.Fatal(err)
	}
	if lost != 0 {
		t.Errorf("a reader of the tail has lost %d of 200 revocations", lost)
	}
}

// Follow runs as many writers as the parameter writers says, and each appends as many revocations
// as the parameter each says, while a reader asks for the tail again and again. Follow returns how
// many of the acknowledged revocations the reader has not seen exactly once. It returns an error if
// revisions come out of order or the store says that it went back, and the errors of the store. It
// is for tests that are longer than the one in the suite.
func Follow(ctx context.Context, a, b sessions.Store, writers, each int) (lost int, err error) {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
		acks   = make(map[sessions.Entry]bool)
	)
	from, err := a.Tail(ctx, sessions.Cursor{}, 1)
	if err != nil {
		return 0, err
	}
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				e := sessions.Ended{Entry: sessions.Entry{0: byte(w), 1: byte(n), 2: byte(n >> 8), 3: byte(n >> 16), 15: 2}, Until: base}
				err := pick(w, a, b).Append(ctx, []sessions.Ended{e})
				mu.Lock()
				if err != nil {
					failed = errors.Join(failed, err)
				} else {
					acks[e.Entry] = true
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen, cursor := make(map[sessions.Entry]int), from.Last
	for last := false; ; {
		select {
		case <-done:
			last = true // read the tail once more
		case <-time.After(time.Millisecond):
		}
		for {
			t, err := b.Tail(ctx, cursor, 500)
			if err != nil {
				return 0, errors.Join(err, failed)
			}
			if t.Whole {
				return 0, fmt.Errorf("the store says that it went back, after %+v", cursor)
			}
			for _, v := range t.Revocations {
				if v.Revision <= cursor.Revision {
					return 0, fmt.Errorf("revision %d comes after %d", v.Revision, cursor.Revision)
				}
				seen[v.Entry]++
				cursor = cursorOf(v)
			}
			if len(t.Revocations) == 0 {
				break
			}
		}
		if last {
			break
		}
	}
	<-done
	for e := range acks {
		if seen[e] != 1 {
			lost++
		}
	}
	return lost, failed
}
