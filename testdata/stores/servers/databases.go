package servers

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// The driver would log each connection that a kill breaks.
func init() { _ = mysql.SetLogger(&mysql.NopLogger{}) }

// PostgreSQL starts a server with settings such as fsync=off.
func PostgreSQL(t testing.TB, settings ...string) *Server {
	t.Helper()
	bin := filepath.Dir(find(t, "postgres", "/usr/lib/postgresql/*/bin/initdb", "/usr/local/pgsql/bin/initdb"))
	dir, as := newFolder(t, "postgres")
	data := filepath.Join(dir, "data")
	copyOf(t, dir, as, func(data string) *exec.Cmd {
		return command(dir, as, filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
	})
	args := []string{"-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=32MB"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	s := &Server{Dir: dir, command: func() *exec.Cmd { return command(dir, as, filepath.Join(bin, "postgres"), args...) }}
	s.alive = func() error { return ping("pgx", s.postgresDSN("")) }
	return newServer(t, s)
}

func (s *Server) postgresDSN(schema string) string {
	dsn := fmt.Sprintf("host=%s user=postgres dbname=postgres", s.Dir)
	if schema != "" {
		dsn += " search_path=" + schema
	}
	return dsn
}

// PostgreSQLSchema makes a new schema and returns its data source.
func (s *Server) PostgreSQLSchema(t testing.TB) (dsn string) {
	t.Helper()
	name := newName()
	exec1(t, "pgx", s.postgresDSN(""), "CREATE SCHEMA "+name)
	return s.postgresDSN(name)
}

// PostgreSQLPublic returns a data source for the schema that every database has.
func (s *Server) PostgreSQLPublic() (dsn string) { return s.postgresDSN("") }

// Standby starts a standby of a PostgreSQL server. It follows the server asynchronously.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	bin := filepath.Dir(find(t, "postgres", "/usr/lib/postgresql/*/bin/initdb", "/usr/local/pgsql/bin/initdb"))
	dir, as := newFolder(t, "postgres")
	data := filepath.Join(dir, "data")
	run(t, command(dir, as, filepath.Join(bin, "pg_basebackup"), "-h", s.Dir, "-U", "postgres", "-D", data, "-R", "-c", "fast", "--no-sync"))
	standby := &Server{Dir: dir, command: func() *exec.Cmd {
		return command(dir, as, filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=32MB")
	}}
	standby.alive = func() error { return ping("pgx", standby.postgresDSN("")) }
	return newServer(t, standby)
}

// MariaDB starts a server with settings such as read_only=1.
func MariaDB(t testing.TB, settings ...string) *Server {
	t.Helper()
	install := find(t, "mariadb-install-db", "/usr/bin/mariadb-install-db", "/usr/local/bin/mariadb-install-db")
	daemon := find(t, "mariadbd", "/usr/sbin/mariadbd", "/usr/bin/mariadbd", "/usr/local/bin/mariadbd")
	dir, as := newFolder(t, "mysql")
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "s")
	copyOf(t, dir, as, func(data string) *exec.Cmd {
		return command(dir, as, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	})
	args := []string{
		"--no-defaults", "--datadir=" + data, "--socket=" + socket, "--pid-file=" + filepath.Join(dir, "pid"), "--skip-networking",
		"--max-connections=300", "--innodb-buffer-pool-size=64M", "--skip-log-bin",
	}
	for _, s := range settings {
		args = append(args, "--"+s)
	}
	s := &Server{Dir: dir, command: func() *exec.Cmd { return command(dir, as, daemon, args...) }}
	s.alive = func() error { return ping("mysql", s.mariaDSN("")) }
	return newServer(t, s)
}

func (s *Server) mariaDSN(database string) string {
	return fmt.Sprintf("root@unix(%s)/%s", filepath.Join(s.Dir, "s"), database)
}

// MariaDBDatabase makes a new database and returns its data source.
func (s *Server) MariaDBDatabase(t testing.TB) (dsn string) {
	t.Helper()
	name := newName()
	exec1(t, "mysql", s.mariaDSN(""), "CREATE DATABASE "+name)
	return s.mariaDSN(name)
}

// SQLite returns a data source for a new file.
func SQLite(t testing.TB) (dsn string) {
	t.Helper()
	return SQLiteFile(filepath.Join(t.TempDir(), "sessions.db"))
}

// SQLiteFile returns a data source for a file.
func SQLiteFile(path string) string {
	return "file:" + path + "?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=fullfsync(1)"
}

// Open opens a database, and closes it when the test ends.
func Open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	t.Cleanup(func() { db.Close() })
	return db
}

func newName() string { return "t" + strings.ToLower(rand.Text())[:12] }

func ping(driver, dsn string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}

func exec1(t testing.TB, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}
