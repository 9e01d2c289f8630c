package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const openTries = 20

// Opening calls f, which opens a database for the first time. With SQLite it calls f again after
// an error, for a second: when several processes open a new file at once, one of them switches the
// file to WAL, and the others get SQLITE_BUSY from the switch, whatever their busy_timeout says.
// Opening returns the last error of f, and [ErrNotDurable] at once. It returns [ErrDialect] for an
// unknown dialect, and the error of a context that ends while it waits.
func Opening(ctx context.Context, d Dialect, f func() error) (err error) {
	if err := d.Check(); err != nil {
		return err
	}
	if f == nil {
		return errNil
	}
	for try := range openTries {
		if err = f(); err == nil || d != SQLite || errors.Is(err, ErrNotDurable) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try+1) * 5 * time.Millisecond):
		}
	}
	return err
}

// CreateTables runs statements in one transaction. Several processes may call it at once. In
// PostgreSQL one of two processes that make the same table at once fails in spite of IF NOT EXISTS,
// so CreateTables takes a lock in PostgreSQL, and the processes run one after the other. It returns
// [ErrDialect] and the errors of the database.
func CreateTables(ctx context.Context, db *sql.DB, d Dialect, statements []string) error {
	_, err := Writing(ctx, db, d, func(tx *sql.Tx) error {
		if d == PostgreSQL {
			if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(7310023)"); err != nil {
				return err
			}
		}
		for _, statement := range statements {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// CheckTables returns [ErrNotDurable] for a table that loses its rows in a crash, whatever the
// settings of the server are: an unlogged or temporary table of PostgreSQL, and a table of MySQL in
// another engine than InnoDB. It refuses a view, since it does not see the tables behind it, and a
// table that does not exist. With SQLite it has nothing to check. It returns [ErrDialect] and the
// errors of the database too.
func CheckTables(ctx context.Context, db *sql.DB, d Dialect, tables ...string) error {
	if err := d.Check(); err != nil {
		return err
	}
	if db == nil {
		return errNil
	}
	var query, want, advice string
	switch d {
	case PostgreSQL:
		// The row holds the kind of the relation (r for a table) and its persistence (p for permanent).
		query, want = "SELECT CAST(relkind AS TEXT) || CAST(relpersistence AS TEXT) FROM pg_class WHERE oid = to_regclass($1)", "rp"
		advice = "make it an ordinary table: ALTER TABLE … SET LOGGED"
	case MySQL:
		query, want = "SELECT COALESCE(engine, '') FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?", "InnoDB"
		advice = "make it a table of InnoDB: ALTER TABLE … ENGINE=InnoDB"
	default:
		return nil
	}
	for _, table := range tables {
		var kind string
		err := db.QueryRowContext(ctx, query, table).Scan(&kind)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("sqldb: the table %s: %w", table, err)
		}
		if kind != want {
			return fmt.Errorf("%w: the table %s is of kind %q, and not %q, so a crash can empty it: %s", ErrNotDurable, table, kind, want, advice)
		}
	}
	return nil
}

// ChangedOne takes the results of ExecContext, and reports whether the statement has changed
// exactly one row.
func ChangedOne(r sql.Result, err error) (bool, error) {
	if err != nil || r == nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}
