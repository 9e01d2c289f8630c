package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
)

// service plays a service in scripts: service DATABASE KEKFILE SEENFILE changes the policy of the ring idp in an
// SQLite file, with the place that package sqlstore describes.
func service() {
	if err := serve(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, file, kekFile, seenFile string) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=fullfsync(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	store, err := sqlstore.New(ctx, db, sqldb.SQLite, "idp")
	if err != nil {
		return err
	}
	kek, err := keyring.KEKFile(kekFile)
	if err != nil {
		return err
	}
	ring, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: kek, Memory: filestore.NewMemory("sqlite://"+file+"/idp", seenFile)})
	if err != nil {
		return err
	}
	return ring.UpdatePolicy(ctx, func(p *keyring.Policy) { p.Leeway += time.Second })
}

// foreign makes the SQLite file of another program, whose journal_mode is delete: foreign FILE.
func foreign() { execute(os.Args[1], "CREATE TABLE notes (text TEXT)") }

// backup copies an SQLite file, whose newest rows may stand in the file beside it: backup FILE COPY.
func backup() { execute(os.Args[1], "VACUUM INTO ?", os.Args[2]) }

func execute(file, statement string, args ...any) {
	db, err := sql.Open("sqlite", file)
	if err == nil {
		_, err = db.Exec(statement, args...)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
