package stores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
	"github.com/sealjwt/sealjwt/keys/storetest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// ring opens the store of a ring, and makes the table.
func (e engine) ring(t testing.TB, dsn, name string) *sqlstore.Store {
	t.Helper()
	db := servers.Open(t, e.driver, dsn)
	s, err := newRingStore(t.Context(), db, e.dialect, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRingStore(ctx context.Context, db *sql.DB, d sqlstore.Dialect, name string) (*sqlstore.Store, error) {
	if err := sqlstore.CreateTable(ctx, db, d); err != nil {
		return nil, err
	}
	return sqlstore.New(ctx, db, d, name)
}

func TestRingStore(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		dsn := place(t)
		n := 0
		newRing := func() string { n++; return fmt.Sprint("ring ", n) }
		t.Run("Alone", func(t *testing.T) {
			if rounds(1, 0) == 0 {
				t.Skip("a part of Shared: set SEALJWT_LONG=1")
			}
			storetest.Run(t, func(t *testing.T) keyring.Store { return e.ring(t, dsn, newRing()) })
		})
		t.Run("Shared", func(t *testing.T) {
			storetest.RunShared(t, func(t *testing.T) func() keyring.Store {
				name := newRing()
				return func() keyring.Store { return e.ring(t, dsn, name) }
			})
		})
		for name, f := range map[string]func(*testing.T, engine, func(testing.TB) string){
			"Names": ringNames, "Table": ringTable, "Sizes": ringSizes, "Versions": ringVersions, "Outcome": ringOutcome,
		} {
			t.Run(name, func(t *testing.T) { f(t, e, place) })
		}
	})
}

// ringNames checks that two names are two rings, even if a collation treats them as equal.
func ringNames(t *testing.T, e engine, place func(testing.TB) string) {
	names := []string{"idp", "IDP", "idp ", " idp", "ìdp", "i\u0300dp", "idp%", "id_", "'; DROP TABLE sealjwt_ring; --", strings.Repeat("n", 255)}
	dsn := place(t)
	for _, name := range names {
		s := e.ring(t, dsn, name)
		if _, _, err := s.Load(t.Context()); !errors.Is(err, keyring.ErrNoRing) {
			t.Errorf("%q before its creation: %v", name, err)
		}
		if _, err := s.Swap(t.Context(), "", []byte("ring "+name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range names {
		if doc, _, err := e.ring(t, dsn, name).Load(t.Context()); err != nil || string(doc) != "ring "+name {
			t.Errorf("%q: %q, %v", name, doc, err)
		}
	}
}

// ringTable checks that processes which start at once make the table together, and that New makes
// no table.
func ringTable(t *testing.T, e engine, place func(testing.TB) string) {
	dsn := place(t)
	db := servers.Open(t, e.driver, dsn)
	if _, err := sqlstore.New(t.Context(), db, e.dialect, "idp"); err == nil || !strings.Contains(err.Error(), "CreateTable") {
		t.Errorf("without a table: %v", err)
	}
	for range rounds(5, 2) {
		dsn := place(t)
		var wg sync.WaitGroup
		for i := range 8 {
			db := servers.Open(t, e.driver, dsn)
			wg.Go(func() {
				s, err := newRingStore(t.Context(), db, e.dialect, fmt.Sprint("ring ", i%2))
				if err == nil {
					_, err = s.Swap(t.Context(), "", []byte("a"))
				}
				if err != nil && !errors.Is(err, keyring.ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// ringSizes checks that a row whose size no ring has is refused, and not read into memory.
func ringSizes(t *testing.T, e engine, place func(testing.TB) string) {
	dsn := place(t)
	s, db := e.ring(t, dsn, "idp"), servers.Open(t, e.driver, dsn)
	const most = 2 << 20
	for _, size := range []int{0, most + 1} {
		if _, err := s.Swap(t.Context(), "", make([]byte, size)); err == nil || errors.Is(err, keyring.ErrConflict) {
			t.Errorf("a ring of %d bytes: %v", size, err)
		}
	}
	if _, err := s.Swap(t.Context(), "", make([]byte, most)); err != nil {
		t.Fatal(err)
	}
	if doc, _, err := s.Load(t.Context()); err != nil || len(doc) != most {
		t.Errorf("%d bytes, %v", len(doc), err)
	}
	for _, size := range []int{0, most + 1, 5 << 20} {
		if _, err := db.Exec(e.dialect.Bind("UPDATE sealjwt_ring SET doc = ? WHERE name = 'idp'"), make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if doc, _, err := s.Load(t.Context()); doc != nil || !errors.Is(err, keyring.ErrUnreadable) {
			t.Errorf("a row of %d bytes: %d bytes, %v", size, len(doc), err)
		}
	}
}

// ringVersions checks old versions. After an operator restored a backup, or deleted a ring and made
// it again, no version that a process holds is valid.
func ringVersions(t *testing.T, e engine, place func(testing.TB) string) {
	dsn := place(t)
	s, db := e.ring(t, dsn, "idp"), servers.Open(t, e.driver, dsn)
	first, err := s.Swap(t.Context(), "", []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DELETE FROM sealjwt_ring WHERE name = 'idp'"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Swap(t.Context(), first, []byte("b")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("a swap of a row that is gone: %v", err)
	}
	second, err := s.Swap(t.Context(), "", []byte("a"))
	if err != nil || second == first {
		t.Errorf("the same ring has the version %q again, %v", second, err)
	}
	if _, err := s.Swap(t.Context(), first, []byte("b")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("a swap from the version of another row: %v", err)
	}
}
