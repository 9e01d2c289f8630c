package stores

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// An operator stops all processes of the issuer, restores an older copy of the SQLite file and
// starts the processes again. They remember nothing, but the verifiers do: these still refuse the
// ended sessions, and learn of every session that ends from now on.
func TestRestoredWhileStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	p := newParty()
	begin := func() (r *sessions.Registry, h *hub, end func()) {
		db := servers.Open(t, "sqlite", servers.SQLiteFile(path))
		store, err := sqlstore.New(t.Context(), db, sqlstore.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		h = p.hub(t, store)
		h.ready(t)
		return p.registry(store), h, func() {
			h.stop()
			if err := db.Close(); err != nil { // the last connection empties the log of the file
				t.Fatal(err)
			}
		}
	}
	r, h, stop := begin()
	via := newProxy(t, host(h))
	v := p.verifier(t, via.URL, nil)
	devices := p.logins(t, r, 30)
	ended, lives := devices[:20], devices[20:]
	wantEnded := func(some []device, within time.Duration) {
		t.Helper()
		for _, d := range some {
			token := opened(t, p, d)
			eventually(t, "a verifier takes an ended session", within, func() bool { return errors.Is(v.Check(t.Context(), token), sessions.ErrEnded) })
		}
	}
	logOut := func(some []device) {
		for _, d := range some {
			if err := r.End(t.Context(), d.subject, d.id); err != nil {
				t.Fatal(err)
			}
		}
	}
	logOut(ended[:5])
	wantEnded(ended[:5], 10*time.Second)
	stop()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := func() {
		before := host(h)
		r, h, stop = begin()
		via.replace(before, host(h))
	}
	start()
	logOut(ended[5:])
	wantEnded(ended[5:], 10*time.Second)
	stop()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	start()
	eventually(t, "the verifier does not follow the feed", 30*time.Second, func() bool { return v.Status().Streaming && v.Status().Age < time.Second })
	wantEnded(ended, 0)
	// The store's numbers are lower than the verifiers' numbers now.
	logOut(lives[1:])
	wantEnded(lives[1:], 10*time.Second)
	wantEnded(ended, 0)
	if err := v.Check(t.Context(), opened(t, p, lives[0])); err != nil {
		t.Errorf("a session that goes on: %v", err)
	}
	_, _, err = r.Refresh(t.Context(), ended[19].refresh)
	t.Logf("a refresh of a session whose end only the verifiers remember: %v", err)
}
