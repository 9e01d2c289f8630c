package sqlstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// The tests with databases are in testdata/stores, which is a module of its own: this module has no
// driver.

func TestNoDatabase(t *testing.T) {
	ctx := context.Background()
	if _, err := New(ctx, nil, SQLite); err == nil {
		t.Error("New takes nil")
	}
	if _, err := New(ctx, nil, 0); !errors.Is(err, sqldb.ErrDialect) {
		t.Errorf("New with no dialect: %v", err)
	}
	for _, s := range []*Store{nil, {}} {
		_, _, errLoad := s.LoadKeys(ctx)
		_, errSwap := s.SwapKeys(ctx, "", nil)
		_, errStart := s.Start(ctx, sessions.Row{}, 1, time.Time{})
		_, errGet := s.Get(ctx, sessions.ID{})
		_, errList := s.List(ctx, sessions.User{})
		_, errEnd := s.End(ctx, sessions.Which{}, time.Time{})
		_, errTail := s.Tail(ctx, sessions.Cursor{}, 1)
		for i, err := range []error{
			errLoad, errSwap, errStart, errGet, errList, errEnd, errTail,
			s.Update(ctx, sessions.Row{}), s.Append(ctx, nil), s.Sweep(ctx, time.Time{}),
		} {
			if !errors.Is(err, errZero) {
				t.Errorf("call %d of a zero Store: %v", i, err)
			}
		}
	}
}

// No statement keeps a placeholder of another dialect, and none is filled in by hand.
func TestStatements(t *testing.T) {
	for _, d := range []Dialect{PostgreSQL, MySQL, SQLite} {
		for _, statement := range schema(d) {
			if strings.ContainsAny(statement, "{}?$") {
				t.Errorf("%v: %s", d, statement)
			}
		}
		s := newStatements(d)
		if has := strings.Contains(s.insert, "?"); has != (d != PostgreSQL) {
			t.Errorf("%v: %s", d, s.insert)
		}
		if locks := strings.HasSuffix(s.lock, "FOR UPDATE") || strings.HasPrefix(s.lock, "UPDATE"); !locks {
			t.Errorf("%v: %s locks nothing", d, s.lock)
		}
	}
}
