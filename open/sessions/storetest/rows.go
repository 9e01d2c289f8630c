package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// startAndGet checks that every column comes back.
func startAndGet(t *testing.T, a, b sessions.Store) {
	wantGone(t, a, sessions.ID{1}, sessions.ID{})
	row := newRow(1, 0)
	row.Sealed = make([]byte, 4<<10)
	row.Generation = 1<<63 - 1
	row.Version = 9 // Start stores 1
	start(t, a, row)
	row.Version = 1
	wantRow(t, b, row)
	// Another session with the same ID must not replace it.
	other := newRow(2, 5)
	other.ID = row.ID
	if _, err := b.Start(t.Context(), other, 100, base); err == nil {
		t.Error("Start takes an id twice")
	}
	wantRow(t, a, row)
	wantEnded(t, b, base)
}

// list checks that a user's sessions come the oldest first, and no other user's.
func list(t *testing.T, a, b sessions.Store) {
	if rows, err := a.List(t.Context(), sessions.User{1}); err != nil || len(rows) != 0 {
		t.Errorf("List of nothing: %v, %v", rows, err)
	}
	rows := []sessions.Row{newRow(1, 0), newRow(1, 1), newRow(1, 2)}
	for _, i := range []int{2, 0, 1} {
		start(t, a, rows[i])
		start(t, a, newRow(2, i))
	}
	got, err := b.List(t.Context(), rows[0].User)
	if err != nil || len(got) != len(rows) {
		t.Fatalf("List: %d sessions, %v", len(got), err)
	}
	for i := range got {
		if !sameRow(got[i], rows[i]) {
			t.Errorf("session %d is %+v, want %+v", i, got[i], rows[i])
		}
	}
}

// limit checks that Start ends the oldest sessions beyond the limit as End would, and that it
// never ends the new session.
func limit(t *testing.T, a, b sessions.Store) {
	until := base.Add(time.Hour)
	var rows []sessions.Row
	for n := range 5 {
		rows = append(rows, newRow(1, n))
		start(t, a, rows[n])
	}
	other := newRow(2, 0)
	start(t, b, other)
	older := newRow(1, -10) // begun by a process whose clock is behind
	if n, err := b.Start(t.Context(), older, 3, until); err != nil || n != 3 {
		t.Errorf("Start: %d ended, %v, want 3", n, err)
	}
	wantGone(t, a, rows[0].ID, rows[1].ID, rows[2].ID)
	wantRow(t, a, rows[3])
	wantRow(t, a, rows[4])
	wantRow(t, a, older)
	wantRow(t, a, other)
	wantEnded(t, a, until, rows[0].Entry, rows[1].Entry, rows[2].Entry)
}

// update checks that Update succeeds only with the current version: a slow refresh with an old
// version must change nothing.
func update(t *testing.T, a, b sessions.Store) {
	row := newRow(1, 0)
	wantError(t, "Update of nothing", a.Update(t.Context(), row), sessions.ErrNoSession)
	start(t, a, row)
	next := row
	next.Generation, next.Seen, next.Expires = 2, base.Add(time.Minute), base.Add(2*time.Hour)
	next.Turned, next.Sealed = base.Add(time.Minute+999*time.Millisecond), []byte("another")
	if err := b.Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	stale := row
	stale.Generation = 3
	wantError(t, "Update of an old version", a.Update(t.Context(), stale), sessions.ErrConflict)
	next.Version = 2
	wantRow(t, a, next)
	wantError(t, "Update of a version to come", a.Update(t.Context(), sessions.Row{ID: row.ID, Version: 3}), sessions.ErrConflict)
	wantRow(t, b, next)
}

// updateMoves checks that a session whose key rotates is listed under the new index, and still in
// the order of the logins.
func updateMoves(t *testing.T, a, b sessions.Store) {
	row, stays := newRow(1, 0), newRow(2, 9)
	start(t, a, row)
	start(t, a, stays)
	old := row.User
	row.User, row.Key, row.Entry = stays.User, "BBBBBB", sessions.Entry{7}
	if err := a.Update(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	row.Version = 2
	if rows, err := b.List(t.Context(), old); err != nil || len(rows) != 0 {
		t.Errorf("List under the old index: %+v, %v", rows, err)
	}
	rows, err := b.List(t.Context(), row.User)
	if err != nil || len(rows) != 2 || !sameRow(rows[0], row) || !sameRow(rows[1], stays) {
		t.Errorf("List under the new index: %+v, %v", rows, err)
	}
}

func endByID(t *testing.T, a, b sessions.Store) {
	until := base.Add(18 * time.Minute)
	mine, second, foreign := newRow(1, 0), newRow(1, 1), newRow(2, 0)
	for _, row := range []sessions.Row{mine, second, foreign} {
		start(t, a, row)
	}
	for name, which := range map[string]sessions.Which{
		"a foreign session": {User: mine.User, IDs: []sessions.ID{foreign.ID}},
		"no such session":   {User: mine.User, IDs: []sessions.ID{{9}}},
		"no such user":      {User: sessions.User{9}},
	} {
		if n, err := b.End(t.Context(), which, until); err != nil || n != 0 {
			t.Errorf("End of %s: %d, %v", name, n, err)
		}
	}
	wantEnded(t, a, until)
	// But counts only where IDs is empty.
	which := sessions.Which{User: mine.User, IDs: []sessions.ID{mine.ID, foreign.ID, {9}}, But: mine.ID}
	if n, err := b.End(t.Context(), which, until); err != nil || n != 1 {
		t.Errorf("End: %d, %v, want 1", n, err)
	}
	wantGone(t, a, mine.ID)
	wantRow(t, a, second)
	wantRow(t, a, foreign)
	wantEnded(t, a, until, mine.Entry)
	if n, err := a.End(t.Context(), which, until.Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("End again: %d, %v", n, err)
	}
	wantEnded(t, b, until, mine.Entry)
}

func endAllBut(t *testing.T, a, b sessions.Store) {
	until := base.Add(18 * time.Minute)
	var rows []sessions.Row
	var entries []sessions.Entry
	for n := range 20 {
		rows = append(rows, newRow(1, n))
		start(t, a, rows[n])
		entries = append(entries, rows[n].Entry)
	}
	foreign := newRow(2, 0)
	start(t, a, foreign)
	if n, err := b.End(t.Context(), sessions.Which{User: rows[0].User, But: rows[3].ID}, until); err != nil || n != 19 {
		t.Errorf("End of all but one: %d, %v", n, err)
	}
	wantRow(t, a, rows[3])
	wantRow(t, a, foreign)
	if n, err := a.End(t.Context(), sessions.Which{User: rows[0].User}, until); err != nil || n != 1 {
		t.Errorf("End of all: %d, %v", n, err)
	}
	if left, err := b.List(t.Context(), rows[0].User); err != nil || len(left) != 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
	wantEnded(t, b, until, entries...)
}

// endedStaysEnded checks that no Update brings a session back.
func endedStaysEnded(t *testing.T, a, b sessions.Store) {
	row := newRow(1, 0)
	start(t, a, row)
	read, err := b.Get(t.Context(), row.ID)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := a.End(t.Context(), sessions.Which{User: row.User}, base); err != nil || n != 1 {
		t.Fatalf("End: %d, %v", n, err)
	}
	for _, s := range []sessions.Store{a, b} {
		if err := s.Update(t.Context(), read); !errors.Is(err, sessions.ErrNoSession) {
			t.Errorf("Update after End: %v", err)
		}
	}
	wantGone(t, b, row.ID)
}
