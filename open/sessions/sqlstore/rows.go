package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// scan reads the columns of a row.
func scan(from interface{ Scan(...any) error }) (sessions.Row, error) {
	var (
		row                                               sessions.Row
		id, user, entry                                   []byte
		version, started, seen, expires, generation, turn int64
	)
	if err := from.Scan(&id, &user, &entry, &version, &row.Key, &row.Sealed, &started, &seen, &expires, &generation, &turn); err != nil {
		return row, err
	}
	if len(id) != len(row.ID) || len(user) != len(row.User) || len(entry) != len(row.Entry) || version < 0 || generation < 0 {
		return row, errors.New("sqlstore: a row has columns of another size")
	}
	row.ID, row.User, row.Entry = sessions.ID(id), sessions.User(user), sessions.Entry(entry)
	row.Version, row.Generation = uint64(version), uint64(generation)
	row.Started, row.Seen, row.Expires = unix(started), unix(seen), unix(expires)
	row.Turned = time.UnixMilli(turn).UTC()
	return row, nil
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// Get returns a session.
func (s *Store) Get(ctx context.Context, id sessions.ID) (sessions.Row, error) {
	if err := s.ready(ctx); err != nil {
		return sessions.Row{}, err
	}
	row, err := scan(s.db.QueryRowContext(ctx, s.s.get, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return sessions.Row{}, sessions.ErrNoSession
	}
	if err != nil {
		return sessions.Row{}, err
	}
	return row, nil
}

// List returns the sessions of a user.
func (s *Store) List(ctx context.Context, user sessions.User) ([]sessions.Row, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.list(ctx, s.db, user)
}

// queries is a database or a transaction.
type queries interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s *Store) list(ctx context.Context, q queries, user sessions.User) (list []sessions.Row, err error) {
	rows, err := q.QueryContext(ctx, s.s.list, user[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// errFull rolls a Start back that must also end sessions, so that Start tries again with the lock
// of the counter.
var errFull = errors.New("sqlstore: the user has more sessions than the limit")

// Start adds a session, and ends the oldest ones of its user beyond the limit.
func (s *Store) Start(ctx context.Context, row sessions.Row, limit int, until time.Time) (ended int, err error) {
	insert := func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.s.insert, row.ID[:], row.User[:], row.Entry[:], 1, row.Key, row.Sealed, row.Started.Unix(), row.Seen.Unix(),
			row.Expires.Unix(), int64(row.Generation), row.Turned.UnixMilli())
		return err
	}
	surplus := func(tx *sql.Tx) ([]sessions.Row, error) {
		rows, err := s.list(ctx, tx, row.User)
		if err != nil || len(rows) <= limit {
			return nil, err
		}
		n := len(rows) - max(limit, 1)
		others := slices.DeleteFunc(rows, func(r sessions.Row) bool { return r.ID == row.ID })
		return others[:min(n, len(others))], nil
	}
	// A transaction that ends sessions must lock the counter of revisions before it locks rows.
	// Most logins end no session, so the first try does not lock the counter.
	err = s.writing(ctx, func(tx *sql.Tx) error {
		if err := insert(tx); err != nil {
			return err
		}
		if rows, err := surplus(tx); err != nil || len(rows) > 0 {
			return cmp.Or(err, errFull)
		}
		return nil
	})
	if err != errFull {
		return 0, err
	}
	err = s.writing(ctx, func(tx *sql.Tx) error {
		revision, err := s.lock(ctx, tx)
		if err != nil {
			return err
		}
		if err := insert(tx); err != nil {
			return err
		}
		rows, err := surplus(tx)
		if err != nil {
			return err
		}
		ended, err = s.endRows(ctx, tx, revision, rows, until)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// Update replaces a session, mostly in one statement. If that statement changes no row, a
// transaction finds out why: the session has another version, or the connection is not durable.
// With a server it returns ErrUnknownOutcome for an error of the statement, since a connection may
// break between the write and its answer.
func (s *Store) Update(ctx context.Context, row sessions.Row) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	changed, err := s.updateOnce(ctx, row)
	if err != nil || changed {
		return err
	}
	var version int64
	err = s.db.QueryRowContext(ctx, s.s.exists, row.ID[:]).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return sessions.ErrNoSession
	case err != nil:
		return err
	}
	return sessions.ErrConflict
}

func (s *Store) updateOnce(ctx context.Context, row sessions.Row) (changed bool, err error) {
	args := []any{
		row.User[:], row.Entry[:], row.Key, row.Sealed, row.Started.Unix(), row.Seen.Unix(), row.Expires.Unix(), int64(row.Generation),
		row.Turned.UnixMilli(), row.ID[:], int64(row.Version),
	}
	// Most updates cost one round trip: the statement itself checks that its connection is durable.
	if s.d != SQLite {
		err := one(s.db.ExecContext(ctx, s.s.update+s.s.durably, args...))
		switch {
		case err == nil:
			return true, nil
		case !errors.Is(err, sessions.ErrConflict):
			return false, fmt.Errorf("%w: %w", sessions.ErrUnknownOutcome, err)
		}
	}
	err = s.writing(ctx, func(tx *sql.Tx) error { return one(tx.ExecContext(ctx, s.s.update, args...)) })
	if errors.Is(err, sessions.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// End removes sessions and appends their entries.
func (s *Store) End(ctx context.Context, which sessions.Which, until time.Time) (ended int, err error) {
	err = s.writing(ctx, func(tx *sql.Tx) error {
		revision, err := s.lock(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := s.list(ctx, tx, which.User)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(row sessions.Row) bool {
			if len(which.IDs) == 0 {
				return row.ID == which.But
			}
			return !slices.ContainsFunc(which.IDs, func(id sessions.ID) bool { return bytes.Equal(id[:], row.ID[:]) })
		})
		ended, err = s.endRows(ctx, tx, revision, rows, until)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// endRows removes sessions by their ids and appends the entry of each session that was still
// there. A session also ends if a refresh has sealed its row under another key of the registry since
// it was listed, because its id has not changed.
func (s *Store) endRows(ctx context.Context, tx *sql.Tx, revision int64, rows []sessions.Row, until time.Time) (ended int, err error) {
	var entries []sessions.Ended
	for _, row := range rows {
		switch err := one(tx.ExecContext(ctx, s.s.end, row.ID[:])); {
		case errors.Is(err, sessions.ErrConflict): // swept
			continue
		case err != nil:
			return 0, err
		}
		entries = append(entries, sessions.Ended{Entry: row.Entry, Until: until})
	}
	return len(entries), s.append(ctx, tx, revision, entries)
}

var _ sessions.Store = (*Store)(nil)
