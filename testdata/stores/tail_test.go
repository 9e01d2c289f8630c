package stores

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/open/sessions/storetest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// 16 writers append while a reader follows the tail. The reader sees every acknowledged revocation.
func TestTailLosesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		dsn := place(t)
		each := rounds(1875, 60)
		from := time.Now()
		lost, err := storetest.Follow(t.Context(), e.open(t, dsn), e.open(t, dsn), 16, each)
		if err != nil || lost != 0 {
			t.Errorf("lost %d of %d, %v", lost, 16*each, err)
		}
		t.Logf("%d revocations, %.0f/s, 0 lost", 16*each, float64(16*each)/time.Since(from).Seconds())
	})
}

// The same test on a sequence loses revocations. Otherwise the test above would prove nothing.
func TestTailOfSequenceLoses(t *testing.T) {
	beside(t)
	e := engines[1]
	s, db := e.openDB(t, servers.PostgreSQL(t).PostgreSQLSchema(t))
	if _, err := db.Exec("CREATE TABLE log (revision BIGSERIAL PRIMARY KEY, entry BYTEA, until BIGINT)"); err != nil {
		t.Fatal(err)
	}
	each := rounds(1875, 100)
	lost, err := storetest.Follow(t.Context(), &sequence{s, db}, &sequence{s, db}, 16, each)
	if err != nil {
		t.Fatal(err)
	}
	if lost == 0 {
		t.Errorf("of %d revocations that a sequence numbers, none is lost", 16*each)
	}
	t.Logf("%d of %d lost", lost, 16*each)
}

// sequence is a faulty store: a sequence numbers its revocations.
type sequence struct {
	*sqlstore.Store
	db *sql.DB
}

func (s *sequence) Append(ctx context.Context, ended []sessions.Ended) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, e := range ended {
		if _, err := tx.ExecContext(ctx, "INSERT INTO log (entry, until) VALUES ($1, $2)", e.Entry[:], e.Until.Unix()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sequence) Tail(ctx context.Context, after sessions.Cursor, limit int) (t sessions.Tail, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT revision, entry, until FROM log WHERE revision > $1 ORDER BY revision LIMIT $2", int64(after.Revision), limit)
	if err != nil {
		return t, err
	}
	defer rows.Close()
	for rows.Next() {
		var v sessions.Revocation
		var entry []byte
		var until int64
		if err := rows.Scan(&v.Revision, &entry, &until); err != nil {
			return t, err
		}
		v.Entry, v.Until = sessions.Entry(entry), time.Unix(until, 0).UTC()
		t.Revocations = append(t.Revocations, v)
	}
	return t, rows.Err()
}
