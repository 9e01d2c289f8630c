package stores

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// refused checks that a store does not open, and that the error names the setting.
func refused(t *testing.T, e engine, dsn, setting string) {
	t.Helper()
	s, err := sqlstore.New(t.Context(), servers.Open(t, e.driver, dsn), e.dialect)
	if s != nil || !errors.Is(err, sqldb.ErrNotDurable) || !strings.Contains(err.Error(), setting) {
		t.Errorf("%s: %v, want a refusal that names %s", dsn, err, setting)
	}
}

func TestSQLiteNotDurable(t *testing.T) {
	e := engines[0]
	const busy, wal, full = "_pragma=busy_timeout(20000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)"
	at := func(pragmas ...string) string {
		return "file:" + filepath.Join(t.TempDir(), "sessions.db") + "?" + strings.Join(pragmas, "&")
	}
	refused(t, e, at(busy, wal, "_pragma=synchronous(NORMAL)"), "synchronous")
	refused(t, e, at(busy, wal, "_pragma=synchronous(OFF)"), "synchronous")
	refused(t, e, at(busy, full, "_pragma=journal_mode(DELETE)"), "journal_mode")
	refused(t, e, at(busy, full, "_pragma=journal_mode(MEMORY)"), "journal_mode")
	refused(t, e, at(busy, full, "_pragma=journal_mode(OFF)"), "journal_mode")
	refused(t, e, at(wal, full), "busy_timeout")
	refused(t, e, at(wal, full, "_pragma=busy_timeout(999)"), "busy_timeout")
	refused(t, e, at(busy, wal, full, "_pragma=query_only(1)"), "query_only")
	refused(t, e, ":memory:?"+busy+"&"+full, "journal_mode")
	s, db := e.openDB(t, at(busy, wal, "_pragma=synchronous(EXTRA)"))
	// A connection of the pool has lost the setting. It writes nothing.
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA synchronous = NORMAL"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SwapKeys(t.Context(), "", []byte("x")); !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("a write with synchronous NORMAL: %v", err)
	}
}

func TestPostgreSQLNotDurable(t *testing.T) {
	beside(t)
	e, s := engines[1], servers.PostgreSQL(t)
	dsn := s.PostgreSQLSchema(t)
	refused(t, e, dsn+" synchronous_commit=off", "synchronous_commit")
	refused(t, e, dsn+" default_transaction_read_only=on", "read_only")
	for _, ok := range []string{"on", "remote_apply", "remote_write", "local"} {
		e.open(t, dsn+" synchronous_commit="+ok)
	}
	for _, setting := range []string{"fsync", "full_page_writes"} {
		other := servers.PostgreSQL(t, setting+"=off")
		refused(t, e, other.PostgreSQLSchema(t), setting)
		other.Kill()
	}
}

func TestPostgreSQLStandby(t *testing.T) {
	beside(t)
	e, s := engines[1], servers.PostgreSQL(t)
	e.open(t, s.PostgreSQLSchema(t))
	standby := s.Standby(t)
	refused(t, e, standby.PostgreSQLPublic(), "pg_is_in_recovery")
}

func TestMariaDBNotDurable(t *testing.T) {
	beside(t)
	e, s := engines[2], servers.MariaDB(t)
	dsn := s.MariaDBDatabase(t)
	e.open(t, dsn)
	db := servers.Open(t, e.driver, dsn)
	for setting, values := range map[string][2]string{"innodb_flush_log_at_trx_commit": {"2", "1"}, "read_only": {"1", "0"}} {
		for _, v := range append([]string{}, values[0]) {
			if _, err := db.Exec("SET GLOBAL " + setting + " = " + v); err != nil {
				t.Fatal(err)
			}
			refused(t, e, dsn, setting)
		}
		if _, err := db.Exec("SET GLOBAL " + setting + " = " + values[1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("SET GLOBAL innodb_flush_log_at_trx_commit = 0"); err != nil {
		t.Fatal(err)
	}
	refused(t, e, dsn, "innodb_flush_log_at_trx_commit")
}

func TestNewRefuses(t *testing.T) {
	if _, err := sqlstore.New(t.Context(), nil, sqlstore.SQLite); err == nil {
		t.Error("a nil database")
	}
	db := servers.Open(t, "sqlite", servers.SQLite(t))
	for _, d := range []sqlstore.Dialect{0, 4, -1} {
		if _, err := sqlstore.New(t.Context(), db, d); !errors.Is(err, sqldb.ErrDialect) {
			t.Errorf("dialect %d: %v", d, err)
		}
	}
	if _, err := sqlstore.New(t.Context(), db, sqlstore.PostgreSQL); err == nil {
		t.Error("SQLite as PostgreSQL")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlstore.New(ctx, db, sqlstore.SQLite); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}
