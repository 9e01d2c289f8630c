package stores

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// tampered is a driver. A test tells it to break its connections or to lie.
type tampered struct {
	driver driver.Driver
	dsn    string

	commit  func(tx driver.Tx) // replaces the next commit, whose answer is lost; nil: the commit is normal
	late    bool               // the commit goes on after the connection has broken
	twice   bool               // a statement that writes a ring is sent twice
	durable bool               // PostgreSQL claims that synchronous_commit is on
	noMark  bool               // the write fails that brings the log of MySQL to the disk
}

func (d *tampered) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := d.open(ctx)
	return &tamperedConn{Conn: c, d: d}, err
}

func (d *tampered) open(ctx context.Context) (driver.Conn, error) {
	if of, ok := d.driver.(driver.DriverContext); ok {
		c, err := of.OpenConnector(d.dsn)
		if err != nil {
			return nil, err
		}
		return c.Connect(ctx)
	}
	return d.driver.Open(d.dsn)
}

func (d *tampered) Driver() driver.Driver { return d.driver }

type tamperedConn struct {
	driver.Conn
	d    *tampered
	late chan struct{} // closed when a late commit is done; nil: there is none
}

func (c *tamperedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	return tamperedTx{tx, c}, err
}

func (c *tamperedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.d.noMark && strings.Contains(query, "sealjwt_ring (name, version, doc) VALUES ('',") {
		return nil, errors.New("the disk is full")
	}
	exec := c.Conn.(driver.ExecerContext)
	query = c.asked(query)
	r, err := exec.ExecContext(ctx, query, args)
	if err == nil && c.d.twice && strings.Contains(query, "sealjwt_ring") && !strings.HasPrefix(query, "CREATE") {
		return exec.ExecContext(ctx, query, args)
	}
	return r, err
}

func (c *tamperedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, c.asked(query), args)
}

// asked returns the statement that the server gets.
func (c *tamperedConn) asked(query string) string {
	if c.d.durable {
		return strings.ReplaceAll(query, "current_setting('synchronous_commit')", "'on'")
	}
	return query
}

func (c *tamperedConn) CheckNamedValue(v *driver.NamedValue) error {
	if of, ok := c.Conn.(driver.NamedValueChecker); ok {
		return of.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Close waits for a commit that is still on its way to the server.
func (c *tamperedConn) Close() error {
	go func() {
		if c.late != nil {
			<-c.late
		}
		c.Conn.Close()
	}()
	return nil
}

type tamperedTx struct {
	driver.Tx
	c *tamperedConn
}

func (t tamperedTx) Commit() error {
	commit := t.c.d.commit
	if commit == nil {
		return t.Tx.Commit()
	}
	t.c.d.commit = nil // once
	t.c.late = make(chan struct{})
	work := func() { defer close(t.c.late); commit(t.Tx) }
	if t.c.d.late {
		go work()
	} else {
		work()
	}
	return driver.ErrBadConn // and the connection is closed
}

// tamper opens the store of a ring with such a driver, and with a good one.
func (e engine) tamper(t *testing.T, dsn, name string) (bad, good *sqlstore.Store, d *tampered) {
	t.Helper()
	good = e.ring(t, dsn, name)
	if e.driver == "mysql" { // otherwise the driver prepares each statement
		dsn += "?interpolateParams=true"
	}
	d = &tampered{driver: servers.Open(t, e.driver, dsn).Driver(), dsn: dsn}
	db := sql.OpenDB(d)
	t.Cleanup(func() { db.Close() })
	bad, err := sqlstore.New(t.Context(), db, e.dialect, name)
	if err != nil {
		t.Fatal(err)
	}
	return bad, good, d
}

// ringOutcome loses the answer to a commit. The store finds out whether the commit was made, if
// that is possible.
func ringOutcome(t *testing.T, e engine, place func(testing.TB) string) {
	const (
		done    = "done"
		nothing = "nothing was written"
		unknown = "unknown"
	)
	dsn := place(t)
	for name, c := range map[string]struct {
		commit       func(driver.Tx) error
		late         bool
		swap, create string // the outcomes; done and unknown are allowed for an empty one
	}{
		"done":        {driver.Tx.Commit, false, done, ""},
		"not sent":    {driver.Tx.Rollback, false, nothing, unknown},
		"late":        {driver.Tx.Commit, true, done, ""},
		"late and no": {driver.Tx.Rollback, true, nothing, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			for _, creates := range []bool{true, false} {
				ring, want := name+" swap", c.swap
				if creates {
					ring, want = name+" create", c.create
				}
				bad, good, d := e.tamper(t, dsn, ring)
				prev := ""
				if !creates {
					prev = need(good.Swap(t.Context(), "", []byte("old")))
				}
				d.late = c.late
				d.commit = func(tx driver.Tx) {
					if c.late {
						time.Sleep(200 * time.Millisecond)
					}
					c.commit(tx)
				}
				version, err := bad.Swap(t.Context(), prev, []byte("new"))
				got := done
				if errors.Is(err, keyring.ErrUnknownOutcome) {
					got = unknown
				} else if err != nil {
					got = nothing
				}
				if want != "" && got != want || want == "" && got == nothing || errors.Is(err, keyring.ErrConflict) {
					t.Errorf("%s: %s (%v), want %s", ring, got, err, want)
				}
				eventually(t, "the row has not the outcome", 10*time.Second, func() bool {
					doc, now, _ := good.Load(t.Context())
					switch {
					case got == done:
						return string(doc) == "new" && now == version
					case got == nothing:
						return now == prev
					}
					return want != "" || string(doc) == "new"
				})
			}
		})
	}
	t.Run("replaced since", func(t *testing.T) {
		bad, good, d := e.tamper(t, dsn, "replaced")
		prev := need(good.Swap(t.Context(), "", []byte("old")))
		d.commit = func(tx driver.Tx) {
			tx.Commit()
			_, version, _ := good.Load(context.Background())
			good.Swap(context.Background(), version, []byte("of another"))
		}
		_, err := bad.Swap(t.Context(), prev, []byte("new"))
		if !errors.Is(err, keyring.ErrUnknownOutcome) {
			t.Errorf("a write that another one may have replaced: %v", err)
		}
	})
	t.Run("not on the disk", func(t *testing.T) {
		if e.driver != "mysql" {
			t.Skip("only MySQL shows a commit that is not on the disk")
		}
		bad, good, d := e.tamper(t, dsn, "not on the disk")
		prev := need(good.Swap(t.Context(), "", []byte("old")))
		d.noMark = true
		d.commit = func(tx driver.Tx) { tx.Commit() }
		if _, err := bad.Swap(t.Context(), prev, []byte("new")); !errors.Is(err, keyring.ErrUnknownOutcome) {
			t.Errorf("a write that a crash may take back is called done: %v", err)
		}
	})
	t.Run("sent twice", func(t *testing.T) {
		bad, good, d := e.tamper(t, dsn, "twice")
		d.twice = true
		version := ""
		for _, doc := range []string{"a", "b"} {
			next, err := bad.Swap(t.Context(), version, []byte(doc))
			if err != nil {
				t.Fatalf("a statement that is sent twice: %v", err)
			}
			if got, now, err := good.Load(t.Context()); err != nil || now != next || string(got) != doc {
				t.Errorf("%q at %q, %v", got, now, err)
			}
			version = next
		}
		if _, err := bad.Swap(t.Context(), "another", []byte("c")); !errors.Is(err, keyring.ErrConflict) {
			t.Errorf("a conflict: %v", err)
		}
	})
}
