package sqlstore_test

import (
	"context"
	"database/sql"
	"log"
	"os"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqlstore"
)

// A service with several replicas has its ring in PostgreSQL. The program imports the driver:
//
//	import _ "github.com/jackc/pgx/v5/stdlib"
//
// An operator has made the ring, and CreateTable its table.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlstore.New(ctx, db, sqlstore.PostgreSQL, "idp")
	if err != nil {
		log.Fatal(err)
	}
	kek, err := keyring.KEKFile("/etc/idp/kek")
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keyring.Open(ctx, keyring.Config{
		Store: store, KEK: kek,
		Memory: filestore.NewMemory("postgres://db.internal:5432/auth/idp", "/var/lib/idp/seen"), // notices a ring that was set back
	})
	if err != nil {
		log.Fatal(err)
	}
	go ring.Run(ctx, func(step keyring.Step, err error) { log.Println(step, err) })
	// The ring is the Signing of a sealer, and the Keys and Decryption of an opener.
}
