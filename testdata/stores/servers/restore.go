package servers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"modernc.org/sqlite"
)

// Dump writes a schema to a file like pg_dump. The returned function restores it with psql while
// the server runs.
func (s *Server) Dump(t testing.TB, schema string) (restore func()) {
	t.Helper()
	bin := filepath.Dir(find(t, "postgres", "/usr/lib/postgresql/*/bin/pg_dump", "/usr/local/pgsql/bin/pg_dump"))
	file := filepath.Join(t.TempDir(), "dump.sql")
	run(t, exec.Command(filepath.Join(bin, "pg_dump"), "-h", s.Dir, "-U", "postgres", "-d", "postgres", "-n", schema, "--clean", "--if-exists", "-f", file))
	return func() {
		run(t, exec.Command(filepath.Join(bin, "psql"), "-h", s.Dir, "-U", "postgres", "-d", "postgres", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", file))
	}
}

// Disconnect stops the replication to a standby, so that it lags.
func (s *Server) Disconnect(t testing.TB) {
	t.Helper()
	exec1(t, "pgx", s.postgresDSN(""), "ALTER SYSTEM SET primary_conninfo = ''")
	exec1(t, "pgx", s.postgresDSN(""), "SELECT pg_reload_conf()")
	db := Open(t, "pgx", s.postgresDSN(""))
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM pg_stat_wal_receiver").Scan(&n); err != nil || time.Now().After(end) {
			t.Fatalf("the standby still follows: %v", err)
		}
		if n == 0 {
			return
		}
	}
}

// Synchronous makes a primary wait for its standby at each commit.
func (s *Server) Synchronous(t testing.TB) {
	t.Helper()
	exec1(t, "pgx", s.postgresDSN(""), "ALTER SYSTEM SET synchronous_standby_names = '*'")
	exec1(t, "pgx", s.postgresDSN(""), "SELECT pg_reload_conf()")
	db := Open(t, "pgx", s.postgresDSN(""))
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&n); err != nil || time.Now().After(end) {
			t.Fatalf("no standby is synchronous: %v", err)
		}
		if n == 1 {
			return
		}
	}
}

// Promote makes a standby a primary.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	exec1(t, "pgx", s.postgresDSN(""), "SELECT pg_promote(true, 60)")
}

// PostgreSQLPair returns a data source for the one of two servers that accepts writes.
func PostgreSQLPair(a, b *Server) (dsn string) {
	return a.postgresDSN("") + " host=" + a.Dir + "," + b.Dir + " target_session_attrs=read-write"
}

// PostgreSQLEither returns a data source for the first of two servers that answers.
func PostgreSQLEither(a, b *Server) (dsn string) {
	return a.postgresDSN("") + " host=" + a.Dir + "," + b.Dir
}

// SaveSQLite copies an SQLite database. The returned function restores the copy like the command
// .restore of the sqlite3 shell: in a transaction, while other processes have the file open.
func SaveSQLite(t testing.TB, db *sql.DB) (restore func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "copy.db")
	if _, err := db.Exec("VACUUM INTO ?", file); err != nil {
		t.Fatal(err)
	}
	return func() {
		c, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		err = c.Raw(func(inner any) error {
			b, err := inner.(interface {
				driver.Conn
				NewRestore(string) (*sqlite.Backup, error)
			}).NewRestore("file:" + file)
			if err != nil {
				return err
			}
			more := true
			for end := time.Now().Add(10 * time.Second); more && time.Now().Before(end); {
				if more, err = b.Step(-1); err != nil { // a reader or a writer was there
					more = true
					time.Sleep(5 * time.Millisecond)
				}
			}
			return errors.Join(err, b.Finish())
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
