package stores

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// The server dies under four writers and a reader. After that all acknowledged writes are there,
// and no ended session is alive again.
func TestServerKilled(t *testing.T) {
	for _, e := range engines[1:] {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			v, r := killed(t, e, false, rounds(10, 3))
			t.Logf("%d sessions and %d ends acknowledged, 0 lost", v.sessions, v.ends)
			if v.lostSessions+v.lostEnds+v.back+r.back != 0 || v.ends < 50 {
				t.Errorf("%+v; the reader saw the store go back %d times", v, r.back)
			}
		})
	}
}

// With synchronous_commit off the same test must lose writes, or it proves nothing.
func TestServerKilledNotDurable(t *testing.T) {
	var all verdict
	for range 5 {
		v, r := killed(t, engineOf("PostgreSQL"), true, 2)
		all.lostSessions += v.lostSessions
		all.lostEnds += v.lostEnds
		t.Logf("of %d sessions %d are lost, of %d ends %d; the reader saw the store go back %d times", v.sessions, v.lostSessions, v.ends, v.lostEnds, r.back)
		if all.lostEnds > 0 {
			return
		}
	}
	t.Error("a server that lies about durability has lost nothing")
}

// killed kills a server several times while it is written to. Where it lies, PostgreSQL does not wait
// for the disk, and the driver hides that from the store, which refuses to write there.
func killed(t *testing.T, e engine, lies bool, kills int) (verdict, *reader) {
	t.Helper()
	var server *servers.Server
	var dsn string
	if e.driver == "pgx" {
		server = servers.PostgreSQL(t)
		dsn = server.PostgreSQLSchema(t)
	} else {
		server = servers.MariaDB(t)
		dsn = server.MariaDBDatabase(t)
	}
	s, _ := e.openDB(t, dsn)
	if lies {
		dsn += " synchronous_commit=off"
		db := sql.OpenDB(&tampered{driver: servers.Open(t, e.driver, dsn).Driver(), dsn: dsn, durable: true})
		t.Cleanup(func() { db.Close() })
		s = need(sqlstore.New(t.Context(), db, e.dialect))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, r := newLedger(), new(reader)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { write(ctx, s, l.note) })
	}
	wg.Go(func() { r.follow(ctx, s) })
	for range kills {
		time.Sleep(400*time.Millisecond + time.Duration(rand.IntN(300))*time.Millisecond)
		server.Kill()
		server.Start(t)
	}
	if !lies {
		time.Sleep(200 * time.Millisecond)
	}
	cancel()
	wg.Wait()
	return l.compare(t, s), r
}

// Four processes share a file and die one after the other.
func TestSQLiteProcessesKilled(t *testing.T) {
	e := engines[0]
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := e.open(t, servers.SQLiteFile(path))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, r := newLedger(), new(reader)
	var wg sync.WaitGroup
	wg.Go(func() { r.follow(ctx, s) })
	var children [4]*child
	for i := range children {
		children[i] = startChild(t, path)
	}
	for n := range rounds(40, 8) {
		time.Sleep(100*time.Millisecond + time.Duration(rand.IntN(100))*time.Millisecond)
		i := n % len(children)
		l.lines(children[i].kill())
		children[i] = startChild(t, path)
	}
	time.Sleep(300 * time.Millisecond)
	for _, c := range children {
		l.lines(c.kill())
	}
	v := l.compare(t, s)
	cancel()
	wg.Wait()
	t.Logf("%d sessions and %d ends acknowledged, 0 lost", v.sessions, v.ends)
	if v.lostSessions+v.lostEnds+v.back+r.back != 0 || v.ends < 50 {
		t.Errorf("%+v; the reader saw the store go back %d times", v, r.back)
	}
}

// child is a process that writes to an SQLite file and prints the acknowledged writes.
type child struct {
	cmd *exec.Cmd
	out *os.File
}

const childEnv = "SEALJWT_STORES_CHILD"

func startChild(t *testing.T, path string) *child {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return &child{cmd, out}
}

// kill ends the process like kill -9, and returns its output.
func (c *child) kill() string {
	c.cmd.Process.Kill()
	c.cmd.Wait()
	said, _ := os.ReadFile(c.out.Name())
	return string(said)
}

// TestChild writes to the file if this process is a child.
func TestChild(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		t.Skip("it is the process of TestSQLiteProcessesKilled")
	}
	s := engines[0].open(t, servers.SQLiteFile(path))
	write(t.Context(), s, func(verb string, id sessions.ID) { fmt.Printf("%s %x\n", verb, id[:]) })
}
