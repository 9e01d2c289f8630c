package sessions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// recorder makes the frames of a hub while n sessions end, one a second.
type recorder struct {
	history   history
	deltas    []frame // each begins where the one before it ends
	snapshots []frame // one after each delta
	entries   []Entry
}

func record(n int) *recorder {
	r := &recorder{history: newHistory()}
	for i := range n {
		now := frameTime.Add(time.Duration(i) * time.Second)
		from := r.history.cursor
		e := endedAt(fmt.Sprint(i), now.Add(18*time.Minute))
		r.entries = append(r.entries, e.Entry)
		need(r.history.add(Revocation{e, uint64(i + 1)}, now))
		r.deltas = append(r.deltas, r.frame(from, now))
		r.snapshots = append(r.snapshots, r.frame(Cursor{}, now))
	}
	return r
}

func (r *recorder) frame(from Cursor, date time.Time) frame {
	fr := r.history.frames(from, date)
	if len(fr) != 1 {
		panic("more than one frame")
	}
	fr[0].issuer, fr[0].lifetime, fr[0].leeway, fr[0].signer = testIssuer, testLifetime, time.Minute, "kid"
	return fr[0]
}

func (f *follower) lacks(entries []Entry) (n int) {
	for _, e := range entries {
		if !f.list.has(e) {
			n++
		}
	}
	return n
}

func TestFollow(t *testing.T) {
	t.Parallel()
	r := record(50)
	f := newFollower()
	for i := range r.deltas {
		added, err := f.apply(&r.deltas[i])
		if err != nil || len(added) != 1 || f.lacks(r.entries[:i+1]) != 0 || !f.date.Equal(r.deltas[i].date) || f.wanted {
			t.Fatalf("frame %d: %d added, %v, wanted %v", i, len(added), err, f.wanted)
		}
	}
	// A heartbeat brings no entry and renews the date of the list.
	beat := r.frame(r.history.cursor, frameTime.Add(time.Hour))
	if added, err := f.apply(&beat); err != nil || len(added) != 0 || !f.date.Equal(beat.date) {
		t.Errorf("the heartbeat: %v, %v", added, err)
	}
}

// 100 older snapshots and frames come again in any order. The list forgets nothing, and nothing in
// it becomes fresh.
func TestReplay(t *testing.T) {
	t.Parallel()
	r := record(100)
	for round := range 50 {
		random := rand.New(rand.NewPCG(1, uint64(round)))
		f := newFollower()
		last := 50 + random.IntN(50)
		if _, err := f.apply(&r.snapshots[last]); err != nil || f.wanted {
			t.Fatal(err)
		}
		want := f.date
		old := append(append([]frame(nil), r.snapshots[:last]...), r.deltas[:last]...)
		random.Shuffle(len(old), func(i, j int) { old[i], old[j] = old[j], old[i] })
		for i := range old {
			f.apply(&old[i])
			if n := f.lacks(r.entries[:last+1]); n != 0 {
				t.Fatalf("round %d: %d entries are forgotten", round, n)
			}
			if !f.date.Equal(want) {
				t.Fatalf("round %d: the date is %v, want %v", round, f.date, want)
			}
		}
		// The feed goes on, and the list follows it.
		for i := last + 1; i < len(r.deltas); i++ {
			if _, err := f.apply(&r.deltas[i]); err != nil {
				f.apply(&r.snapshots[i])
			}
		}
		if f.lacks(r.entries) != 0 || last+1 < len(r.deltas) && !f.date.Equal(r.deltas[99].date) {
			t.Errorf("round %d: %d are missing, as of %v", round, f.lacks(r.entries), f.date)
		}
	}
}

// The frames reach a new verifier in any order, and some never. The date of its list is never later
// than the last date for which it has all entries.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	r := record(60)
	for round := range 300 {
		random := rand.New(rand.NewPCG(2, uint64(round)))
		var all []frame
		for i := range r.deltas {
			if random.IntN(10) > 0 {
				all = append(all, r.deltas[i])
			}
			if random.IntN(10) == 0 {
				all = append(all, r.snapshots[i])
			}
		}
		if round%3 > 0 {
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		f := newFollower()
		for i := range all {
			f.apply(&all[i])
			if f.date.IsZero() {
				continue
			}
			n := int(f.date.Sub(frameTime)/time.Second) + 1
			if missing := f.lacks(r.entries[:n]); missing > 0 {
				t.Fatalf("round %d: as of %v the list should have %d entries, and %d are missing", round, f.date, n, missing)
			}
		}
	}
}

