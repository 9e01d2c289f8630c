package sessions

import (
	"context"
	"errors"
	"sync"
	"time"
)

// tailStore is a Store that appends revocations and tails them. A MemStore keeps the keys of the
// registry.
type tailStore struct {
	Store
	mu   sync.Mutex
	rows []Revocation
	next uint64
	down bool
	fail error // error of Append
}

func newTailStore() *tailStore { return &tailStore{Store: NewMemStore()} }

var errDown = errors.New("the store is down")

func (s *tailStore) Append(_ context.Context, ended []Ended) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || s.fail != nil {
		return errors.Join(errDown, s.fail)
	}
	for _, e := range ended {
		s.put(e)
	}
	return nil
}

func (s *tailStore) put(e Ended) {
	for i, v := range s.rows {
		if v.Entry == e.Entry {
			if !e.Until.After(v.Until) {
				return
			}
			s.rows = append(s.rows[:i:i], s.rows[i+1:]...)
			break
		}
	}
	s.next++
	s.rows = append(s.rows, Revocation{e, s.next})
}

func (s *tailStore) Tail(_ context.Context, after Cursor, limit int) (Tail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return Tail{}, errDown
	}
	var t Tail
	from := 0
	if after != (Cursor{}) {
		t.Whole = true
		for i, v := range s.rows {
			if v.Revision == after.Revision && v.Entry == after.Entry {
				from, t.Whole = i+1, false
			}
		}
	}
	rest := s.rows[from:]
	t.Revocations = append(t.Revocations, rest[:min(limit, len(rest))]...)
	if n := len(s.rows); n > 0 {
		t.Last = Cursor{s.rows[n-1].Revision, s.rows[n-1].Entry}
	}
	return t, nil
}

func (s *tailStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// snapshot returns the state, to restore it as from a backup.
func (s *tailStore) snapshot() (rows []Revocation, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Revocation(nil), s.rows...), s.next
}

func (s *tailStore) restore(rows []Revocation, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.next = append([]Revocation(nil), rows...), next
}

// endedAt returns the revocation of a session that is kept until a time.
func endedAt(sid string, until time.Time) Ended {
	return Ended{entryOf(kindSession, testIssuer, sid), until.Truncate(time.Second)}
}
