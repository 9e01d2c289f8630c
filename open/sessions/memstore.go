package sessions

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// NewMemStore returns an empty [Store] in memory, for tests and for trying out. It passes the
// suite in package storetest. Its content is lost when the process ends, and no other process sees
// it.
func NewMemStore() Store {
	return &memStore{sessions: make(map[ID]Row), byUser: make(map[User][]ID), kept: make(map[Entry]Revocation)}
}

type memStore struct {
	mu       sync.Mutex
	doc      []byte
	swaps    uint64 // how often doc was written, which is its version; 0: there is no doc yet
	sessions map[ID]Row
	byUser   map[User][]ID
	kept     map[Entry]Revocation
	log      []Revocation // by revision; only the revocations that kept has too still count
	last     Cursor
}

// lock locks the store, or returns an error if ctx is done. After nil the caller must unlock.
func (m *memStore) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	return nil
}

func (m *memStore) LoadKeys(ctx context.Context) ([]byte, string, error) {
	if err := m.lock(ctx); err != nil {
		return nil, "", err
	}
	defer m.mu.Unlock()
	if m.swaps == 0 {
		return nil, "", ErrNoKeys
	}
	return bytes.Clone(m.doc), strconv.FormatUint(m.swaps, 10), nil
}

func (m *memStore) SwapKeys(ctx context.Context, prev string, doc []byte) (string, error) {
	if err := m.lock(ctx); err != nil {
		return "", err
	}
	defer m.mu.Unlock()
	if prev == "" && m.swaps != 0 || prev != "" && prev != strconv.FormatUint(m.swaps, 10) {
		return "", ErrConflict
	}
	m.doc = bytes.Clone(doc)
	m.swaps++
	return strconv.FormatUint(m.swaps, 10), nil
}

func (m *memStore) Start(ctx context.Context, row Row, limit int, until time.Time) (int, error) {
	if err := m.lock(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if _, taken := m.sessions[row.ID]; taken {
		return 0, fmt.Errorf("%w: the id is taken", ErrConflict)
	}
	row.Version, row.Sealed = 1, bytes.Clone(row.Sealed)
	m.put(row)
	ids := m.idsOf(row.User)
	surplus := max(0, len(ids)-max(limit, 1))
	// The new session stays, even if by its Started it is the oldest.
	oldest := slices.DeleteFunc(ids, func(id ID) bool { return id == row.ID })[:surplus]
	for _, id := range oldest {
		m.end(id, until)
	}
	return surplus, nil
}

func (m *memStore) put(row Row) {
	m.sessions[row.ID] = row
	m.byUser[row.User] = append(m.byUser[row.User], row.ID)
}

// drop removes a session from both maps.
func (m *memStore) drop(row Row) {
	delete(m.sessions, row.ID)
	ids := slices.DeleteFunc(m.byUser[row.User], func(id ID) bool { return id == row.ID })
	if m.byUser[row.User] = ids; len(ids) == 0 {
		delete(m.byUser, row.User)
	}
}

// idsOf returns the sessions of a user, the oldest first.
func (m *memStore) idsOf(user User) []ID {
	ids := slices.Clone(m.byUser[user])
	slices.SortFunc(ids, func(a, b ID) int {
		return cmp.Or(m.sessions[a].Started.Compare(m.sessions[b].Started), bytes.Compare(a[:], b[:]))
	})
	return ids
}

func (m *memStore) end(id ID, until time.Time) {
	row := m.sessions[id]
	m.drop(row)
	m.revoke(Ended{row.Entry, until})
}

// revoke appends a revocation, unless the entry is kept already, at least until e.Until.
func (m *memStore) revoke(e Ended) {
	if old, known := m.kept[e.Entry]; known && !e.Until.After(old.Until) {
		return
	}
	m.last = Cursor{m.last.Revision + 1, e.Entry}
	v := Revocation{Ended{e.Entry, e.Until.UTC().Truncate(time.Second)}, m.last.Revision}
	m.kept[e.Entry] = v
	m.log = append(m.log, v)
}

func (m *memStore) Get(ctx context.Context, id ID) (Row, error) {
	if err := m.lock(ctx); err != nil {
		return Row{}, err
	}
	defer m.mu.Unlock()
	row, ok := m.sessions[id]
	if !ok {
		return Row{}, ErrNoSession
	}
	row.Sealed = bytes.Clone(row.Sealed)
	return row, nil
}

func (m *memStore) List(ctx context.Context, user User) ([]Row, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var rows []Row
	for _, id := range m.idsOf(user) {
		row := m.sessions[id]
		row.Sealed = bytes.Clone(row.Sealed)
		rows = append(rows, row)
	}
	return rows, nil
}

func (m *memStore) Update(ctx context.Context, row Row) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	old, ok := m.sessions[row.ID]
	switch {
	case !ok:
		return ErrNoSession
	case old.Version != row.Version:
		return ErrConflict
	}
	m.drop(old)
	row.Version, row.Sealed = row.Version+1, bytes.Clone(row.Sealed)
	m.put(row)
	return nil
}

func (m *memStore) End(ctx context.Context, which Which, until time.Time) (int, error) {
	if err := m.lock(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	ended := 0
	for _, id := range m.idsOf(which.User) {
		if len(which.IDs) == 0 && id != which.But || slices.Contains(which.IDs, id) {
			m.end(id, until)
			ended++
		}
	}
	return ended, nil
}

func (m *memStore) Append(ctx context.Context, ended []Ended) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, e := range ended {
		m.revoke(e)
	}
	return nil
}

func (m *memStore) Tail(ctx context.Context, after Cursor, limit int) (Tail, error) {
	if err := m.lock(ctx); err != nil {
		return Tail{}, err
	}
	defer m.mu.Unlock()
	known := func(c Cursor) bool { v, ok := m.kept[c.Entry]; return ok && v.Revision == c.Revision }
	t := Tail{Last: m.last, Whole: after != Cursor{} && !known(after)}
	if t.Whole {
		after = Cursor{}
	}
	i, _ := slices.BinarySearchFunc(m.log, after.Revision+1, func(v Revocation, want uint64) int { return cmp.Compare(v.Revision, want) })
	for ; i < len(m.log) && len(t.Revocations) < limit; i++ {
		if v := m.log[i]; known(Cursor{v.Revision, v.Entry}) {
			t.Revocations = append(t.Revocations, v)
		}
	}
	return t, nil
}

func (m *memStore) Sweep(ctx context.Context, now time.Time) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, row := range m.sessions {
		if row.Expires.Before(now) {
			m.drop(row)
		}
	}
	m.log = slices.DeleteFunc(m.log, func(v Revocation) bool {
		switch {
		case m.kept[v.Entry].Revision != v.Revision:
			return true
		case v.Revision != m.last.Revision && v.Until.Before(now):
			delete(m.kept, v.Entry)
			return true
		}
		return false
	})
	return nil
}
