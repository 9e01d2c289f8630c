// Package sqlstore keeps sessions in a database, over database/sql: a PostgreSQL, MySQL or
// MariaDB server, or an SQLite file that several processes of one machine share. The program
// brings the driver:
//
//	db, err := sql.Open("pgx", dsn)
//	store, err := sqlstore.New(ctx, db, sqlstore.PostgreSQL)
//
// The package was tested with these drivers and names:
//
//   - github.com/jackc/pgx/v5/stdlib: "postgres://user@host/db". Behind a pooler that gives a
//     connection to each transaction, add default_query_exec_mode=exec.
//   - github.com/go-sql-driver/mysql: "user@tcp(host)/db"
//   - modernc.org/sqlite: "file:/var/lib/idp/sessions.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)"
//
// # Tables
//
// New makes four tables, whose names begin with sealjwt_: session, revoked, revision and
// registry. They hold no subject, no device and no key in the clear. Nothing refers to them,
// and they refer to nothing. Back them up and restore them together. After a restore, and after
// a failover to a standby that lagged, the registry answers sessions.ErrRolledBack until an
// operator decides: see sessions.Registry.
//
// # Revisions
//
// Each revocation gets its number from one row, whose lock the transaction holds until it
// commits. So the numbers become visible in their order, and a reader that goes on from the
// last number misses none. A sequence does not do: it is drawn before the commit.
//
// # Durability
//
// New refuses a database that would acknowledge a write and lose it in a crash, and one that
// takes no writes; see [sqldb.CheckDurable]. With SQLite each write looks again, since the
// setting belongs to the connection. Where a standby may take over, let the primary wait for
// it (synchronous_standby_names): else what it acknowledged last is gone.
package sqlstore
