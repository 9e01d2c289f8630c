package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
)

const maxLook = 5 * time.Second

// settle reads the row again to learn whether a commit of unknown outcome was done. If the server
// is still committing, the row is locked, and the read waits for the commit. A write is done only
// once it is on the disk, so settle brings it there.
func (s *Store) settle(ctx context.Context, prev, version string, cause error) error {
	unknown := fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, cause)
	ctx, stop := context.WithTimeout(ctx, maxLook)
	defer stop()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		var now string
		_, err := sqldb.Writing(ctx, s.db, s.d, func(tx *sql.Tx) (err error) {
			if now, err = versionIn(tx.QueryRowContext(ctx, s.s.lock, s.name)); err == nil && now == version {
				err = s.mark(ctx, tx) // no crash comes between the read and this write
			}
			return err
		})
		switch {
		case err == nil && now == version:
			return nil
		case err == nil && now == prev && prev != "":
			return fmt.Errorf("sqlstore: nothing was written: %w", cause)
		case err == nil:
			return unknown // another process has written since, or there is no row to wait for
		}
		select {
		case <-ctx.Done():
			return unknown
		case <-time.After(pause):
		}
	}
}

// versionIn returns the version in a row, empty for no row.
func versionIn(row *sql.Row) (version string, err error) {
	err = row.Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return version, err
}

// flush makes the ring that Load has read survive a crash. InnoDB shows a commit to readers
// before its log is on the disk. If a crash then took back a write that a ring has seen, that
// ring would refuse the older document from then on. So flush commits a write of its own, which
// brings the log up to this point to the disk.
func (s *Store) flush(ctx context.Context, version string) error {
	if saved := s.saved.Load(); s.s.flush == "" || saved != nil && *saved == version {
		return nil
	}
	if _, err := sqldb.Writing(ctx, s.db, s.d, func(tx *sql.Tx) error { return s.mark(ctx, tx) }); err != nil {
		return err
	}
	s.saved.Store(&version)
	return nil
}

// mark makes a transaction write, so that its commit brings the log of InnoDB to the disk.
func (s *Store) mark(ctx context.Context, tx *sql.Tx) error {
	if s.s.flush == "" {
		return nil
	}
	mark := rand.Text()
	_, err := tx.ExecContext(ctx, s.s.flush, mark, mark)
	return err
}
