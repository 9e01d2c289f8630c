package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNotDurable says that the database would acknowledge a write that a crash can take back, that
// it takes no writes, or that it lacks another setting that [CheckDurable] demands.
var ErrNotDurable = errors.New("sqldb: the database is not durable")

// querier is a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// CheckDurable returns [ErrNotDurable] for a database that could lose a write that it has
// acknowledged, or that takes no writes. The text says which setting to change:
//   - PostgreSQL with synchronous_commit, fsync or full_page_writes off, with
//     default_transaction_read_only on, or as a standby;
//   - MySQL with innodb_flush_log_at_trx_commit other than 1, with innodb_doublewrite off, with
//     a binary log and sync_binlog other than 1, or read_only;
//   - SQLite with synchronous below FULL, with another journal_mode than WAL (where readers
//     would block writers), with a busy_timeout below a second, or with query_only on. It does
//     not notice a file that was opened with mode=ro.
//
// It checks one connection, and cannot see the others. So make these settings in the server or
// in the data source name, where they count for every connection, and not by a statement on one
// connection. It returns the errors of the database too.
func CheckDurable(ctx context.Context, db *sql.DB, d Dialect) error {
	if err := d.Check(); err != nil {
		return err
	}
	if db == nil {
		return errNil
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	switch d {
	case PostgreSQL:
		return check(ctx, conn, slices.Concat(postgreSQLConnection, postgreSQLServer))
	case MySQL:
		return check(ctx, conn, slices.Concat(mySQLConnection, mySQLServer))
	}
	return check(ctx, conn, slices.Concat(sqliteConnection, sqliteFile))
}

// CheckTx returns [ErrNotDurable] for a transaction on a connection that could lose the write
// after it has acknowledged it. The connection may have lost a setting since [CheckDurable]:
// another part of the program or, behind a pooler, another program may have changed it, or a
// new connection may have reached a standby. CheckTx checks only the settings that can differ
// between connections. With SQLite it reads nothing from the disk. It returns the errors of the
// database too.
func CheckTx(ctx context.Context, tx *sql.Tx, d Dialect) error {
	if err := d.Check(); err != nil {
		return err
	}
	if tx == nil {
		return errNil
	}
	switch d {
	case PostgreSQL:
		return check(ctx, tx, postgreSQLConnection)
	case MySQL:
		return check(ctx, tx, mySQLConnection)
	}
	return check(ctx, tx, sqliteConnection)
}

// setting is a setting that a database must have.
type setting struct {
	query  string
	ok     func(value string) bool
	advice string
}

func is(want ...string) func(string) bool {
	return func(value string) bool {
		for _, w := range want {
			if strings.EqualFold(w, value) {
				return true
			}
		}
		return false
	}
}

func isNot(bad ...string) func(string) bool {
	return func(value string) bool { return !is(bad...)(value) }
}

func check(ctx context.Context, q querier, settings []setting) error {
	for _, s := range settings {
		var value sql.NullString
		if err := q.QueryRowContext(ctx, s.query).Scan(&value); err != nil {
			return fmt.Errorf("sqldb: %s: %w", s.query, err)
		}
		if !s.ok(value.String) {
			return fmt.Errorf("%w: %s is %q: %s", ErrNotDurable, s.query, value.String, s.advice)
		}
	}
	return nil
}

// The settings that CheckTx checks for each write: two connections can differ in them, also because
// the connections may lead to two servers.
var (
	postgreSQLConnection = []setting{
		{"SELECT CAST(pg_is_in_recovery() AS TEXT)", is("false"), "connect to the primary, and not to a standby"},
		{"SHOW synchronous_commit", isNot("off"), "set it to on"},
	}
	mySQLConnection = []setting{
		{"SELECT @@global.read_only", is("0", "OFF"), "connect to the primary, and not to a replica"},
		{"SELECT @@global.innodb_flush_log_at_trx_commit", is("1"), "set it to 1"},
	}
	sqliteConnection = []setting{
		{"PRAGMA synchronous", is("2", "3"), "set it to FULL for every connection, in the data source name"},
	}
)

// The other settings, which only CheckDurable checks.
var (
	postgreSQLServer = []setting{
		{"SHOW default_transaction_read_only", is("off"), "connect to a database that takes writes"},
		{"SHOW fsync", is("on"), "set it to on"},
		{"SHOW full_page_writes", is("on"), "set it to on"},
	}
	mySQLServer = []setting{
		{"SELECT @@global.innodb_doublewrite", isNot("0", "OFF"), "set it to ON"},
		// After a power cut the server rolls back the writes that are not in the binary log.
		{"SELECT CASE WHEN @@global.log_bin THEN @@global.sync_binlog ELSE 1 END", is("1"), "set sync_binlog to 1"},
	}
	sqliteFile = []setting{
		{"PRAGMA journal_mode", is("wal"), "give a file and not :memory:, and set it to WAL"},
		{"PRAGMA query_only", is("0"), "open the file for writing"},
		{"PRAGMA busy_timeout", func(v string) bool { return len(v) >= 4 }, "set it to 10000 or so (milliseconds) for every connection, in the data source name"},
	}
)
