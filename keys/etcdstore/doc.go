// Package etcdstore keeps a ring in an etcd cluster: a [keyring.Store] for services on several
// machines, and a [keyring.Watcher], so that each of them sees a rotation or a revocation within
// milliseconds. It is a module of its own, so that programs that do not use it need no etcd client.
//
// The ring is the value of one key, encrypted as in a file. Reads are linearizable, writes compare
// the revision of the key, and a server without a leader refuses both. A write that [Store.Swap]
// acknowledged is on the disks of a majority of the servers.
//
// Use etcd 3.4.25, 3.5.8 or a later version: older servers may report progress of a watch too
// early. Tests run against three servers of version 3.7.
//
// # Connection, TLS and rights
//
// The client that the program passes to [New] brings TLS and the credentials. Give it all servers
// of the cluster, so that a call which one server does not answer reaches another one, and
// keepalive times of a few seconds, without which a client notices a dead server after minutes.
//
// The user of a service needs read and write permission on the key of its ring, and on no other
// key. The rights of etcd do not distinguish writing from deleting: a user who may write the
// key can also delete it or write an old ring there. These commands make such a user:
//
//	etcdctl user add idp
//	etcdctl role add idp-ring
//	etcdctl role grant-permission idp-ring readwrite /idp/ring
//	etcdctl user grant-role idp idp-ring
//	etcdctl auth enable
//
// # Cost
//
// A process that runs a [keyring.Ring] makes one linearizable read and one progress request every
// two seconds, to prove that its watch works, and loads the ring after each change and about every
// ten seconds. A hundred processes cost the cluster about sixty reads a second.
//
// # Loss of the majority
//
// While fewer than a majority of the servers are up, or for a server that is cut off from them,
// every call fails: a Load says that no server has answered, and a Swap returns
// [keyring.ErrUnknownOutcome] where a request was sent. A [keyring.Ring] goes on with its
// snapshot until that is as old as the SnapshotAge of the policy. After that it decrypts and
// does nothing else. When a majority is back, the next Load returns the ring. When a leader dies,
// calls take two or three seconds longer.
//
// # Compaction
//
// Compaction removes old revisions of the key, and never the value that a ring needs. A watch that
// resumes from a removed revision ends, and Run begins a new one. No service needs old revisions of
// a ring. They hold keys that were erased since, encrypted under the same KEK, so let etcd compact
// (--auto-compaction-retention=1h) and defragment.
//
// # Restore
//
// A snapshot that is restored takes the ring back, and the revisions of the cluster with it:
//
//	etcdutl snapshot restore backup.db --bump-revision 1000000000 --mark-compacted …
//
// Give both flags, which exist since etcd 3.5.10. Without them the watch of another client that
// resumes gets no change until the cluster reaches its old revision again; [Store.Watch]
// notices this and ends. A version of this store consists of the revision and a digest of the
// content. So with the flags or without, no service writes over a ring that it has not read.
//
// The older ring does not know what happened since the backup: it trusts keys that were revoked
// since. Each [keyring.Ring] that runs refuses it with [keyring.ErrRollback], because it has seen a
// newer generation. A service that starts notices it only with a [keyring.Memory], which it keeps
// where the restore does not reach:
//
//	memory := filestore.NewMemory("etcd://etcd-0:2379,etcd-1:2379,etcd-2:2379/%2Fidp%2Fring", "/var/lib/idp/seen")
//
// The first argument is the place by which the memory knows the ring: the servers in the order of
// the alphabet, and the key as a path segment of a URL. The command sealjwt-fleet uses it too, and
// prints it with "keys check". So service and command share what they have seen.
//
// Stop the services, restore, repeat the revocations that were made since the backup (keys
// revoke), and accept the ring on each machine:
//
//	sealjwt-fleet keys accept --ring etcd:/idp/ring --store-file /etc/idp/store --seen-file /var/lib/idp/seen
//
// Each memory refuses the older
// ring until its operator accepts it there, so no machine takes a restored ring unnoticed. The
// memory also protects against a person or a program that may write the key.
//
// # Size
//
// A server takes requests of 1.5 MiB (--max-request-bytes). A ring with daily keys has that size
// after decades, see [keyring.Ring.Fullness]. A ring of a few keys has 2 kB. etcd keeps the ring of
// every write until the next compaction.
package etcdstore
