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
//   - modernc.org/sqlite:
//     "file:/var/lib/idp/rings.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=fullfsync(1)";
//     macOS needs fullfsync, without which its disks keep writes in their caches
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
// An SQLite file and a ring file must lie on a local disk: a network file system does not keep
// their locks. While the server is down, each service goes on with the ring that it has, until
// this ring is as old as SnapshotAge of the policy.
//
// # Who may set a row back
//
// The database sees ciphertext. A person who can write the table, or who restores a backup of
// it, can still put an older row in place, exchange two rows, or delete one. An older ring
// trusts a key that was revoked since. A [keyring.Ring] that is open refuses such a row with
// [keyring.ErrRollback]. To refuse it at the start of a process too, a Ring needs a
// [keyring.Memory] in a place where this person cannot write:
//
//	memory := filestore.NewMemory("postgres://db.internal:5432/auth/idp", "/var/lib/idp/seen")
//
// The first argument is the place by which the memory knows the ring. It must tell the ring from
// every other ring in the same file. Give the place that the command sealjwt-fleet uses and
// prints with "keys check", so that service and command share what they have seen:
//
//	postgres://HOST:PORT/DATABASE/NAME           or /DATABASE/SCHEMA/NAME where the address has a search_path
//	mysql://HOST:PORT/DATABASE/NAME              or mysql:///run/mysqld/mysqld.sock/DATABASE/NAME
//	sqlite:///var/lib/idp/rings.db/NAME
//
// The host is written as in the address of the operator, and several hosts are separated by
// commas. [keyring.Ring.Run] saves the newest generation in the memory within two seconds. After
// you have restored a backup on purpose, accept the ring on each machine, by Accept of the memory or
// with
//
//	sealjwt-fleet keys accept --ring postgres:idp --store-file /etc/idp/store --seen-file /var/lib/idp/seen
//
// If the memory cannot be written, its method Path returns an empty text.
//
// # Rights
//
// A service needs SELECT, INSERT and UPDATE on the table sealjwt_ring, and no DELETE. CreateTable
// needs the right to make a table.
//
// # Failover, replicas and poolers
//
// Every call must reach the primary. [Store.Load] refuses a PostgreSQL standby and a read-only
// MySQL server. It cannot recognise a MySQL replica that takes writes. For several hosts add
// target_session_attrs=read-write to the address of PostgreSQL.
//
// With an asynchronous standby a failover loses the last writes. Each ring that has seen one of
// them answers ErrRollback from then on. Find out which changes are lost, repeat each revocation
// among them, and accept the ring. To lose nothing, set synchronous_standby_names and leave
// synchronous_commit at on: the value local waits for no standby.
//
// A pooler that gives a connection to each transaction works (pgbouncer with
// pool_mode=transaction): each write is one transaction and keeps no state in the connection.
// With pgx add default_query_exec_mode=exec to the address. Without it, a pgbouncer before 1.21
// answers that a prepared statement already exists. Do not pool single statements
// (pool_mode=statement), and use no proxy that reads from replicas. Each write checks again
// that its connection is durable, since another user of the pool may have changed a setting.
//
// # Kubernetes
//
// A service with two replicas must not make its ring itself. One Job makes table and ring once
// ("keys init" of the command, or CreateTable and keyring.Create). All replicas call keyring.Open,
// which fails until the Job is done; Kubernetes starts the pod again. All of them may call Run:
// each step of the rotation is done once. KEK and password come from Secrets. The memory needs a
// volume that outlives the pod, such as the one that a StatefulSet gives to each replica. Without
// a memory a pod that starts takes the ring that it finds.
package sqlstore
