// Command sealjwt-fleet is the command sealjwt with rings in PostgreSQL, MySQL or MariaDB, SQLite
// and etcd, and with verbs for the sessions in a database. The README of this folder says how.
package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/cli"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
)

func main() { cli.Main(options()) }

// options returns the options of one run of the command.
func options() cli.Options {
	insecure := new(bool)
	ring := func(d sqldb.Dialect) cli.OpenStore {
		return func(ctx context.Context, name, connection string) (keyring.Store, string, error) {
			return openRing(ctx, d, name, connection, *insecure)
		}
	}
	return cli.Options{
		Name: "sealjwt-fleet",
		Stores: map[string]cli.OpenStore{
			"postgres": ring(sqldb.PostgreSQL), "mysql": ring(sqldb.MySQL), "sqlite": ring(sqldb.SQLite),
			"etcd": func(ctx context.Context, name, connection string) (keyring.Store, string, error) {
				return openEtcd(ctx, name, connection, *insecure)
			},
		},
		Trusts: insecure,
		Extend: func(app *cli.App, root *cobra.Command) { root.AddCommand(sessionsCommand(app, insecure)) },
	}
}
