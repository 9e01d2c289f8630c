package system_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	ringsqlstore "github.com/sealjwt/sealjwt/keys/sqlstore"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
)

// sessionSamples returns samples of packages sessions, both sqlstores and sqldb: of a registry with
// a session of the canary subject, of a feed that the canary key signs, and of the types that
// follow the feed.
func sessionSamples(t testing.TB, c canaryKeys) (samples []sample) {
	t.Helper()
	set := keytest.NewSet(c.es256.Held, c.ecdhES.Held)
	store := sessions.NewMemStore()
	cfg := sessions.Config{Issuer: issuerID, Store: store, KEK: must(keyring.NewKEK(canaryBytes("KEK of sessions"))), TokenLifetime: time.Minute}
	registry := must(sessions.New(cfg))
	session, _, err := registry.Start(t.Context(), canarySubject, sessions.Device{Name: canaryDeep, Agent: canaryStreet})
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(canaryDatabase{"mysql://root:" + canaryDeep + "@db.example.com/idp"})
	t.Cleanup(func() { db.Close() })
	inSQL := must(sqlstore.New(t.Context(), db, sqlstore.MySQL))
	ringInSQL := must(ringsqlstore.New(t.Context(), db, sqlstore.MySQL, "idp"))
	hub := sessions.FeedConfig{Registry: registry, Signing: set, Public: true}
	feed := must(sessions.NewFeed(hub))
	from := sessions.RemoteConfig{URL: "https://id.example.com/revoked", Issuer: issuerID, Keys: set}
	remote := must(sessions.NewRemote(from))
	tail := must(store.Tail(t.Context(), sessions.Cursor{}, 1))
	_, err = sessions.New(sessions.Config{})
	return []sample{
		sampleOf("", cfg), sampleOf("", registry), sampleOf("", hub), sampleOf("", feed), sampleOf("", from), sampleOf("", remote),
		sampleOf("", remote.Status()), sampleOf("", sessions.News{}), sampleOf[sessions.Store]("", store), sampleOf("", tail), sampleOf("", tail.Last),
		sampleOf("", sessions.Row{}), sampleOf("", sessions.Which{}), sampleOf("", sessions.Ended{}), sampleOf("", sessions.Revocation{}),
		sampleOf("", sessions.ID{}), sampleOf("", sessions.User{}), sampleOf("", sessions.Entry{}), sampleOf("", err.(*sessions.ConfigError)),
		sampleOf("", sessions.Login(nil)), sampleOf("", sessions.RevocationConfig{}),
		sampleOf("", session), sampleOf("", session.Device), sampleOf("", inSQL), sampleOf("", ringInSQL), sampleOf("", sqlstore.MySQL), sampleOf("", sqlstore.MySQL.Types()),
	}
}

// canaryDatabase is a database whose address holds a password. It claims to be durable.
type canaryDatabase struct{ address string }

func (d canaryDatabase) Connect(context.Context) (driver.Conn, error) { return canaryConn{d}, nil }
func (d canaryDatabase) Driver() driver.Driver                        { return nil }

type canaryConn struct{ canaryDatabase }

func (c canaryConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	switch {
	case strings.Contains(query, "read_only"): // it is off, and the settings behind it are on
		return &canaryRows{values: []driver.Value{int64(0), int64(1), int64(1), int64(1), int64(1)}}, nil
	case strings.Contains(query, "engine"):
		return &canaryRows{values: []driver.Value{"InnoDB"}}, nil
	}
	return &canaryRows{values: []driver.Value{int64(1)}}, nil
}

func (c canaryConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c canaryConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (c canaryConn) Close() error                        { return nil }

// canaryRows is one row.
type canaryRows struct {
	values []driver.Value
	given  bool
}

func (r *canaryRows) Columns() []string { return make([]string, len(r.values)) }
func (r *canaryRows) Close() error      { return nil }

func (r *canaryRows) Next(into []driver.Value) error {
	if r.given {
		return io.EOF
	}
	r.given = true
	copy(into, r.values)
	return nil
}
