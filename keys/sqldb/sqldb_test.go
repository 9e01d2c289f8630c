package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestBind(t *testing.T) {
	const statement = "UPDATE t SET a = ?, b = ? WHERE c = ?"
	for d, want := range map[Dialect]string{
		PostgreSQL: "UPDATE t SET a = $1, b = $2 WHERE c = $3", MySQL: statement, SQLite: statement,
	} {
		if got := d.Bind(statement); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
	for n, want := range map[int]string{0: "", 1: "?", 3: "?,?,?"} {
		if got := Marks(n); got != want {
			t.Errorf("Marks(%d) is %q", n, got)
		}
	}
}

func TestDialects(t *testing.T) {
	for d, name := range map[Dialect]string{0: "no dialect", PostgreSQL: "PostgreSQL", MySQL: "MySQL", SQLite: "SQLite", 4: "no dialect", -1: "no dialect"} {
		if d.String() != name {
			t.Errorf("%d is called %s", int(d), d)
		}
		if err := d.Check(); errors.Is(err, ErrDialect) != (name == "no dialect") {
			t.Errorf("%v: %v", d, err)
		}
	}
	for _, d := range []Dialect{PostgreSQL, MySQL} {
		if o := d.Isolation(); o == nil || o.Isolation != sql.LevelReadCommitted || d.Locking() == "" {
			t.Errorf("%v: %+v, %q", d, o, d.Locking())
		}
	}
}

func TestNoDatabase(t *testing.T) {
	ctx := context.Background()
	if err := CheckDurable(ctx, nil, SQLite); err == nil {
		t.Error("CheckDurable takes nil")
	}
	if err := CheckDurable(ctx, new(sql.DB), 0); !errors.Is(err, ErrDialect) {
		t.Errorf("CheckDurable of no dialect: %v", err)
	}
	for d, want := range map[Dialect]error{0: ErrDialect, SQLite: errNil} {
		if err := CheckTx(ctx, nil, d); !errors.Is(err, want) {
			t.Errorf("CheckTx of nil: %v, want %v", err, want)
		}
		if err := CreateTables(ctx, nil, d, nil); !errors.Is(err, want) {
			t.Errorf("CreateTables of nil: %v, want %v", err, want)
		}
		if err := CheckTables(ctx, nil, d); !errors.Is(err, want) {
			t.Errorf("CheckTables of nil: %v, want %v", err, want)
		}
		if err := Opening(ctx, d, nil); !errors.Is(err, want) {
			t.Errorf("Opening of nil: %v, want %v", err, want)
		}
	}
	for _, f := range []func(*sql.Tx) error{nil, func(*sql.Tx) error { return nil }} {
		if _, err := Writing(ctx, nil, SQLite, f); err == nil {
			t.Error("Writing takes nil")
		}
	}
}

// Opening calls again for SQLite only, and not after a refusal.
func TestOpening(t *testing.T) {
	busy := errors.New("busy")
	for _, c := range []struct {
		d     Dialect
		err   error
		calls int
	}{{PostgreSQL, busy, 1}, {MySQL, busy, 1}, {SQLite, busy, 3}, {SQLite, ErrNotDurable, 1}, {SQLite, nil, 1}} {
		calls := 0
		ctx, stop := context.WithCancel(t.Context())
		err := Opening(ctx, c.d, func() error {
			if calls++; calls == 3 {
				stop()
			}
			return c.err
		})
		stop()
		if want := c.err; calls != c.calls || calls < 3 && !errors.Is(err, want) || calls == 3 && !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v: %d calls, want %d; %v", c.d, c.err, calls, c.calls, err)
		}
	}
}

// Every value of a setting that a server can have is listed here, with what the check makes of it.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		d         Dialect
		ask       string
		good, bad []string
	}{
		{PostgreSQL, "pg_is_in_recovery", []string{"false"}, []string{"true", ""}},
		{PostgreSQL, "synchronous_commit", []string{"on", "local", "remote_write", "remote_apply"}, []string{"off", ""}},
		{PostgreSQL, "default_transaction_read_only", []string{"off"}, []string{"on", ""}},
		{PostgreSQL, "fsync", []string{"on"}, []string{"off", ""}},
		{PostgreSQL, "full_page_writes", []string{"on"}, []string{"off", ""}},
		{MySQL, "read_only", []string{"0", "OFF"}, []string{"1", "ON", "NO_LOCK", ""}},
		{MySQL, "innodb_flush_log_at_trx_commit", []string{"1"}, []string{"0", "2", "3", ""}},
		{MySQL, "innodb_doublewrite", []string{"1", "ON", "DETECT_AND_RECOVER"}, []string{"0", "OFF", "DETECT_ONLY", "fast", ""}},
		{MySQL, "sync_binlog", []string{"1"}, []string{"0", "100", ""}},
		{MySQL, "autocommit", []string{"1", "ON"}, []string{"0", "OFF", ""}},
		{SQLite, "synchronous", []string{"2", "3"}, []string{"0", "1", ""}},
	} {
		found := slices.IndexFunc(c.d.settings(), func(s setting) bool { return strings.Contains(s.ask, c.ask) })
		if found < 0 {
			t.Errorf("%v: a transaction does not check %s", c.d, c.ask)
			continue
		}
		s := c.d.settings()[found]
		for _, v := range c.good {
			if !s.ok(v) {
				t.Errorf("%s refuses %q", s.ask, v)
			}
		}
		for _, v := range c.bad {
			if s.ok(v) {
				t.Errorf("%s accepts %q", s.ask, v)
			}
		}
		if c.d != SQLite && !strings.Contains(c.d.Durable(), s.ask) {
			t.Errorf("%v: Durable leaves out %s", c.d, s.ask)
		}
	}
}
