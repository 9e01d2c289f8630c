package main

import (
	"context"
	"net/url"
	"sync"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
)

// openRing returns the store of a ring in a database, and its identity.
func openRing(ctx context.Context, d sqldb.Dialect, name, connection string, insecure bool) (keyring.Store, string, error) {
	db, err := openDatabase(d, connection, insecure)
	if err != nil {
		return nil, "", err
	}
	s := &ringStore{db: db, name: name}
	if err := s.open(ctx); err != nil {
		return nil, "", err
	}
	return s, db.identity + "/" + url.PathEscape(name), nil
}

// ringStore is a ring in a database. The first Swap makes the table, and the file of SQLite. So a
// verb that only reads makes nothing.
type ringStore struct {
	db   *database
	name string

	mu    sync.Mutex
	store *sqlstore.Store // nil while there is no table
}

// open opens the store if the database has its table.
func (s *ringStore) open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store != nil {
		return nil
	}
	has, err := s.db.has(ctx, "sealjwt_ring")
	if err != nil || !has {
		return err
	}
	s.store, err = sqlstore.New(ctx, s.db.DB, s.db.dialect, s.name)
	return hide(err, s.db.secrets...)
}

func (s *ringStore) opened() *sqlstore.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store
}

func (s *ringStore) Load(ctx context.Context) (doc []byte, version string, err error) {
	if err := s.open(ctx); err != nil {
		return nil, "", err
	}
	store := s.opened()
	if store == nil {
		return nil, "", keyring.ErrNoRing
	}
	doc, version, err = store.Load(ctx)
	return doc, version, hide(err, s.db.secrets...)
}

func (s *ringStore) Swap(ctx context.Context, prev string, doc []byte) (version string, err error) {
	if s.opened() == nil {
		if prev != "" {
			return "", keyring.ErrConflict
		}
		if err := s.db.create(ctx); err != nil {
			return "", err
		}
		if err := sqlstore.CreateTable(ctx, s.db.DB, s.db.dialect); err != nil {
			return "", hide(err, s.db.secrets...)
		}
		if err := s.open(ctx); err != nil {
			return "", err
		}
	}
	version, err = s.opened().Swap(ctx, prev, doc)
	return version, hide(err, s.db.secrets...)
}