// A client loses one of 1,000 ids. The next frame shows it.
func TestDroppedEntry(t *testing.T) {
	t.Parallel()
	r := record(1000)
	lossy := r.snapshots[998]
	lossy.ids = append(append([]timedEntry(nil), lossy.ids[:500]...), lossy.ids[501:]...)
	f := newFollower()
	if _, err := f.apply(&lossy); !errors.Is(err, ErrMissed) || !f.wanted || !f.date.IsZero() {
		t.Errorf("a snapshot that lacks an entry: %v", err)
	}
	f = newFollower()
	f.apply(&r.snapshots[997])
	empty := r.deltas[998]
	empty.ids = nil
	if _, err := f.apply(&empty); !errors.Is(err, ErrMissed) || !f.wanted || !f.date.Equal(r.snapshots[997].date) {
		t.Errorf("a frame that lacks its entry: %v, %v", err, f.date)
	}
	if added, err := f.apply(&r.snapshots[999]); err != nil || len(added) != 2 || f.wanted || f.lacks(r.entries) != 0 {
		t.Errorf("healing: %d added, %v", len(added), err)
	}
}

// A frame that begins beyond the cursor brings its entries and no date.
func TestGap(t *testing.T) {
	t.Parallel()
	r := record(10)
	f := newFollower()
	f.apply(&r.snapshots[4])
	if added, err := f.apply(&r.deltas[6]); !errors.Is(err, ErrMissed) || len(added) != 1 || !f.wanted || !f.date.Equal(r.snapshots[4].date) {
		t.Errorf("%d added, %v, %v", len(added), err, f.date)
	}
	// The same holds for all frames after it, until the whole list comes.
	if _, err := f.apply(&r.deltas[7]); !errors.Is(err, ErrMissed) || !f.date.Equal(r.snapshots[4].date) {
		t.Errorf("%v, %v", err, f.date)
	}
	if _, err := f.apply(&r.snapshots[8]); err != nil || f.wanted || f.lacks(r.entries[:9]) != 0 {
		t.Errorf("%v", err)
	}
}

