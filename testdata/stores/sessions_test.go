package stores

import (
	"database/sql"
	"os"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/open/sessions/storetest"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

func TestMain(m *testing.M) {
	ringtest.Main(openPlace)
	code := m.Run()
	servers.Clean()
	os.Exit(code)
}

// engine is a kind of database. A test gets a new one from it.
type engine struct {
	name, driver string
	dialect      sqlstore.Dialect
	start        func(t testing.TB) (place func(t testing.TB) (dsn string))
}

var engines = []engine{
	{"SQLite", "sqlite", sqlstore.SQLite, func(testing.TB) func(testing.TB) string { return servers.SQLite }},
	{"PostgreSQL", "pgx", sqlstore.PostgreSQL, func(t testing.TB) func(testing.TB) string { return servers.PostgreSQL(t).PostgreSQLSchema }},
	{"MariaDB", "mysql", sqlstore.MySQL, func(t testing.TB) func(testing.TB) string { return servers.MariaDB(t).MariaDBDatabase }},
}

// onEach runs a test on each engine.
func onEach(t *testing.T, f func(t *testing.T, e engine, place func(testing.TB) string)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel() // they wait for disks
			f(t, e, e.start(t))
		})
	}
}

func (e engine) open(t testing.TB, dsn string) *sqlstore.Store {
	t.Helper()
	s, _ := e.openDB(t, dsn)
	return s
}

func (e engine) openDB(t testing.TB, dsn string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db := servers.Open(t, e.driver, dsn)
	s, err := sqlstore.New(t.Context(), db, e.dialect)
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

// rounds returns n in a long run, and few otherwise.
func rounds(n, few int) int {
	if os.Getenv("SEALJWT_LONG") != "" {
		return n
	}
	return few
}

// beside runs a test in parallel, because most tests wait for disks. A long run measures, so it
// runs one test at a time.
func beside(t *testing.T) {
	if os.Getenv("SEALJWT_LONG") == "" {
		t.Parallel()
	}
}

func TestStore(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		t.Run("Alone", func(t *testing.T) {
			if os.Getenv("SEALJWT_LONG") == "" {
				t.Skip("a part of Shared: set SEALJWT_LONG=1")
			}
			storetest.Run(t, func(t *testing.T) sessions.Store { return e.open(t, place(t)) })
		})
		t.Run("Shared", func(t *testing.T) {
			storetest.RunShared(t, func(t *testing.T) (a, b sessions.Store) {
				dsn := place(t)
				return e.open(t, dsn), e.open(t, dsn)
			})
		})
		t.Run("Registry", func(t *testing.T) {
			storetest.RunRegistry(t, func(t *testing.T) (a, b sessions.Store) {
				dsn := place(t)
				return e.open(t, dsn), e.open(t, dsn)
			}, rounds(10_000, 100))
		})
	})
}

// Several processes start at once. They make the tables together.
func TestTablesAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		for range rounds(5, 2) {
			dsn := place(t)
			var wg sync.WaitGroup
			for range 8 {
				db := servers.Open(t, e.driver, dsn)
				wg.Go(func() {
					if _, err := sqlstore.New(t.Context(), db, e.dialect); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
	})
}
