package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

func ended(n int, until time.Time) sessions.Ended {
	return sessions.Ended{Entry: sessions.Entry{0: byte(n), 1: byte(n >> 8), 15: 1}, Until: until}
}

func mustAppend(t testing.TB, s sessions.Store, all ...sessions.Ended) {
	t.Helper()
	if err := s.Append(t.Context(), all); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

func cursorOf(v sessions.Revocation) sessions.Cursor {
	return sessions.Cursor{Revision: v.Revision, Entry: v.Entry}
}

// appends checks that Append lengthens the time of an entry that is kept, and never shortens it:
// with a shorter time the last token would outlive its revocation.
func appends(t *testing.T, a, b sessions.Store) {
	early, late := base.Add(time.Minute), base.Add(time.Hour)
	mustAppend(t, a)
	mustAppend(t, a, ended(1, early), ended(2, late))
	before := tailOf(t, b, sessions.Cursor{}, 10)
	if two := before.Revocations; len(two) != 2 || two[0].Ended != ended(1, early) || two[1].Revision != two[0].Revision+1 {
		t.Fatalf("Tail returns %+v", before)
	}
	mustAppend(t, b, ended(2, early), ended(2, late), ended(1, early)) // nothing new
	if again := tailOf(t, a, before.Last, 10); len(again.Revocations) != 0 || again.Last != before.Last || again.Whole {
		t.Errorf("what changed nothing has new revisions: %+v", again)
	}
	mustAppend(t, a, ended(1, late))
	wantEnded(t, b, late, ended(1, late).Entry, ended(2, late).Entry)
	moved := tailOf(t, b, before.Last, 10)
	if len(moved.Revocations) != 1 || moved.Revocations[0].Ended != ended(1, late) || moved.Revocations[0].Revision <= before.Last.Revision {
		t.Errorf("the entry with a later time: %+v", moved)
	}
	mustAppend(t, a, ended(3, early), ended(3, late)) // twice in one call
	if last := tailOf(t, b, moved.Last, 10); len(last.Revocations) != 1 || !last.Revocations[0].Until.Equal(late) {
		t.Errorf("an entry that is twice in one call: %+v", last)
	}
	// An End of a session whose entry a hub has written back.
	row := newRow(1, 0)
	start(t, a, row)
	mustAppend(t, a, sessions.Ended{Entry: row.Entry, Until: late})
	if n, err := b.End(t.Context(), sessions.Which{User: row.User}, early); err != nil || n != 1 {
		t.Errorf("End of a session whose entry is kept: %d, %v", n, err)
	}
	wantGone(t, a, row.ID)
	wantEnded(t, a, late, ended(1, late).Entry, ended(2, late).Entry, ended(3, late).Entry, row.Entry)
}

// tail checks that a reader that reads in pieces gets all revocations, each once and in order.
func tail(t *testing.T, a, b sessions.Store) {
	if empty := tailOf(t, a, sessions.Cursor{}, 10); len(empty.Revocations) != 0 || empty.Last != (sessions.Cursor{}) || empty.Whole {
		t.Errorf("Tail of nothing: %+v", empty)
	}
	const count = 25
	for n := range count {
		mustAppend(t, pick(n, a, b), ended(n, base.Add(time.Hour)))
	}
	var cursor sessions.Cursor
	var got int
	for {
		piece := tailOf(t, b, cursor, 4)
		if piece.Whole || len(piece.Revocations) > 4 {
			t.Fatalf("after %+v: %+v", cursor, piece)
		}
		if piece.Last.Revision != count {
			t.Errorf("the newest is said to be %+v", piece.Last)
		}
		if len(piece.Revocations) == 0 {
			break
		}
		for _, v := range piece.Revocations {
			if v.Ended != ended(got, base.Add(time.Hour)) || v.Revision != uint64(got+1) {
				t.Fatalf("revocation %d is %+v", got, v)
			}
			got++
		}
		cursor = cursorOf(piece.Revocations[len(piece.Revocations)-1])
	}
	if got != count {
		t.Errorf("%d revocations, want %d", got, count)
	}
}

// tailWhole checks that a reader of a store that went back gets everything. If a cursor were a
// revision alone, the reader would skip revocations until the store has counted up to that revision
// again.
func tailWhole(t *testing.T, a, b sessions.Store) {
	for n := range 6 {
		mustAppend(t, a, ended(n, base.Add(time.Hour)))
	}
	all := tailOf(t, a, sessions.Cursor{}, 10)
	for name, after := range map[string]sessions.Cursor{
		"another entry at a revision": {Revision: 3, Entry: ended(99, base).Entry},
		"the last with another entry": {Revision: 6, Entry: ended(5, base.Add(time.Hour)).Entry},
		"a revision to come":          {Revision: 7, Entry: ended(99, base).Entry},
		"a revision far ahead":        {Revision: 1 << 62, Entry: ended(5, base).Entry},
		"no revision":                 {Entry: ended(5, base).Entry},
	} {
		want := name != "the last with another entry"
		got := tailOf(t, b, after, 10)
		if got.Whole != want || want && len(got.Revocations) != len(all.Revocations) || got.Last != all.Last {
			t.Errorf("after %s: %+v", name, got)
		}
	}
	got := tailOf(t, b, sessions.Cursor{Revision: 99}, 4)
	if !got.Whole || len(got.Revocations) != 4 || got.Revocations[0].Revision != 1 {
		t.Errorf("a piece of the whole: %+v", got)
	}
	rest := tailOf(t, b, cursorOf(got.Revocations[3]), 4)
	if rest.Whole || len(rest.Revocations) != 2 {
		t.Errorf("the rest of the whole: %+v", rest)
	}
}

// sweep checks that Sweep removes the rows that have expired, and no others.
func sweep(t *testing.T, a, b sessions.Store) {
	over, lives := newRow(1, -4000), newRow(1, 0)
	start(t, a, over)
	start(t, a, lives)
	edge := newRow(2, -3600) // expires now
	start(t, a, edge)
	mustAppend(t, a, ended(1, base.Add(-time.Second)), ended(2, base), ended(3, base.Add(time.Hour)))
	mustAppend(t, a, ended(4, base.Add(-time.Hour)), ended(5, base.Add(time.Hour)))
	last := tailOf(t, a, sessions.Cursor{}, 10).Last
	for range 2 {
		if err := b.Sweep(t.Context(), base); err != nil {
			t.Fatal(err)
		}
	}
	wantGone(t, a, over.ID)
	wantRow(t, a, lives)
	wantRow(t, a, edge)
	got := tailOf(t, a, sessions.Cursor{}, 10)
	if len(got.Revocations) != 3 || got.Last != last {
		t.Fatalf("after Sweep: %+v", got)
	}
	if rows, err := a.List(t.Context(), lives.User); err != nil || len(rows) != 1 {
		t.Errorf("List after Sweep: %+v, %v", rows, err)
	}
	for i, n := range []int{2, 3, 5} {
		if got.Revocations[i].Entry != ended(n, base).Entry {
			t.Errorf("revocation %d after Sweep: %+v", i, got.Revocations[i])
		}
	}
}

// sweepKeepsNewest checks that a revision is never given twice, and that a reader who has read
// everything does not take a sweep for a store that went back.
func sweepKeepsNewest(t *testing.T, a, b sessions.Store) {
	mustAppend(t, a, ended(1, base), ended(2, base))
	last := tailOf(t, a, sessions.Cursor{}, 10).Last
	if err := a.Sweep(t.Context(), base.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := tailOf(t, b, last, 10); got.Whole || got.Last != last || len(got.Revocations) != 0 {
		t.Errorf("after a sweep of everything: %+v, want Last %+v", got, last)
	}
	mustAppend(t, b, ended(3, base.Add(2*time.Hour)))
	if got := tailOf(t, a, last, 10); got.Whole || len(got.Revocations) != 1 || got.Revocations[0].Revision != last.Revision+1 {
		t.Errorf("the next revocation: %+v", got)
	}
}

// callerKeepsItsSlices checks that a store copies the slices that it gets and returns, because
// callers wipe and reuse them.
func callerKeepsItsSlices(t *testing.T, a, b sessions.Store) {
	row := newRow(1, 0)
	sealed := append([]byte(nil), row.Sealed...)
	start(t, a, row)
	clear(row.Sealed)
	row.Sealed = sealed
	wantRow(t, b, row)
	got, err := a.Get(t.Context(), row.ID)
	if err != nil {
		t.Fatal(err)
	}
	clear(got.Sealed)
	wantRow(t, a, row)
	doc := []byte("a document")
	mustSwap(t, a, "", doc)
	clear(doc)
	wantKeys(t, b, []byte("a document"))
}

// cancelledContext checks that no method writes after its context is cancelled: the caller has
// given up and may decide otherwise.
func cancelledContext(t *testing.T, a, b sessions.Store) {
	row, ctx := newRow(1, 0), cancelled(t)
	start(t, a, row)
	version := mustSwap(t, a, "", []byte("one"))
	_, errStart := a.Start(ctx, newRow(1, 1), 100, base)
	_, errEnd := a.End(ctx, sessions.Which{User: row.User}, base)
	_, errSwap := a.SwapKeys(ctx, version, []byte("two"))
	_, _, errLoad := a.LoadKeys(ctx)
	_, errGet := a.Get(ctx, row.ID)
	_, errList := a.List(ctx, row.User)
	_, errTail := a.Tail(ctx, sessions.Cursor{}, 1)
	for i, err := range []error{
		errStart, errEnd, errSwap, errLoad, errGet, errList, errTail, a.Update(ctx, row),
		a.Append(ctx, []sessions.Ended{ended(1, base)}), a.Sweep(ctx, base.Add(100*time.Hour)),
	} {
		if err == nil || errors.Is(err, sessions.ErrUnknownOutcome) {
			t.Errorf("call %d with a cancelled context: %v", i, err)
		}
	}
	wantRow(t, b, row)
	wantKeys(t, b, []byte("one"))
	wantEnded(t, b, base)
	if rows, err := b.List(t.Context(), row.User); err != nil || len(rows) != 1 {
		t.Errorf("List: %+v, %v", rows, err)
	}
}
