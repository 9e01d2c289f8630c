// Package sqlstore keeps sessions in a database, over database/sql: a PostgreSQL, MySQL or
// MariaDB server, or an SQLite file that several processes of one machine share. The program
// brings the driver:
//
//	db, err := sql.Open("pgx", dsn)
//	store, err := sqlstore.New(ctx, db, sqlstore.PostgreSQL)
//
// The package was tested with these drivers and names:
//
//   - github.com/jackc/pgx/v5/stdlib: "postgres://user@host/db". Behind a pooler that gives a
//     connection to each transaction, add default_query_exec_mode=exec.
//   - github.com/go-sql-driver/mysql: "user@tcp(host)/db"
//   - modernc.org/sqlite:
//     "file:/var/lib/idp/sessions.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=fullfsync(1)";
//     macOS needs fullfsync, without which its disks keep writes in their caches
//
// # Tables
//
// New makes four tables, whose names begin with sealjwt_: session, revoked, revision and registry.
// They hold no subject, no device and no key in the clear. They have no foreign keys, and your
// tables need none to them. Back them up and restore them together. After a restore, and after a
// failover to a standby that lagged, the registry answers sessions.ErrRolledBack until an operator
// decides: see sessions.Registry.
//
// A registry or a feed that has read the store before a restore or a failover, and still runs,
// notices it. If every process of the issuer was stopped, only a refresh token that is newer than
// its session in the store shows the restore. So call EndEverything of the registry then: else a
// session that ended since the backup can be refreshed, and a verifier that starts later accepts
// its tokens. Restore an SQLite file with its own command .restore, or stop the processes first: if
// another file takes its place, running processes keep the old file open and write to it.
//
// # Revisions
//
// Each revocation gets its number from one row, whose lock the transaction holds until it
// commits. So the numbers become visible in their order, and a reader that goes on from the
// last number misses none. A sequence does not work: it gives the number before the commit.
//
// # Durability
//
// New refuses a database that would acknowledge a write and lose it in a crash, and one that
// takes no writes; see [sqldb.CheckDurable] and [sqldb.CheckTables]. Each write checks the settings
// again, since they belong to the connection: another user of a pooler may have changed one, or a
// failover may have brought another server. Where a standby may take over, let the primary wait for
// the standby (synchronous_standby_names): else a failover loses the last acknowledged writes.
package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// Dialect is a kind of database.
type Dialect = sqldb.Dialect

// The dialects.
const (
	PostgreSQL = sqldb.PostgreSQL // 12 or newer
	MySQL      = sqldb.MySQL      // MySQL 8 or newer, MariaDB 10.5 or newer
	SQLite     = sqldb.SQLite     // 3.37 or newer
)

// Store is a [sessions.Store] in a database. It is safe for concurrent use, by many processes
// too. A zero Store returns an error.
type Store struct {
	db *sql.DB
	d  Dialect
	s  statements
}

// Format prints only the kind of the database, whatever the verb: the address of a database may
// hold a password.
func (s Store) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, s.d.String())
	}
}

// LogValue returns the kind of the database.
func (s Store) LogValue() slog.Value { return slog.StringValue(s.d.String()) }

var errZero = errors.New("sqlstore: a nil or zero Store has no database: use New")

// New returns a Store in a database, and makes its tables where they are missing. The caller
// keeps db open and closes it.
//
// It returns [sqldb.ErrDialect] for an unknown dialect, [sqldb.ErrNotDurable] for a database or a
// table that could lose a write that it has acknowledged or that takes no writes, an error for a
// nil db, and the errors of the database.
func New(ctx context.Context, db *sql.DB, d Dialect) (*Store, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	if db == nil {
		return nil, errors.New("sqlstore: the database is nil: use sql.Open")
	}
	s := &Store{db, d, newStatements(d)}
	if err := sqldb.Opening(ctx, d, func() error { return s.open(ctx) }); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := sqldb.CheckDurable(ctx, s.db, s.d); err != nil {
		return err
	}
	var revision int64
	// schema makes this row last: if it can be read, all tables exist.
	if s.db.QueryRowContext(ctx, "SELECT revision FROM sealjwt_revision WHERE id = 1").Scan(&revision) != nil {
		if err := sqldb.CreateTables(ctx, s.db, s.d, schema(s.d)); err != nil {
			return fmt.Errorf("sqlstore: making the tables: %w", err)
		}
	}
	return sqldb.CheckTables(ctx, s.db, s.d, "sealjwt_registry", "sealjwt_session", "sealjwt_revoked", "sealjwt_revision")
}

// ready returns an error for a zero Store or a context that has ended.
func (s *Store) ready(ctx context.Context) error {
	if s == nil || s.db == nil {
		return errZero
	}
	return ctx.Err()
}

// writing runs f in a transaction. It returns ErrUnknownOutcome if the commit fails, so that it may
// have been done or not.
func (s *Store) writing(ctx context.Context, f func(*sql.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	unknown, err := sqldb.Writing(ctx, s.db, s.d, f)
	if unknown {
		return fmt.Errorf("%w: %w", sessions.ErrUnknownOutcome, err)
	}
	return err
}

// LoadKeys returns the registry's document.
func (s *Store) LoadKeys(ctx context.Context) (doc []byte, version string, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, "", err
	}
	err = s.db.QueryRowContext(ctx, s.s.loadKeys).Scan(&doc, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", sessions.ErrNoKeys
	}
	return doc, version, err
}

// SwapKeys replaces the registry's document. The version is a random text. So a document that was
// deleted and made again, or that comes from a backup, never has the version of another document.
func (s *Store) SwapKeys(ctx context.Context, prev string, doc []byte) (version string, err error) {
	version = rand.Text()
	err = s.writing(ctx, func(tx *sql.Tx) error {
		if prev != "" {
			return one(tx.ExecContext(ctx, s.s.swapKeys, doc, version, prev))
		}
		return one(tx.ExecContext(ctx, s.s.createKeys, version, doc))
	})
	if err != nil {
		return "", err
	}
	return version, nil
}

// one returns ErrConflict unless a statement has changed exactly one row.
func one(r sql.Result, err error) error {
	changed, err := sqldb.ChangedOne(r, err)
	if err == nil && !changed {
		return sessions.ErrConflict
	}
	return err
}

// Sweep removes old sessions and revocations.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	return s.writing(ctx, func(tx *sql.Tx) error {
		newest, err := s.lock(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, s.s.sweepSessions, now.Unix()); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, s.s.sweepRevoked, now.Unix(), newest)
		return err
	})
}
