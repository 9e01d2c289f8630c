package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
)

// Dialect is a kind of database.
type Dialect = sqldb.Dialect

// The dialects.
const (
	PostgreSQL = sqldb.PostgreSQL // 12 or newer
	MySQL      = sqldb.MySQL      // MySQL 8 or newer, MariaDB 10.5 or newer
	SQLite     = sqldb.SQLite     // 3.37 or newer
)

const (
	table   = "sealjwt_ring"
	maxName = 255     // bytes
	maxSize = 2 << 20 // bytes of a ring, as in a file
)

// Store is a [keyring.Store] in a database. It is safe for concurrent use, by many processes
// too. A zero Store returns [keyring.ErrConfig].
type Store struct {
	db    *sql.DB
	d     Dialect
	name  string
	s     statements
	saved *atomic.Pointer[string] // the newest version that is known to be on the disk
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

// New returns the store of the ring with a name, of 1 to 255 bytes of UTF-8 without control
// characters. Two names mean the same ring only if their bytes are the same. New writes
// nothing. The caller keeps db open and closes it.
//
// It returns [keyring.ErrConfig] for another name and for a nil db, [sqldb.ErrDialect],
// [sqldb.ErrNotDurable] for a database or a table that could lose a write that it has
// acknowledged, or that takes no writes, such as a standby, and the errors of the database, also
// when the table does not exist: call [CreateTable] first.
func New(ctx context.Context, db *sql.DB, d Dialect, name string) (*Store, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	if db == nil {
		return nil, fmt.Errorf("%w: the database is nil: use sql.Open", keyring.ErrConfig)
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	s := &Store{db, d, name, newStatements(d), new(atomic.Pointer[string])}
	if err := sqldb.Opening(ctx, d, func() error { return sqldb.CheckDurable(ctx, db, d) }); err != nil {
		return nil, err
	}
	var n int
	if err := db.QueryRowContext(ctx, s.s.count, name).Scan(&n); err != nil {
		return nil, fmt.Errorf("sqlstore: the table sealjwt_ring cannot be read: make it once with CreateTable: %w", err)
	}
	if err := sqldb.CheckTables(ctx, db, d, table); err != nil {
		return nil, err
	}
	return s, nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("%w: the name of a ring has 1 to %d bytes of UTF-8, and this one has %d", keyring.ErrConfig, maxName, len(name))
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Errorf("%w: the name of the ring %q has a control character", keyring.ErrConfig, name)
		}
	}
	return nil
}

// CreateTable makes the table of the rings where it is missing. Any number of processes may call
// it at once. An operator calls it once, with the right to make tables, and the services need no
// such right. It returns [sqldb.ErrDialect], [sqldb.ErrNotDurable] as [New] does, an error for a
// nil db, and the errors of the database.
func CreateTable(ctx context.Context, db *sql.DB, d Dialect) error {
	return sqldb.Opening(ctx, d, func() error {
		if err := sqldb.CheckDurable(ctx, db, d); err != nil {
			return err
		}
		if err := sqldb.CreateTables(ctx, db, d, schema(d)); err != nil {
			return fmt.Errorf("sqlstore: making the table sealjwt_ring: %w", err)
		}
		return sqldb.CheckTables(ctx, db, d, table)
	})
}

func (s *Store) ready(ctx context.Context) error {
	if s == nil || s.db == nil {
		return fmt.Errorf("%w: a nil or zero Store has no database: use sqlstore.New", keyring.ErrConfig)
	}
	return ctx.Err()
}

// Load returns the ring and its version.
//
// Besides the errors of [keyring.Store] it returns [keyring.ErrConfig] for a zero Store,
// [sqldb.ErrNotDurable] from a standby, and from a connection of MySQL with autocommit off, which
// may have an older ring, [keyring.ErrUnreadable] for a row that is empty or too large for a ring,
// and the errors of the database.
func (s *Store) Load(ctx context.Context) (doc []byte, version string, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, "", err
	}
	var (
		stale  string
		stored sql.NullString
	)
	if err := s.db.QueryRowContext(ctx, s.s.load, s.name).Scan(&stale, &stored, &doc); err != nil {
		return nil, "", err
	}
	switch version = stored.String; {
	case stale != "":
		return nil, "", fmt.Errorf("%w: %s", sqldb.ErrNotDurable, stale)
	case !stored.Valid:
		return nil, "", keyring.ErrNoRing
	case len(doc) == 0 || len(doc) > maxSize:
		return nil, "", fmt.Errorf("%w: a ring has 1 to %d bytes", keyring.ErrUnreadable, maxSize)
	}
	if err := s.flush(ctx, version); err != nil {
		return nil, "", err
	}
	return doc, version, nil
}

// Swap replaces the ring. Each write draws a random version, so that a ring that was deleted
// and made again never has a version of the deleted one. If the commit fails with unknown
// outcome, Swap tries for up to five seconds to learn whether the commit was done.
//
// Besides the errors of [keyring.Store] it returns [keyring.ErrConfig] for a zero Store,
// [sqldb.ErrNotDurable] if the connection could lose the write after it has acknowledged it;
// then nothing was written. It returns the errors of the database too.
func (s *Store) Swap(ctx context.Context, prev string, doc []byte) (version string, err error) {
	if err := s.ready(ctx); err != nil {
		return "", err
	}
	// Load would refuse such a ring.
	if len(doc) == 0 || len(doc) > maxSize {
		return "", fmt.Errorf("sqlstore: a ring has 1 to %d bytes, not %d", maxSize, len(doc))
	}
	version = rand.Text()
	unknown, err := sqldb.Writing(ctx, s.db, s.d, func(tx *sql.Tx) error { return s.write(ctx, tx, prev, version, doc) })
	if unknown {
		err = s.settle(ctx, prev, version, err)
	}
	if err != nil {
		return "", err
	}
	s.saved.Store(&version)
	return version, nil
}

func (s *Store) write(ctx context.Context, tx *sql.Tx, prev, version string, doc []byte) error {
	statement, args := s.s.create, []any{version, doc, s.name}
	if prev != "" {
		statement, args = s.s.replace, append(args, prev)
	}
	if changed, err := sqldb.ChangedOne(tx.ExecContext(ctx, statement, args...)); err != nil || changed {
		return err
	}
	// A driver or a proxy that lost an answer may have sent the statement twice. Then the second
	// statement changes no row, and the row has the new version.
	if now, err := versionIn(tx.QueryRowContext(ctx, s.s.version, s.name)); err != nil || now == version {
		return err
	}
	return keyring.ErrConflict
}

var _ keyring.Store = (*Store)(nil)
