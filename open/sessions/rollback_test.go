package sessions

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// snapshot and restore take a MemStore back in time, as a backup does.
func (m *memStore) snapshot() *memStore {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := NewMemStore().(*memStore)
	s.doc, s.swaps, s.last, s.log = m.doc, m.swaps, m.last, append([]Revocation(nil), m.log...)
	for id, row := range m.sessions {
		s.sessions[id] = row
	}
	for u, ids := range m.byUser {
		s.byUser[u] = append([]ID(nil), ids...)
	}
	for e, v := range m.kept {
		s.kept[e] = v
	}
	return s
}

// swapped is a store that a test can replace.
type swapped struct{ Store }

func TestStoreWentBack(t *testing.T) {
	for name, after := range map[string]func(r *Registry){
		"lower":  func(*Registry) {},
		"as far": func(r *Registry) { endNew(t, r, 1) },
		"beyond": func(r *Registry) { endNew(t, r, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			mem := NewMemStore().(*memStore)
			store, c := &swapped{mem}, newClock()
			cfg := testConfig(t, store)
			r, other := registryOf(t, cfg, c), registryOf(t, cfg, c)
			endNew(t, r, 2)
			s, token := login(t, r, "ada")
			_, bystander := login(t, r, "bob")
			backup := mem.snapshot()
			if err := r.End(t.Context(), "ada", s.ID); err != nil {
				t.Fatal(err)
			}
			store.Store = backup
			after(registryOf(t, cfg, c)) // a process that has seen nothing
			c.add(time.Second)
			wantRefresh(t, r, token, ErrRolledBack)
			wantRefresh(t, r, bystander, ErrRolledBack)
			c.add(time.Second)
			wantRefresh(t, other, bystander, ErrRolledBack) // the document has the mark
			wantRefresh(t, registryOf(t, cfg, c), bystander, ErrRolledBack)
			if _, _, err := r.Start(t.Context(), "ada", Device{}); err != nil {
				t.Errorf("a login: %v", err)
			}
			if err := other.Accept(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.add(time.Second)
			_, bystander = refreshed(t, r, bystander)
			_, bystander = refreshed(t, other, bystander)
			refreshed(t, registryOf(t, cfg, c), bystander)
		})
	}
}

// endNew starts and ends n sessions.
func endNew(t *testing.T, r *Registry, n int) {
	t.Helper()
	for range n {
		s, _ := login(t, r, "someone")
		if err := r.End(t.Context(), "someone", s.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// A sweep is not a rollback, and neither is a revocation that gets a new revision because its time
// changes.
func TestStoreDidNotGoBack(t *testing.T) {
	store, c := NewMemStore(), newClock()
	cfg := testConfig(t, store)
	r, other := registryOf(t, cfg, c), registryOf(t, cfg, c)
	_, token := login(t, r, "ada")
	endNew(t, r, 3)
	_, token = refreshed(t, r, token)

	newest := r.position.newest
	if err := other.appendEnded(t.Context(), []Ended{{newest.Entry, newest.Until.Add(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	c.add(time.Second)
	_, token = refreshed(t, r, token)

	c.add(30 * time.Hour)
	endNew(t, other, 2)
	if err := store.Sweep(t.Context(), c.now().Add(-sweepMargin)); err != nil {
		t.Fatal(err)
	}
	refreshed(t, r, token)
}

// A token has a generation that the store does not know: the store went back. A process that has
// seen nothing before notices it too.
func TestGenerationAhead(t *testing.T) {
	mem := NewMemStore().(*memStore)
	store, c := &swapped{mem}, newClock()
	cfg := testConfig(t, store)
	_, first := login(t, registryOf(t, cfg, c), "ada")
	backup := mem.snapshot()
	_, second := refreshed(t, registryOf(t, cfg, c), first)
	_, third := refreshed(t, registryOf(t, cfg, c), second)
	store.Store = backup
	r := registryOf(t, cfg, c)
	wantRefresh(t, r, third, ErrRolledBack)
	wantRefresh(t, r, first, ErrRolledBack)
	c.add(time.Second)
	if err := r.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The client has the newer token and goes on.
	_, fourth := refreshed(t, r, third)
	wantRefresh(t, r, first, ErrReused)
	wantRefresh(t, r, fourth, ErrEnded)
}

// After an Accept a client sends an old token first. That ends its session and no other one.
func TestGenerationAheadAfterAccept(t *testing.T) {
	mem := NewMemStore().(*memStore)
	store, c := &swapped{mem}, newClock()
	r := registryOf(t, testConfig(t, store), c)
	_, first := login(t, r, "ada")
	_, bob := login(t, r, "bob")
	backup := mem.snapshot()
	_, second := refreshed(t, r, first)
	_, third := refreshed(t, r, second)
	store.Store = backup
	wantRefresh(t, r, third, ErrRolledBack)
	c.add(time.Second)
	if err := r.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	refreshed(t, r, first)
	wantRefresh(t, r, third, ErrReused)
	refreshed(t, r, bob)
}

func TestEndEverything(t *testing.T) {
	mem := NewMemStore().(*memStore)
	store, c := &swapped{mem}, newClock()
	cfg := testConfig(t, store)
	r, other := registryOf(t, cfg, c), registryOf(t, cfg, c)
	_, token := login(t, r, "ada")
	backup := mem.snapshot()
	endNew(t, r, 1)
	store.Store = backup
	c.add(time.Second)
	wantRefresh(t, r, token, ErrRolledBack)
	wantRefresh(t, other, token, ErrRolledBack)
	if err := r.EndEverything(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRefresh(t, r, token, ErrEnded)
	c.add(time.Second)
	wantRefresh(t, other, token, ErrEnded)
	_, next := login(t, other, "ada")
	refreshed(t, r, next)
	if list := must(r.List(t.Context(), "ada"))(t); len(list) != 1 {
		t.Errorf("%d sessions are listed", len(list))
	}
}

// Lost keys are not made anew: that would end every session without a word.
func TestKeysAreGone(t *testing.T) {
	store, c := &swapped{NewMemStore()}, newClock()
	r := registryOf(t, testConfig(t, store), c)
	_, token := login(t, r, "ada")
	store.Store = NewMemStore()
	c.add(time.Second)
	wantRefresh(t, r, token, ErrRolledBack)
	_, _, err := r.Start(t.Context(), "ada", Device{})
	wantError(t, err, ErrRolledBack)
	wantError(t, err, ErrNoKeys)
	if _, _, err := store.LoadKeys(t.Context()); !errors.Is(err, ErrNoKeys) {
		t.Errorf("keys were made: %v", err)
	}
}

// An expired row is removed a day late, so that a process whose clock is a day ahead removes
// nothing too early.
func TestSweep(t *testing.T) {
	mem, c := NewMemStore().(*memStore), newClock()
	cfg := testConfig(t, mem)
	cfg.IdleAge = time.Hour
	r := registryOf(t, cfg, c)
	login(t, r, "ada")
	endNew(t, r, 2)
	for _, tt := range []struct {
		wait           time.Duration
		sessions, kept int
	}{{25 * time.Hour, 1, 2}, {time.Hour, 1, 1}, {time.Second, 0, 1}} {
		c.add(tt.wait)
		if err := r.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(mem.sessions) != tt.sessions || len(mem.kept) != tt.kept {
			t.Errorf("%v after the login there are %d sessions and %d revocations", c.now().Sub(testStart), len(mem.sessions), len(mem.kept))
		}
	}
}

// Run notices a rollback by itself, reports it, and sweeps.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := NewMemStore().(*memStore)
		store := &swapped{mem}
		cfg := testConfig(t, store)
		r := must(New(cfg))(t)
		old := Row{ID: ID{1}, Expires: time.Now().Add(-sweepMargin - time.Second)}
		must(mem.Start(t.Context(), old, 9, time.Now()))(t)
		login(t, r, "ada")
		var said []error
		run := func(d time.Duration) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			if err := r.Run(ctx, func(err error) { said = append(said, err) }); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Run returns %v", err)
			}
		}
		run(900 * time.Millisecond)
		if len(said) != 0 || len(mem.sessions) != 1 {
			t.Errorf("it reports %v, and %d sessions are left", said, len(mem.sessions))
		}
		backup := mem.snapshot()
		endNew(t, must(New(cfg))(t), 1)
		run(5 * pollAge / 2)
		store.Store = backup
		run(5 * pollAge / 2)
		if len(said) != 1 || !errors.Is(said[0], ErrRolledBack) {
			t.Errorf("it reports %v", said)
		}
		run(2900 * time.Millisecond)
		if len(said) != 4 {
			t.Errorf("in three seconds it reports %d times", len(said)-1)
		}
	})
}
