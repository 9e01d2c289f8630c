package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
)

// The tests with databases are in testdata/stores, which is a module of its own: this module has no
// driver.

func TestRefuses(t *testing.T) {
	ctx := context.Background()
	db := new(sql.DB) // no call reaches it
	for name, c := range map[string]struct {
		db   *sql.DB
		d    Dialect
		name string
		want error
	}{
		"no database":       {nil, SQLite, "idp", keyring.ErrConfig},
		"no dialect":        {db, 0, "idp", sqldb.ErrDialect},
		"no name":           {db, SQLite, "", keyring.ErrConfig},
		"long name":         {db, SQLite, strings.Repeat("a", 256), keyring.ErrConfig},
		"not UTF-8":         {db, SQLite, "a\xff", keyring.ErrConfig},
		"NUL":               {db, SQLite, "a\x00b", keyring.ErrConfig},
		"line feed":         {db, SQLite, "idp\n", keyring.ErrConfig},
		"control beyond C0": {db, SQLite, "a\u0085b", keyring.ErrConfig},
	} {
		if s, err := New(ctx, c.db, c.d, c.name); s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, ok := range []string{"a", strings.Repeat("a", 255), "IdP", "ключ", " "} {
		if err := checkName(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	if err := CreateTable(ctx, nil, SQLite); err == nil {
		t.Error("CreateTable takes nil")
	}
	if err := CreateTable(ctx, db, 0); !errors.Is(err, sqldb.ErrDialect) {
		t.Errorf("CreateTable of no dialect: %v", err)
	}
}

func TestZeroStore(t *testing.T) {
	ctx := context.Background()
	for _, s := range []*Store{nil, {}} {
		if _, _, err := s.Load(ctx); !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("Load of a zero Store: %v", err)
		}
		if _, err := s.Swap(ctx, "", []byte("a")); !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("Swap of a zero Store: %v", err)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s", Store{}, &Store{d: MySQL}, Store{d: SQLite, name: "idp"}, Store{d: PostgreSQL}); got != "no dialect MySQL SQLite PostgreSQL" {
		t.Errorf("stores print as %s", got)
	}
}

// No statement keeps a placeholder of another dialect or of this package.
func TestStatements(t *testing.T) {
	for _, d := range []Dialect{PostgreSQL, MySQL, SQLite} {
		for _, statement := range schema(d) {
			if strings.ContainsAny(statement, "{}?$%") {
				t.Errorf("%v: %s", d, statement)
			}
		}
		s := newStatements(d)
		for _, statement := range []string{s.count, s.load, s.create, s.replace, s.version, s.lock} {
			if strings.ContainsAny(statement, "{}") || strings.Contains(statement, "?") == (d == PostgreSQL) {
				t.Errorf("%v: %s", d, statement)
			}
		}
		if locks := strings.HasSuffix(s.lock, "FOR UPDATE") || strings.HasPrefix(s.lock, "UPDATE"); !locks {
			t.Errorf("%v: %s locks nothing", d, s.lock)
		}
		if (s.flush != "") != (d == MySQL) {
			t.Errorf("%v: flush is %q", d, s.flush)
		}
	}
}
