package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
)

// login plays an issuer in scripts: login DATABASE KEKFILE SUBJECT DEVICE starts a session of a
// user in an SQLite file, and prints its sid. passphrase:TEXT may stand in place of KEKFILE.
func login() {
	if err := start(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(ctx context.Context, file, kekFile, subject, device string) error {
	db, err := openDatabase(sqldb.SQLite, file, false)
	if err != nil {
		return err
	}
	if err := db.create(ctx); err != nil {
		return err
	}
	store, err := sqlstore.New(ctx, db.DB, sqldb.SQLite)
	if err != nil {
		return err
	}
	kek, err := kekOf(kekFile)
	if err != nil {
		return err
	}
	registry, err := sessions.New(sessions.Config{Issuer: "https://id.example.com", Store: store, KEK: kek, TokenLifetime: 15 * time.Minute})
	if err != nil {
		return err
	}
	s, _, err := registry.Start(ctx, subject, sessions.Device{Name: device, Agent: "Firefox"})
	fmt.Print(s.ID)
	return err
}

func kekOf(kekFile string) (keyring.KEK, error) {
	if passphrase, found := strings.CutPrefix(kekFile, "passphrase:"); found {
		return keyring.PassphraseKEK([]byte(passphrase))
	}
	if kek, err := keyring.CreateKEKFile(kekFile); err == nil {
		return kek, nil
	}
	return keyring.KEKFile(kekFile)
}
