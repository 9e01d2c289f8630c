package stores

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// row is a row of the table, as an attacker with write access sees it.
type row struct {
	version string
	doc     []byte
}

func rowOf(t *testing.T, e engine, db *sql.DB, name string) (r row) {
	t.Helper()
	if err := db.QueryRow(e.dialect.Bind("SELECT version, doc FROM sealjwt_ring WHERE name = ?"), name).Scan(&r.version, &r.doc); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r row) put(t *testing.T, e engine, db *sql.DB, name string) {
	t.Helper()
	if _, err := db.Exec(e.dialect.Bind("UPDATE sealjwt_ring SET version = ?, doc = ? WHERE name = ?"), r.version, r.doc, name); err != nil {
		t.Fatal(err)
	}
}

// An attacker who can write to the table sets a row back, exchanges two rows, or deletes one. Every
// process with a memory refuses the ring: a running process, one that starts, and one that starts
// elsewhere with the memory of its machine. All rings have one KEK, which is the worst case.
func TestRingSetBack(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		dsn := place(t)
		db := servers.Open(t, e.driver, dsn)
		f := ringtest.NewFleet(t, openPlace)
		memory := filepath.Join(t.TempDir(), "seen") // of one machine, for both rings
		names := []string{"a", "b"}
		rings := make(map[string]*keyring.Ring)
		running := make(map[string][]*ringtest.Process)
		start := func(name, memory string) *ringtest.Process {
			return f.Start(placeOf(e, name, dsn), ringtest.Options{Memory: memory, Name: memoryName(e, name)})
		}
		for _, name := range names {
			rings[name] = f.Create(placeOf(e, name, dsn), keyring.Policy{})
			for _, m := range []string{memory, ""} {
				p := start(name, m)
				if got := p.Result(t); got != "ready" {
					t.Fatal(got)
				}
				running[name] = append(running[name], p)
			}
		}
		before := map[string]row{"a": rowOf(t, e, db, "a"), "b": rowOf(t, e, db, "b")}
		revoked := activeKey(t, rings["a"])
		for _, name := range names {
			if _, err := rings[name].Revoke(t.Context(), keyring.Revocation{KeyID: activeKey(t, rings[name])}); err != nil {
				t.Fatal(err)
			}
			for _, p := range running[name] { // these processes have seen the revocation
				if got := p.Look(t); got != "ok" {
					t.Fatal(got)
				}
			}
			// Run saves its checkpoint within two seconds, and Open does so at once.
			if got := start(name, memory).Result(t); got != "ready" {
				t.Fatal(got)
			}
		}
		after := map[string]row{"a": rowOf(t, e, db, "a"), "b": rowOf(t, e, db, "b")}
		for what, change := range map[string]func(){
			"set back":  func() { before["a"].put(t, e, db, "a"); before["b"].put(t, e, db, "b") },
			"exchanged": func() { after["a"].put(t, e, db, "b"); after["b"].put(t, e, db, "a") },
			"deleted": func() {
				if _, err := db.Exec("DELETE FROM sealjwt_ring WHERE name <> ''"); err != nil {
					t.Fatal(err)
				}
			},
		} {
			change()
			for _, name := range names {
				for i, p := range running[name] {
					if got := p.Look(t); !strings.HasPrefix(got, "rollback") {
						t.Errorf("%s, ring %s: process %d, which has seen it, says: %s", what, name, i, got)
					}
				}
				if got := start(name, memory).Result(t); !strings.HasPrefix(got, "rollback") {
					t.Errorf("%s, ring %s: a process that starts with a memory says: %s", what, name, got)
				}
				// Without a memory no process notices.
				if got := start(name, "").Result(t); (got == "ready") != (what != "deleted") {
					t.Errorf("%s, ring %s: a process that starts without a memory says: %s", what, name, got)
				}
			}
			for _, name := range names { // restore the rows
				if _, err := db.Exec(e.dialect.Bind("DELETE FROM sealjwt_ring WHERE name = ?"), name); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Exec(e.dialect.Bind("INSERT INTO sealjwt_ring (name, version, doc) VALUES (?, ?, ?)"), name, after[name].version, after[name].doc); err != nil {
					t.Fatal(err)
				}
				for _, p := range running[name] {
					if got := p.Look(t); got != "ok" {
						t.Errorf("%s and put right, ring %s: %s", what, name, got)
					}
				}
			}
		}
		// An operator has restored a backup and accepts it.
		before["a"].put(t, e, db, "a")
		m := filestore.NewMemory(memoryName(e, "a"), memory)
		if m.Path() != memory { // the path tells a user that the memory lasts
			t.Errorf("the memory is at %q", m.Path())
		}
		old, err := keyring.Open(t.Context(), keyring.Config{Store: need(openPlace(placeOf(e, "a", dsn))), KEK: f.KEK()})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Accept(t.Context(), old.Checkpoint()); err != nil {
			t.Fatal(err)
		}
		if got := start("a", memory).Result(t); got != "ready" {
			t.Errorf("after an operator has accepted: %s", got)
		}
		if kid := activeKey(t, old); kid != revoked {
			t.Errorf("the backup has the active key %s, and had %s", kid, revoked)
		}
	})
}

// memoryName returns the command's name for the ring, such as postgres:NAME.
func memoryName(e engine, name string) string {
	kind := map[string]string{"pgx": "postgres", "mysql": "mysql", "sqlite": "sqlite"}[e.driver]
	return fmt.Sprint(kind, ":", name)
}

// activeKey returns the kid of the active signing key.
func activeKey(t *testing.T, ring *keyring.Ring) string {
	t.Helper()
	infos, err := ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range infos {
		if k.State == keyring.Active && k.Use == keys.UseSig {
			return k.ID
		}
	}
	t.Fatal("no key signs")
	return ""
}
