package stores

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/open/sessions"
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
	unsafeTables(t, e, dsn, "ALTER TABLE %s SET UNLOGGED", "ALTER TABLE %s SET LOGGED")
	losesSetting(t, e, dsn, "SET synchronous_commit = off")
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
	if _, err := db.Exec("SET GLOBAL innodb_flush_log_at_trx_commit = 1"); err != nil {
		t.Fatal(err)
	}
	refused(t, e, dsn+"?autocommit=0", "autocommit")
	unsafeTables(t, e, dsn, "ALTER TABLE %s ENGINE=Aria", "ALTER TABLE %s ENGINE=InnoDB")
	losesSetting(t, e, dsn, "SET autocommit = 0")
}

// unsafeTables checks that no store opens on a table whose rows a crash deletes.
func unsafeTables(t *testing.T, e engine, dsn, spoil, mend string) {
	t.Helper()
	_, db := e.openDB(t, dsn)
	for _, table := range []string{"sealjwt_registry", "sealjwt_session", "sealjwt_revoked", "sealjwt_revision"} {
		for _, statement := range []string{spoil, mend} {
			if _, err := db.Exec(fmt.Sprintf(statement, table)); err != nil {
				t.Fatal(err)
			}
			if statement == spoil {
				refused(t, e, dsn, table)
			}
		}
	}
	e.open(t, dsn)
}

// losesSetting takes a setting from the only connection of a pool. From then on no method of the
// store writes there, and Tail returns no old data.
func losesSetting(t *testing.T, e engine, dsn, statement string) {
	t.Helper()
	s, db := e.openDB(t, dsn)
	db.SetMaxOpenConns(1)
	ctx, until := t.Context(), time.Now().Add(time.Hour)
	row := sessions.Row{ID: sessions.ID{1}, Key: "k", Sealed: []byte("x"), Version: 1, Started: until, Seen: until, Expires: until, Turned: until}
	if _, err := s.Start(ctx, row, 10, until); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"SwapKeys": func() error { _, err := s.SwapKeys(ctx, "", []byte("x")); return err },
		"Start": func() error {
			another := row
			another.ID = sessions.ID{2}
			_, err := s.Start(ctx, another, 10, until)
			return err
		},
		"Update": func() error { return s.Update(ctx, row) },
		"End": func() error {
			_, err := s.End(ctx, sessions.Which{User: row.User, IDs: []sessions.ID{row.ID}}, until)
			return err
		},
		"Append": func() error { return s.Append(ctx, []sessions.Ended{{Entry: sessions.Entry{1}, Until: until}}) },
		"Sweep":  func() error { return s.Sweep(ctx, until) },
	} {
		if err := write(); !errors.Is(err, sqldb.ErrNotDurable) {
			t.Errorf("%s after %s: %v", name, statement, err)
		}
	}
	other := e.open(t, dsn)
	if now, err := other.Get(ctx, row.ID); err != nil || now.Version != 1 {
		t.Errorf("after %s: version %d, %v", statement, now.Version, err)
	}
	// The connection reads once, and then another process ends the session.
	if _, err := s.Tail(ctx, sessions.Cursor{}, 10); err != nil && !errors.Is(err, sqldb.ErrNotDurable) {
		t.Fatal(err)
	}
	if _, err := other.End(ctx, sessions.Which{User: row.User, IDs: []sessions.ID{row.ID}}, until); err != nil {
		t.Fatal(err)
	}
	if tail, err := s.Tail(ctx, sessions.Cursor{}, 10); len(tail.Revocations) == 0 && !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("Tail after %s hides a revocation: %v", statement, err)
	}
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
