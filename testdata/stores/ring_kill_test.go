package stores

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// The server dies under three writers of one row.
func TestRingServerKilled(t *testing.T) {
	for _, e := range engines[1:] {
		t.Run(e.name, func(t *testing.T) {
			beside(t)
			server, dsn := e.server(t)
			v := ringtest.Killed(t, func() keyring.Store { return e.ring(t, dsn, "idp") }, server, rounds(10, 3))
			t.Logf("%v; %s", v, judged(v.Gap, 5*time.Second))
			v.Check(t, 50)
		})
	}
}

// server starts a server that the test may kill, and returns the data source of a new place in it.
func (e engine) server(t *testing.T) (*servers.Server, string) {
	if e.driver == "pgx" {
		s := servers.PostgreSQL(t)
		return s, s.PostgreSQLSchema(t)
	}
	s := servers.MariaDB(t)
	return s, s.MariaDBDatabase(t)
}

// With synchronous_commit off the same test must lose writes, or it proves nothing. The store would
// refuse this setting, so the driver hides it.
func TestRingServerKilledNotDurable(t *testing.T) {
	beside(t)
	e := engineOf("PostgreSQL")
	server, dsn := e.server(t)
	e.ring(t, dsn, "idp")
	dsn += " synchronous_commit=off"
	if _, err := sqlstore.New(t.Context(), servers.Open(t, e.driver, dsn), e.dialect, "idp"); err == nil {
		t.Fatal("the store does not refuse")
	}
	lying := func() keyring.Store {
		db := sql.OpenDB(&tampered{driver: servers.Open(t, e.driver, dsn).Driver(), dsn: dsn, durable: true})
		t.Cleanup(func() { db.Close() })
		return need(sqlstore.New(context.Background(), db, e.dialect, "idp"))
	}
	v := ringtest.Killed(t, lying, server, rounds(10, 4))
	t.Log(v)
	if v.Lost == 0 {
		t.Error("a server that lies about durability has lost nothing")
	}
}
