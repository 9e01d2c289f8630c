package sessions

import (
	"testing"
	"testing/synctest"
	"time"
)

// The clock of a hub jumps ahead and back. A verifier that starts then gets all entries that count.
func TestHubClock(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Minute, 30 * time.Minute, 24 * time.Hour, 400 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := newParty(t)
			s := new(skewed)
			clock := s.clock()
			p.feed.now = func() time.Time { wall, _ := clock(); return wall }
			p.runFeed(t)
			p.end(t, "before")
			time.Sleep(10 * time.Second)
			s.offset.Store(int64(jump))
			time.Sleep(time.Second)
			p.end(t, "meanwhile")
			time.Sleep(2 * time.Minute)
			s.offset.Store(0)
			p.end(t, "after")
			time.Sleep(time.Second)
			r := p.remote()
			p.runRemote(t, r)
			time.Sleep(10 * time.Second)
			if err := r.Ready(t.Context()); err != nil {
				t.Errorf("a jump of %v: %v", jump, err)
			}
			for _, sid := range []string{"before", "meanwhile", "after"} {
				if !r.list.has(entryOf(kindSession, testIssuer, sid)) {
					t.Errorf("after a jump of %v a new verifier does not know what ended %s", jump, sid)
				}
			}
		})
	}
}

// A reader asks for the news since each cursor that it has seen. The hub keeps no list for each of
// these requests, and keeps the list that all others get.
func TestAnswersMemory(t *testing.T) {
	p := newParty(t)
	const n = 20_000
	for _, sid := range sids(0, n) {
		p.store.put(endedAt(sid, time.Now().Add(18*time.Minute)))
	}
	p.feed.begin()
	defer p.feed.end()
	need(p.feed.turn(t.Context()))
	whole := need(p.feed.answer(t.Context(), Cursor{}))
	rows, _ := p.store.snapshot()
	for i := 0; i < n; i += 40 {
		need(p.feed.answer(t.Context(), Cursor{rows[i].Revision, rows[i].Entry}))
	}
	size := 0
	for _, a := range p.feed.answers {
		size += a.size
	}
	if most := whole.size + mostAnswer*64<<10; size > most {
		t.Errorf("%d MB of answers are kept", size>>20)
	}
	if need(p.feed.answer(t.Context(), Cursor{})) != whole {
		t.Error("the whole list is made again")
	}
	near := Cursor{rows[n-10].Revision, rows[n-10].Entry}
	if a := need(p.feed.answer(t.Context(), near)); a.size > 2000 {
		t.Errorf("a reader who is 9 entries behind gets %d bytes", a.size)
	}
}
