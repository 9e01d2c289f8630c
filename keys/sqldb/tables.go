package sqldb

import (
	"context"
	"database/sql"
	"errors"
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

// ChangedOne takes the results of ExecContext, and reports whether the statement has changed
// exactly one row.
func ChangedOne(r sql.Result, err error) (bool, error) {
	if err != nil || r == nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}
