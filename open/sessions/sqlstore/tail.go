package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// lock locks the counter until the transaction ends, and returns the newest revision. Every
// transaction that writes a revocation begins with lock, so that revisions become visible in
// their order and no two such transactions deadlock.
func (s *Store) lock(ctx context.Context, tx *sql.Tx) (revision int64, err error) {
	if err := tx.QueryRowContext(ctx, s.s.lock).Scan(&revision); err != nil {
		return 0, fmt.Errorf("sqlstore: the counter of revisions: %w", err)
	}
	return revision, nil
}

// append writes revocations, numbered from revision+1 on. The caller has called lock in this
// transaction.
func (s *Store) append(ctx context.Context, tx *sql.Tx, revision int64, ended []sessions.Ended) error {
	before := revision
	for _, e := range ended {
		var until int64
		err := tx.QueryRowContext(ctx, s.s.kept, e.Entry[:]).Scan(&until)
		switch {
		case err == nil && until >= e.Until.Unix():
			continue
		case err == nil:
			if _, err := tx.ExecContext(ctx, s.s.unkeep, e.Entry[:]); err != nil {
				return err
			}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		revision++
		if _, err := tx.ExecContext(ctx, s.s.keep, revision, e.Entry[:], e.Until.Unix()); err != nil {
			return err
		}
	}
	if revision == before {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.s.setRevision, revision)
	return err
}

// Append adds revocations and removes no session.
func (s *Store) Append(ctx context.Context, ended []sessions.Ended) error {
	return s.writing(ctx, func(tx *sql.Tx) error {
		revision, err := s.lock(ctx, tx)
		if err != nil {
			return err
		}
		return s.append(ctx, tx, revision, ended)
	})
}

// Tail returns the revocations after a cursor. One statement reads the row of the cursor and
// the rows after it, so that both are of one moment.
func (s *Store) Tail(ctx context.Context, after sessions.Cursor, limit int) (t sessions.Tail, err error) {
	if err := s.ready(ctx); err != nil {
		return t, err
	}
	if t, err = s.newTail(ctx, after, max(limit, 0)); err != nil || s.s.flush == "" || len(t.Revocations) == 0 {
		return t, err
	}
	// InnoDB shows a commit to readers before its log is on the disk. A commit of our own writes
	// the log to the disk, up to that commit. Without it a crash takes back, now and then, what a
	// reader has seen, and the store seems to have gone back.
	err = s.writing(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.s.flush)
		return err
	})
	if err != nil {
		return sessions.Tail{}, err
	}
	return t, nil
}

// newTail reads the revocations as they are now. A connection of MySQL whose autocommit is off
// would show the same ones for ever, and a feed would hide each later revocation. So the read has
// a transaction of its own there, which also ends one that was left open.
func (s *Store) newTail(ctx context.Context, after sessions.Cursor, limit int) (sessions.Tail, error) {
	if s.d != MySQL {
		return s.tail(ctx, s.db, after, limit)
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return sessions.Tail{}, err
	}
	defer tx.Rollback()
	return s.tail(ctx, tx, after, limit)
}

func (s *Store) tail(ctx context.Context, q queries, after sessions.Cursor, limit int) (t sessions.Tail, err error) {
	if after != (sessions.Cursor{}) {
		if after.Revision > math.MaxInt64 {
			after.Revision = math.MaxInt64
		}
		// The query asks for the row of the cursor, limit rows after it, and one row more, which
		// tells whether there are further revocations.
		rows, err := s.from(ctx, q, int64(after.Revision), limit+2)
		if err != nil {
			return t, err
		}
		if len(rows) > 0 && rows[0].Revision == after.Revision && rows[0].Entry == after.Entry {
			return s.piece(ctx, q, after, rows[1:], limit)
		}
		t.Whole = true
	}
	rows, err := s.from(ctx, q, 0, limit+1)
	if err != nil {
		return sessions.Tail{}, err
	}
	whole := t.Whole
	t, err = s.piece(ctx, q, sessions.Cursor{}, rows, limit)
	t.Whole = whole && err == nil
	return t, err
}

// piece returns a Tail with the first rows, at most limit of them, and with the newest revocation
// of the store as Last.
func (s *Store) piece(ctx context.Context, q queries, after sessions.Cursor, rows []sessions.Revocation, limit int) (t sessions.Tail, err error) {
	t.Last = after
	if len(rows) > 0 {
		newest := rows[len(rows)-1]
		t.Last = sessions.Cursor{Revision: newest.Revision, Entry: newest.Entry}
	}
	if len(rows) <= limit {
		t.Revocations = rows
		return t, nil
	}
	t.Revocations = rows[:limit]
	t.Last, err = s.newest(ctx, q)
	if err != nil {
		return sessions.Tail{}, err
	}
	return t, nil
}

func (s *Store) from(ctx context.Context, q queries, revision int64, limit int) (list []sessions.Revocation, err error) {
	rows, err := q.QueryContext(ctx, s.s.tail, revision, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			number, until int64
			entry         []byte
		)
		if err := rows.Scan(&number, &entry, &until); err != nil {
			return nil, err
		}
		if len(entry) != len(sessions.Entry{}) {
			return nil, errors.New("sqlstore: an entry of another size")
		}
		list = append(list, sessions.Revocation{Ended: sessions.Ended{Entry: sessions.Entry(entry), Until: time.Unix(until, 0).UTC()}, Revision: uint64(number)})
	}
	return list, rows.Err()
}

// newest returns the cursor of the last revocation.
func (s *Store) newest(ctx context.Context, q queries) (c sessions.Cursor, err error) {
	var (
		revision int64
		entry    []byte
	)
	err = q.QueryRowContext(ctx, "SELECT revision, entry FROM sealjwt_revoked ORDER BY revision DESC LIMIT 1").Scan(&revision, &entry)
	if err == nil {
		c.Revision = uint64(revision)
		if copy(c.Entry[:], entry) != len(c.Entry) {
			err = errors.New("sqlstore: an entry of another size")
		}
	}
	return c, err
}
