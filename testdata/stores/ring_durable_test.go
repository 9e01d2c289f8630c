package stores

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// refusedRing checks that the store of a ring does not open, and that the error names the setting.
func refusedRing(t *testing.T, e engine, dsn, setting string) {
	t.Helper()
	db := servers.Open(t, e.driver, dsn)
	s, err := sqlstore.New(t.Context(), db, e.dialect, "idp")
	if s != nil || !errors.Is(err, sqldb.ErrNotDurable) || !strings.Contains(err.Error(), setting) {
		t.Errorf("%s: %v, want a refusal that names %s", dsn, err, setting)
	}
	if err := sqlstore.CreateTable(t.Context(), db, e.dialect); !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("%s: CreateTable: %v", dsn, err)
	}
}

// A connection has lost a setting that makes it durable. It writes nothing.
func TestRingNotDurable(t *testing.T) {
	beside(t)
	t.Run("SQLite", func(t *testing.T) {
		e := engines[0]
		refusedRing(t, e, "file:"+filepath.Join(t.TempDir(), "a.db")+"?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)", "synchronous")
		losesDurability(t, e, servers.SQLite(t), "PRAGMA synchronous = NORMAL")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		e, server := engines[1], servers.PostgreSQL(t)
		dsn := server.PostgreSQLSchema(t)
		refusedRing(t, e, dsn+" synchronous_commit=off", "synchronous_commit")
		losesDurability(t, e, dsn, "SET synchronous_commit = off")
		unsafeRing(t, e, dsn, "ALTER TABLE sealjwt_ring SET UNLOGGED", "ALTER TABLE sealjwt_ring SET LOGGED")
		unsafeRing(t, e, dsn, "ALTER TABLE sealjwt_ring RENAME TO r; CREATE VIEW sealjwt_ring AS SELECT * FROM r",
			"DROP VIEW sealjwt_ring; ALTER TABLE r RENAME TO sealjwt_ring")

		// As after a failover to a server with other settings.
		for _, setting := range []string{"fsync = off", "full_page_writes = off", "default_transaction_read_only = on"} {
			other := servers.PostgreSQL(t)
			losesDurability(t, e, other.PostgreSQLSchema(t), "ALTER SYSTEM SET "+setting, "SELECT pg_reload_conf()")
			other.Kill()
		}

		// A standby may be behind, so a Load from it is refused.
		s := e.ring(t, server.PostgreSQLPublic(), "idp")
		if _, err := s.Swap(t.Context(), "", []byte("a")); err != nil {
			t.Fatal(err)
		}
		standby := server.Standby(t)
		refusedRing(t, e, standby.PostgreSQLPublic(), "pg_is_in_recovery")
		db := servers.Open(t, e.driver, servers.PostgreSQLEither(server, standby))
		db.SetMaxIdleConns(0)
		either, err := sqlstore.New(t.Context(), db, e.dialect, "idp")
		if err != nil {
			t.Fatal(err)
		}
		server.Kill()
		if doc, _, err := either.Load(t.Context()); doc != nil || !errors.Is(err, sqldb.ErrNotDurable) {
			t.Errorf("Load from a standby: %q, %v", doc, err)
		}
		if _, err := either.Swap(t.Context(), "", []byte("b")); !errors.Is(err, sqldb.ErrNotDurable) {
			t.Errorf("Swap on a standby: %v", err)
		}
	})
	t.Run("MariaDB", func(t *testing.T) {
		e, server := engines[2], servers.MariaDB(t)
		dsn := server.MariaDBDatabase(t)
		s := losesDurability(t, e, dsn, "SET GLOBAL innodb_flush_log_at_trx_commit = 2")
		db := servers.Open(t, e.driver, dsn)
		refusedRing(t, e, dsn, "innodb_flush_log_at_trx_commit")
		if _, err := db.Exec("SET GLOBAL innodb_flush_log_at_trx_commit = 1"); err != nil {
			t.Fatal(err)
		}
		readsOld(t, e, server.MariaDBDatabase(t))
		place := server.MariaDBDatabase(t)
		e.ring(t, place, "idp")
		for _, engine := range []string{"MEMORY", "MyISAM", "Aria"} {
			// A table of MEMORY has no BLOB.
			unsafeRing(t, e, place, "ALTER TABLE sealjwt_ring MODIFY doc VARBINARY(9000), ENGINE="+engine, "ALTER TABLE sealjwt_ring ENGINE=InnoDB")
		}
		if _, err := db.Exec("SET GLOBAL innodb_flush_log_at_trx_commit = 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("SET GLOBAL read_only = 1"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Load(t.Context()); !errors.Is(err, sqldb.ErrNotDurable) {
			t.Errorf("Load from a replica: %v", err)
		}
		refusedRing(t, e, dsn, "read_only")
		server.Kill()
		logged := servers.MariaDB(t, "log-bin=binlog", "sync-binlog=0")
		refusedRing(t, e, logged.MariaDBDatabase(t), "sync_binlog")
		logged.Kill()
		synced := servers.MariaDB(t, "log-bin=binlog", "sync-binlog=1")
		losesDurability(t, e, synced.MariaDBDatabase(t), "SET GLOBAL sync_binlog = 0")
		synced.Kill()
		torn := servers.MariaDB(t, "skip-innodb-doublewrite")
		refusedRing(t, e, torn.MariaDBDatabase(t), "innodb_doublewrite")
		torn.Kill()
		implicit := servers.MariaDB(t, "autocommit=0")
		refusedRing(t, e, implicit.MariaDBDatabase(t), "autocommit")
	})
}

