// Package sqlstore keeps rings in a database, over database/sql: a PostgreSQL, MySQL or MariaDB
// server, or an SQLite file that several processes of one machine share. Each ring is a row. The
// program brings the driver:
//
//	db, err := sql.Open("pgx", dsn)
//	err = sqlstore.CreateTable(ctx, db, sqlstore.PostgreSQL) // an operator, once
//	store, err := sqlstore.New(ctx, db, sqlstore.PostgreSQL, "idp")
//	ring, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: kek, Memory: memory})
//
// Tested are PostgreSQL 15, MariaDB 10.11 (in place of MySQL) and SQLite, with these drivers:
//
//   - github.com/jackc/pgx/v5/stdlib: "postgres://user@host/db"
//   - github.com/go-sql-driver/mysql: "user@tcp(host)/db"
//   - modernc.org/sqlite: "file:/var/lib/idp/rings.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)"
//
// # Which store
//
//	| store                  | for                          | server killed | power cut                   | failover                       |
//	| ---------------------- | ---------------------------- | ------------- | --------------------------- | ------------------------------ |
//	| filestore              | one machine, the default     | (no server)   | loses nothing               | (none)                         |
//	| sqlstore, SQLite       | one machine, beside sessions | (no server)   | loses nothing               | (none)                         |
//	| sqlstore, PostgreSQL   | many machines                | loses nothing | loses nothing               | nothing with a synchronous     |
//	|                        |                              |               |                             | standby, else the last writes  |
//	| sqlstore, MySQL        | many machines                | loses nothing | loses nothing, sync_binlog=1| the last writes, unless the    |
//	|                        |                              |               | where it has a binary log   | replication is semi-synchronous|
//	| etcdstore, three nodes | many machines that have etcd | loses nothing | loses nothing               | nothing, with a majority       |
//	| keyring.NewMemStore    | tests                        | everything    | everything                  | (none)                         |
//
// An SQLite file and a ring file must lie on a local disk: the locks of a network file system do
// not hold. While the server is down, each service goes on with the ring that it has, until that
// is as old as SnapshotAge of the policy.
//
// # Who may set a row back
//
// The database sees ciphertext. Whoever can write the table, or restores a backup of it, can
// still put an older row in place, exchange two rows, or delete one: an older ring trusts a key
// that was revoked since. A [keyring.Ring] that runs refuses with [keyring.ErrRollback]; one that
// starts needs a [keyring.Memory] for that, which such a person cannot write:
//
//	memory := filestore.NewMemory("postgres:idp", "/var/lib/idp/seen")
//
// The place must tell the ring from every other ring that this memory knows; where a machine uses
// two databases, give "postgres://host/db/idp". After a restore that you want, run keys accept of
// the command, or call Accept of the memory, on each machine.
//
// # Rights
//
// A service needs SELECT, INSERT and UPDATE on the table sealjwt_ring, and no DELETE. CreateTable
// needs the right to make a table.
//
// # Failover, replicas and poolers
//
// Every call must reach the primary. [Store.Load] refuses a PostgreSQL standby and a read-only
// MySQL server, and cannot tell a MySQL replica that takes writes. For several hosts add
// target_session_attrs=read-write to the address of PostgreSQL.
//
// With an asynchronous standby a failover loses the writes of the last moments. Each ring that has
// seen one of them then answers ErrRollback: check what was lost (a revocation counts most), repeat
// it, and accept. To lose nothing, set synchronous_standby_names and leave synchronous_commit at
// on. The value local waits for no standby.
//
// A pooler that gives a connection to each transaction works (pgbouncer with pool_mode=transaction):
// each write is one transaction and keeps no state in the connection. With pgx add
// default_query_exec_mode=exec to the address, or let pgbouncer 1.21 keep prepared statements. Do
// not pool single statements (pool_mode=statement), and send nothing of a ring through a proxy that
// reads from replicas.
//
// Each write looks again whether its connection is durable, since another user of the pool may
// have changed a setting.
//
// # Kubernetes
//
// Of two replicas of a service neither should make the ring. One Job, run once, makes table and
// ring ("keys init" of the command, or CreateTable and keyring.Create), and all replicas call
// keyring.Open, which waits for no one and fails until the Job is done. All of them may call Run:
// each step of the rotation is done once. KEK and password come from Secrets. The memory wants a
// volume that outlives the pod (a StatefulSet has one for each); without one a pod that starts
// takes the ring that it finds.
package sqlstore
