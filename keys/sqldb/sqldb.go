// Package sqldb has what the stores over database/sql share (keys/sqlstore and
// open/sessions/sqlstore): the dialects of SQL, and the refusal of a database that could lose a
// write that it has acknowledged. Users need only the names of the dialects, which both packages
// repeat. This package imports no driver: the program imports one.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Dialect is a kind of database. The zero Dialect is not valid.
type Dialect int

// The dialects.
const (
	PostgreSQL Dialect = iota + 1 // 12 or newer
	MySQL                         // MySQL 8 or newer, MariaDB 10.5 or newer
	SQLite                        // 3.37 or newer
)

// String returns the name of the dialect.
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case MySQL:
		return "MySQL"
	case SQLite:
		return "SQLite"
	}
	return "no dialect"
}

// ErrDialect says that a Dialect is not one of the constants of this package.
var ErrDialect = errors.New("sqldb: the dialect must be PostgreSQL, MySQL or SQLite")

var errNil = errors.New("sqldb: there is no database: use sql.Open")

// Check returns [ErrDialect] for a Dialect that is not one of the constants of this package.
func (d Dialect) Check() error {
	if d < PostgreSQL || d > SQLite {
		return ErrDialect
	}
	return nil
}

// Bind returns a statement with the placeholders of the dialect in place of each question
// mark. No statement may hold a question mark in another sense.
func (d Dialect) Bind(statement string) string {
	if d != PostgreSQL {
		return statement
	}
	var b strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// Marks returns n question marks with commas between them, for an IN (…) in a statement for Bind.
func Marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// Types returns the column types of the dialect.
func (d Dialect) Types() Types {
	switch d {
	case PostgreSQL:
		return Types{func(int) string { return "BYTEA" }, "BYTEA", "BYTEA", "VARCHAR(64)", ""}
	case MySQL:
		fixed := func(n int) string { return fmt.Sprintf("VARBINARY(%d)", n) }
		return Types{fixed, "BLOB", "LONGBLOB", "VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin", " ENGINE=InnoDB"}
	}
	return Types{func(int) string { return "BLOB" }, "BLOB", "BLOB", "TEXT", " STRICT"}
}

// Types are column types: Fixed is for bytes of a fixed length, Bytes for up to 65,535 bytes, Large
// for up to 4 MiB, and Text for up to 64 ASCII characters.
type Types struct {
	Fixed        func(bytes int) string
	Bytes, Large string
	Text         string
	Table        string // the text behind the columns in CREATE TABLE
}

// Isolation returns the options of a transaction that writes. In PostgreSQL and MySQL each of its
// statements sees what was committed before that statement.
func (d Dialect) Isolation() *sql.TxOptions {
	if d == SQLite { // SQLite has only one isolation level
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// Stale returns an SQL expression that is empty on a connection that reads the newest data. On a
// standby, and on a connection of MySQL whose reads never end, it is a text that says what to do.
func (d Dialect) Stale() string {
	const standby = "'it is a standby, which may have older data: connect to the primary'"
	switch d {
	case PostgreSQL:
		return "CASE WHEN pg_is_in_recovery() THEN " + standby + " ELSE '' END"
	case MySQL:
		return "CASE WHEN CAST(@@global.read_only AS CHAR) NOT IN ('0', 'OFF') THEN " + standby +
			" WHEN @@session.autocommit = 0 THEN 'autocommit is off, so a connection reads old data for ever: set it to 1' ELSE '' END"
	}
	return "''"
}

// Locking returns the clause behind a SELECT that locks its rows until the transaction ends. It
// is empty for SQLite, which locks the whole database at the first write.
func (d Dialect) Locking() string {
	if d == SQLite {
		return ""
	}
	return " FOR UPDATE"
}

// errTxOpen is ER_CANT_CHANGE_TX_CHARACTERISTICS of MySQL. This module has no driver, so only the
// text has the number.
const errTxOpen = "Error 1568"

// Writing begins a transaction, checks it with [CheckTx], calls f, and commits. If Writing returns
// an error and unknown is false, nothing was written. If the commit itself fails, it may have been
// done or not: Writing returns its error with unknown set.
func Writing(ctx context.Context, db *sql.DB, d Dialect, f func(*sql.Tx) error) (unknown bool, err error) {
	if err := d.Check(); err != nil {
		return false, err
	}
	if db == nil || f == nil {
		return false, errNil
	}
	tx, err := db.BeginTx(ctx, d.Isolation())
	if err != nil {
		if d == MySQL && strings.Contains(err.Error(), errTxOpen) {
			err = fmt.Errorf("%w: autocommit is off, so a read has left a transaction open: set it to 1: %w", ErrNotDurable, err)
		}
		return false, err
	}
	defer tx.Rollback() // does nothing after a commit
	if err := CheckTx(ctx, tx, d); err != nil {
		return false, err
	}
	if err := f(tx); err != nil {
		return false, err
	}
	// database/sql does not send the commit once the context has ended.
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = tx.Commit()
	return err != nil && !errors.Is(err, sql.ErrTxDone), err
}