// unsafeRing checks that no store opens on a table whose rows a crash deletes.
func unsafeRing(t *testing.T, e engine, dsn, spoil, mend string) {
	t.Helper()
	db := servers.Open(t, e.driver, dsn)
	for _, statements := range []string{spoil, mend} {
		for statement := range strings.SplitSeq(statements, "; ") {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		if statements == spoil {
			refusedRing(t, e, dsn, "sealjwt_ring")
		}
	}
	if _, err := sqlstore.New(t.Context(), db, e.dialect, "idp"); err != nil {
		t.Error(err)
	}
}

// readsOld checks that a connection of MySQL which reads old data for ever is refused.
func readsOld(t *testing.T, e engine, dsn string) {
	t.Helper()
	other := e.ring(t, dsn, "idp")
	version := need(other.Swap(t.Context(), "", []byte("a")))
	refusedRing(t, e, dsn+"?autocommit=0", "autocommit")
	db := servers.Open(t, e.driver, dsn)
	db.SetMaxOpenConns(1)
	s := need(sqlstore.New(t.Context(), db, e.dialect, "idp"))
	if _, err := db.Exec("SET autocommit = 0"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		doc, _, err := s.Load(t.Context())
		if !errors.Is(err, sqldb.ErrNotDurable) || !strings.Contains(err.Error(), "autocommit") {
			t.Errorf("Load with autocommit off: %q, %v", doc, err)
		}
		version = need(other.Swap(t.Context(), version, []byte("b")))
	}
	if _, err := s.Swap(t.Context(), version, []byte("c")); !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("Swap with autocommit off: %v", err)
	}
}

// losesDurability checks that a store refuses to write once statements have changed its only
// connection.
func losesDurability(t *testing.T, e engine, dsn string, statements ...string) *sqlstore.Store {
	t.Helper()
	db := servers.Open(t, e.driver, dsn)
	db.SetMaxOpenConns(1)
	s, err := newRingStore(t.Context(), db, e.dialect, "idp")
	if err != nil {
		t.Fatal(err)
	}
	version, err := s.Swap(t.Context(), "", []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if statements[len(statements)-1] == "SELECT pg_reload_conf()" {
		setting := strings.Fields(statements[0])[3] // ALTER SYSTEM SET setting = value
		eventually(t, "the connection does not see "+statements[0], 10*time.Second, func() bool {
			var value string
			return db.QueryRow("SHOW "+setting).Scan(&value) == nil && strings.HasSuffix(statements[0], "= "+value)
		})
	}
	if _, err := s.Swap(t.Context(), version, []byte("b")); !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("a write after %s: %v", statements, err)
	}
	if doc, now, err := s.Load(t.Context()); err != nil || now != version || string(doc) != "a" {
		t.Errorf("after %s: %q, %v", statements, doc, err)
	}
	return s
}