// A long list comes in several frames. The first ones give no date.
func TestPieces(t *testing.T) {
	t.Parallel()
	const n = 2*maxFrameEntries + 100
	h := newHistory()
	var entries []Entry
	for i := range n {
		e := endedAt(fmt.Sprint(i), frameTime.Add(time.Duration(i%20)*time.Minute+time.Minute))
		entries = append(entries, e.Entry)
		need(h.add(Revocation{e, uint64(i + 1)}, frameTime))
	}
	pieces := h.frames(Cursor{}, frameTime)
	if len(pieces) != 3 {
		t.Fatalf("%d frames", len(pieces))
	}
	f := newFollower()
	for i := range pieces {
		if !f.date.IsZero() || !f.wanted {
			t.Fatalf("before frame %d there is a date", i)
		}
		if _, err := f.apply(&pieces[i]); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	if f.wanted || !f.date.Equal(frameTime) || f.lacks(entries) != 0 || f.size != n {
		t.Errorf("wanted %v, date %v, %d of %d entries", f.wanted, f.date, f.size, n)
	}
	// After a connection broke in the middle the next one goes on from there.
	f = newFollower()
	f.apply(&pieces[0])
	rest := h.frames(f.cursor, frameTime)
	if len(rest) != 2 {
		t.Fatalf("%d frames", len(rest))
	}
	for i := range rest {
		f.apply(&rest[i])
	}
	if f.wanted || f.lacks(entries) != 0 {
		t.Error("the rest does not complete the list")
	}
}

// An entry comes again with a later time. It counts once, with that time.
func TestLonger(t *testing.T) {
	t.Parallel()
	r := record(3)
	f := newFollower()
	f.apply(&r.snapshots[2])
	from := r.history.cursor
	need(r.history.add(Revocation{endedAt("1", frameTime.Add(5*time.Hour)), 4}, frameTime))
	longer := r.frame(from, frameTime.Add(4*time.Second))
	if added, err := f.apply(&longer); err != nil || len(added) != 0 || f.size != 3 {
		t.Errorf("%v, %v, %d entries", added, err, f.size)
	}
	f.forget(frameTime.Add(2 * time.Hour))
	if f.size != 1 || !f.list.has(r.entries[1]) {
		t.Errorf("%d entries are left", f.size)
	}
	// A shorter time never replaces it.
	shorter := r.deltas[1]
	f.apply(&shorter)
	f.forget(frameTime.Add(3 * time.Hour))
	if !f.list.has(r.entries[1]) {
		t.Error("an old frame has shortened the time")
	}
}

// An entry stays for its time and the skew of two clocks.
func TestForget(t *testing.T) {
	t.Parallel()
	l := newList()
	at := frameTime.Truncate(time.Minute)
	l.put(timedEntry{Entry{1}, minuteOf(at)}, true)
	for _, now := range []time.Time{at.Add(-time.Hour), at, at.Add(2 * skew)} {
		if l.forget(now); !l.has(Entry{1}) {
			t.Fatalf("it is forgotten %v after its time", now.Sub(at))
		}
	}
	if l.forget(at.Add(2*skew + time.Minute)); l.has(Entry{1}) || l.size() != 0 {
		t.Error("it is kept for ever")
	}
}

// A full list returns an error, and its date stays.
func TestFull(t *testing.T) {
	t.Parallel()
	r := record(3)
	f := newFollower()
	f.apply(&r.snapshots[1])
	f.size = maxEntries
	if added, err := f.apply(&r.deltas[2]); !errors.Is(err, ErrFull) || len(added) != 0 || !f.wanted || !f.date.Equal(r.snapshots[1].date) {
		t.Errorf("%v, %v, date %v", added, err, f.date)
	}
	f.forget(frameTime)
	if _, err := f.apply(&r.snapshots[2]); err != nil || f.wanted {
		t.Errorf("when there is room again: %v", err)
	}
}

// The store was restored and counts to the same revisions again. The list keeps its entries and
// follows the feed from there.
func TestOtherTimeline(t *testing.T) {
	t.Parallel()
	r := record(10)
	f := newFollower()
	f.apply(&r.snapshots[9])
	again := &recorder{history: newHistory()}
	var entries []Entry
	for i := range 12 {
		e := endedAt(fmt.Sprint("other-", i), frameTime.Add(18*time.Minute))
		entries = append(entries, e.Entry)
		need(again.history.add(Revocation{e, uint64(i + 1)}, frameTime))
	}
	// The cursor of the restored store has the same number.
	date := frameTime.Add(time.Minute)
	delta := again.frame(Cursor{10, entries[9]}, date)
	if _, err := f.apply(&delta); !errors.Is(err, ErrMissed) || !f.wanted {
		t.Errorf("a frame of the other timeline: %v", err)
	}
	whole := again.frame(Cursor{}, date)
	if _, err := f.apply(&whole); err != nil || f.wanted || f.lacks(r.entries)+f.lacks(entries) != 0 || !f.date.Equal(date) {
		t.Errorf("the whole list: %v", err)
	}
	beat := again.frame(again.history.cursor, date.Add(time.Second))
	if _, err := f.apply(&beat); err != nil || !f.date.Equal(beat.date) {
		t.Errorf("the heartbeat: %v, though the list knows more than the feed", err)
	}
}

// The order of additions does not matter, and each can be undone.
func TestTally(t *testing.T) {
	t.Parallel()
	var a, b tally
	entries := []timedEntry{{Entry{1}, 1}, {Entry{2}, 1}, {Entry{3}, 2}, {Entry{1}, 2}}
	for i := range entries {
		a.add(entries[i])
		b.add(entries[len(entries)-1-i])
	}
	if a != b || a.count != 4 {
		t.Errorf("%v, %v", a, b)
	}
	if again := need(parseTally(a.count, a.text())); again != a {
		t.Errorf("%v reads as %v", a, again)
	}
	for _, e := range entries {
		a.remove(e)
	}
	if a != (tally{}) {
		t.Errorf("nothing left is %v", a)
	}
}

func BenchmarkHas(b *testing.B) {
	l := newList()
	var entries []Entry
	for i := range 80_000 {
		e := entryOf(kindSession, testIssuer, fmt.Sprint(i))
		entries = append(entries, e)
		l.put(timedEntry{e, 1}, true)
	}
	b.Run("there", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if !l.has(entries[i%len(entries)]) {
				b.Fatal("it is not there")
			}
		}
	})
	b.Run("not there", func(b *testing.B) {
		e := entryOf(kindSession, testIssuer, "another")
		for i := 0; b.Loop(); i++ {
			e[0], e[1] = byte(i), byte(i>>8)
			l.has(e)
		}
	})
}
