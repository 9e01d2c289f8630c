package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// restore sets a MemStore to a snapshot.
func (m *memStore) restore(from *memStore) {
	s := from.snapshot()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doc, m.swaps, m.last, m.log, m.sessions, m.byUser, m.kept = s.doc, s.swaps, s.last, s.log, s.sessions, s.byUser, s.kept
}

// keysFail is a store that refuses to write its document while a test says so.
type keysFail struct {
	*memStore
	mu   sync.Mutex
	fail bool
}

func (s *keysFail) SwapKeys(ctx context.Context, prev string, doc []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail {
		return "", errDown
	}
	return s.memStore.SwapKeys(ctx, prev, doc)
}

func (s *keysFail) set(fail bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// went is an issuer with a hub whose store goes back to a backup. In the backup ada's session,
// which had ended, is alive again.
type went struct {
	*party
	store  *keysFail
	cfg    Config
	issuer *Registry   // in a process without a hub, which has stopped looking
	others []*Registry // in other processes, which saw all revocations
	ended  string      // a refresh token of a session that has ended
	living string
	backup *memStore

	mu   sync.Mutex
	told []error
}

func newWent(t *testing.T) *went {
	t.Helper()
	w := &went{party: newParty(t), store: &keysFail{memStore: NewMemStore().(*memStore)}}
	w.cfg = testConfig(t, w.store)
	w.issuer = must(New(w.cfg))(t)
	w.feed = must(NewFeed(FeedConfig{Registry: must(New(w.cfg))(t), Signing: w.ring, Public: true}))(t)
	run(t, func(ctx context.Context) error {
		return w.feed.Run(ctx, func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, err)
		})
	})
	s, token := login(t, w.issuer, "ada")
	w.ended = token
	_, w.living = login(t, w.issuer, "bob")
	endNew(t, w.issuer, 3)
	time.Sleep(time.Second)
	w.backup = w.store.snapshot()
	if err := w.issuer.End(t.Context(), "ada", s.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	for range 2 {
		w.others = append(w.others, must(New(w.cfg))(t))
	}
	for _, r := range w.others {
		must(r.trusted(t.Context(), 0))(t)
	}
	time.Sleep(pollAge + 10*time.Millisecond) // it is between two looks of the hub
	return w
}

func (w *went) errors() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]error(nil), w.told...)
}

// The hub writes revocations back under their old numbers. Yet no process refreshes a session,
// whenever it looks.
func TestWrittenBackIsNoticed(t *testing.T) {
	const ms = time.Millisecond
	for _, wait := range []time.Duration{0, ms, 10 * ms, 24 * ms, 25 * ms, 26 * ms, 49 * ms, 50 * ms, 51 * ms, 75 * ms, 76 * ms, 100 * ms, time.Second, 5 * time.Second} {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWent(t)
				for _, r := range w.others {
					must(r.List(t.Context(), "bob"))(t) // this reads the document, and no revocations
				}
				w.store.restore(w.backup)
				time.Sleep(wait)
				for _, r := range append(w.others, must(New(w.cfg))(t)) {
					if wait == 0 && r.position.read.IsZero() {
						continue // this process looked before the hub did, and had seen no revocation before
					}
					wantRefresh(t, r, w.ended, ErrRolledBack)
					wantRefresh(t, r, w.living, ErrRolledBack)
				}
				time.Sleep(time.Second)
				wantRefresh(t, w.issuer, w.ended, ErrRolledBack)
				if last := w.store.snapshot().last; last.Revision != 4 {
					t.Errorf("written back up to revision %d, want the 4 of before", last.Revision)
				}
				if told := w.errors(); len(told) != 1 || !errors.Is(told[0], ErrWroteBack) {
					t.Errorf("told %v", told)
				}
				if err := w.others[0].Accept(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				refreshed(t, w.others[1], w.living)
			})
		})
	}
}

// While the document cannot be written, the hub writes nothing back and reports the error.
func TestNotWrittenBackUnsaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWent(t)
		w.store.set(true)
		w.store.restore(w.backup)
		time.Sleep(5 * time.Second)
		if last := w.store.snapshot().last; last.Revision != 3 {
			t.Errorf("written back up to revision %d", last.Revision)
		}
		if told := w.errors(); len(told) < 4 || !errors.Is(told[0], errDown) {
			t.Errorf("told %v", told)
		}
		wantRefresh(t, w.others[0], w.ended, errDown)
		w.store.set(false)
		time.Sleep(1100 * time.Millisecond)
		if last := w.store.snapshot().last; last.Revision != 4 {
			t.Errorf("later written back up to revision %d", last.Revision)
		}
		wantRefresh(t, w.others[1], w.ended, ErrRolledBack)
	})
}

// An operator accepts the rollback before this hub sees it. The hub writes back, and sessions can
// still be refreshed. A second rollback is noticed again.
func TestAcceptedIsNotMarkedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWent(t)
		w.store.set(true) // this hub cannot mark the rollback
		w.store.restore(w.backup)
		time.Sleep(2 * time.Second)
		w.store.set(false)
		wantRefresh(t, w.others[0], w.living, ErrRolledBack) // the other process can
		if err := w.others[0].Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if last := w.store.snapshot().last; last.Revision != 4 {
			t.Errorf("written back up to revision %d", last.Revision)
		}
		_, w.living = refreshed(t, w.others[1], w.living)
		accepted := w.store.snapshot()
		endNew(t, w.issuer, 2)
		time.Sleep(2 * time.Second)
		w.store.restore(accepted)
		time.Sleep(2 * time.Second)
		wantRefresh(t, must(New(w.cfg))(t), w.living, ErrRolledBack)
	})
}

// All that the store has lost has expired, but the numbers of the store are lower. The next
// revocations would get the numbers of the lost ones.
func TestLowerNumbersAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWent(t)
		time.Sleep(time.Hour)
		w.store.restore(w.backup)
		time.Sleep(time.Second)
		wantRefresh(t, must(New(w.cfg))(t), w.living, ErrRolledBack)
	})
}

// If a store has lost the keys too, the hub makes no new keys.
func TestHubMakesNoKeysAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWent(t)
		w.store.restore(NewMemStore().(*memStore))
		time.Sleep(2 * time.Second)
		if _, _, err := w.store.LoadKeys(t.Context()); !errors.Is(err, ErrNoKeys) {
			t.Errorf("keys were made: %v", err)
		}
		if told := w.errors(); len(told) < 1 || !errors.Is(told[0], ErrRolledBack) || !errors.Is(told[0], ErrNoKeys) {
			t.Errorf("told %v", told)
		}
		// A process that starts now makes new keys. Then the hub writes all revocations back, and
		// no session is refreshed.
		_, token := login(t, must(New(w.cfg))(t), "cy")
		time.Sleep(2 * time.Second)
		wantRefresh(t, w.others[0], token, ErrRolledBack)
		if n := len(w.store.snapshot().kept); n != 4 {
			t.Errorf("%d revocations are back", n)
		}
	})
}
