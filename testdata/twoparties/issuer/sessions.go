package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

// openSessions opens the registry of the sessions, in an SQLite file beside the ring. Several
// processes of one machine may share that file. Processes on several machines need a database
// server, such as PostgreSQL.
func openSessions(ctx context.Context, p *party.Party, issuer string, longest time.Duration) (*sessions.Registry, error) {
	kek, err := p.KEK()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(p.Folder, "sessions.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=fullfsync(1)")
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { db.Close() })
	store, err := sqlstore.New(ctx, db, sqlstore.SQLite)
	if err != nil {
		return nil, err
	}
	return sessions.New(sessions.Config{Issuer: issuer, Store: store, KEK: kek, TokenLifetime: longest})
}

// accessToken seals a token for the API. The token names the session, so an API that follows the
// feed refuses it a moment after the session has ended.
func (i *issuer) accessToken(ctx context.Context, s sessions.Session) (string, error) {
	return i.sealer.Seal(ctx, seal.Claims{
		Subject: s.Subject,
		Session: seal.Session{ID: s.ID, NotAfter: s.NotAfter},
		Custom:  profiles[s.Subject],
	})
}
