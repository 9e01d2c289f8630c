package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
// acknowledged, that takes no writes, or that may read old data. The text says which setting to
// change:
//   - PostgreSQL with synchronous_commit, fsync or full_page_writes off, with
//     default_transaction_read_only on, or as a standby;
//   - MySQL with innodb_flush_log_at_trx_commit other than 1, with an innodb_doublewrite that does
//     not recover pages, with a binary log and sync_binlog other than 1, read_only, or with
//     autocommit off, where a connection reads old data for ever;
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
	if d == SQLite {
		return check(ctx, conn, d, slices.Concat(sqliteConnection, sqliteFile))
	}
	return check(ctx, conn, d, d.settings())
}

// CheckTx returns [ErrNotDurable] for a transaction on a connection that could lose the write
// after it has acknowledged it. The connection may have lost a setting since [CheckDurable]:
// another part of the program or, behind a pooler, another program may have changed it, or a
// new connection may have reached another server after a failover. CheckTx asks a server once, for
// all settings. With SQLite it reads nothing from the disk. It returns the errors of the database
// too.
func CheckTx(ctx context.Context, tx *sql.Tx, d Dialect) error {
	if err := d.Check(); err != nil {
		return err
	}
	if tx == nil {
		return errNil
	}
	return check(ctx, tx, d, d.settings())
}

// Durable returns an SQL condition that holds on each connection that [CheckTx] accepts. A single
// statement with this condition needs no transaction in which to check. SQLite has no such
// condition that reads nothing from the disk, so there it always holds.
func (d Dialect) Durable() string {
	if d != PostgreSQL && d != MySQL {
		return "1 = 1"
	}
	var all []string
	for _, s := range d.settings() {
		value := s.ask
		if d == MySQL { // a number would equal each text that is not a number
			value = "CAST(" + value + " AS CHAR)"
		}
		all = append(all, value+" IN ('"+strings.Join(s.good, "', '")+"')")
	}
	return strings.Join(all, " AND ")
}

// setting is a setting that a database must have.
type setting struct {
	ask    string   // an expression of a server, or a statement of SQLite
	good   []string // the values that are safe
	least  int      // without good: the lowest number that is safe
	advice string
}

func (s setting) ok(value string) bool {
	if s.good == nil {
		n, err := strconv.Atoi(value)
		return err == nil && n >= s.least
	}
	return slices.ContainsFunc(s.good, func(good string) bool { return strings.EqualFold(good, value) })
}

// check asks a server all settings in one statement, because each statement costs a round trip.
func check(ctx context.Context, q querier, d Dialect, settings []setting) error {
	if d == SQLite {
		for _, s := range settings {
			if err := checkIn(ctx, q, s.ask, s); err != nil {
				return err
			}
		}
		return nil
	}
	var asks []string
	for _, s := range settings {
		asks = append(asks, s.ask)
	}
	return checkIn(ctx, q, "SELECT "+strings.Join(asks, ", "), settings...)
}

func checkIn(ctx context.Context, q querier, query string, settings ...setting) error {
	values := make([]sql.NullString, len(settings))
	var into []any
	for i := range values {
		into = append(into, &values[i])
	}
	if err := q.QueryRowContext(ctx, query).Scan(into...); err != nil {
		return fmt.Errorf("sqldb: %s: %w", query, err)
	}
	for i, s := range settings {
		if value := values[i].String; !s.ok(value) {
			return fmt.Errorf("%w: %s is %q: %s", ErrNotDurable, s.ask, value, s.advice)
		}
	}
	return nil
}

// settings returns the settings in which two connections can differ, also because they may lead to
// two servers.
func (d Dialect) settings() []setting {
	switch d {
	case PostgreSQL:
		return postgreSQLServer
	case MySQL:
		return mySQLServer
	}
	return sqliteConnection
}

var (
	postgreSQLServer = []setting{
		{ask: "CAST(pg_is_in_recovery() AS TEXT)", good: []string{"false"}, advice: "connect to the primary, and not to a standby"},
		{ask: "current_setting('synchronous_commit')", good: []string{"on", "local", "remote_write", "remote_apply"}, advice: "set it to on"},
		{ask: "current_setting('default_transaction_read_only')", good: []string{"off"}, advice: "connect to a database that takes writes"},
		{ask: "current_setting('fsync')", good: []string{"on"}, advice: "set it to on"},
		{ask: "current_setting('full_page_writes')", good: []string{"on"}, advice: "set it to on"},
	}
	mySQLServer = []setting{
		{ask: "@@global.read_only", good: []string{"0", "OFF"}, advice: "connect to the primary, and not to a replica"},
		{ask: "@@global.innodb_flush_log_at_trx_commit", good: []string{"1"}, advice: "set it to 1"},
		// DETECT_ONLY finds a torn page and cannot mend it.
		{ask: "@@global.innodb_doublewrite", good: []string{"1", "ON", "DETECT_AND_RECOVER"}, advice: "set it to ON"},
		// After a power cut the server rolls back the writes that are not in the binary log.
		{ask: "CASE WHEN @@global.log_bin THEN @@global.sync_binlog ELSE 1 END", good: []string{"1"}, advice: "set sync_binlog to 1"},
		// Without it the first read begins a transaction that never ends and that sees no later write.
		{ask: "@@session.autocommit", good: []string{"1", "ON"}, advice: "set it to 1 in the server and in the data source name"},
	}
	sqliteConnection = []setting{
		{ask: "PRAGMA synchronous", good: []string{"2", "3"}, advice: "set it to FULL for every connection, in the data source name"},
	}
	sqliteFile = []setting{
		{ask: "PRAGMA journal_mode", good: []string{"wal"}, advice: "give a file and not :memory:, and set it to WAL"},
		{ask: "PRAGMA query_only", good: []string{"0"}, advice: "open the file for writing"},
		{ask: "PRAGMA busy_timeout", least: 1000, advice: "set it to 10000 or so (milliseconds) for every connection, in the data source name"},
	}
)
