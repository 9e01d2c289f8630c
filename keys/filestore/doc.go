// Package filestore keeps a ring in one file. It is the store to start with: no
// server, and any number of processes of one host may share the file.
//
//	store := filestore.New("/var/lib/myservice/ring")
//
// Beside the ring lie ring.lock, which is empty while nobody writes and is
// never removed, and for an instant ring.tmp. It builds on Linux, macOS and the
// BSDs.
//
// # How it writes
//
// A ring that is lost takes every token that was sealed to it along, so a write
// must leave the old ring or the new one, whole, when power is cut or a writer is
// killed at any moment. What each step is for:
//
//   - The lock is on ring.lock. A lock on the ring itself would stay with the
//     old file after the rename, and two writers would each hold one. The kernel
//     drops it when the holder dies, so no lock is ever stale.
//   - Under the lock the ring is read again and its version compared. Holding
//     the lock does not mean that nobody wrote while we waited for it.
//   - The new ring is written to ring.tmp, never in place: a writer that is
//     killed half way leaves a torn file, and all keys are lost.
//   - The temporary name is fixed. Random names pile up when writers are killed,
//     and every one of them holds private keys that nobody will erase. Of a fixed
//     name there is at most one, and the next writer removes it.
//   - The temporary file is synced before the rename. Otherwise the name may
//     reach the disk before the content, and a power cut leaves an empty ring. A
//     sync that failed is never repeated: the kernel may have dropped the pages
//     and report success the second time.
//   - The temporary file is read back and passes the checks below before it
//     takes the place of a ring that works.
//   - The folder is synced after the rename. Otherwise a power cut takes back a
//     write that was acknowledged, such as a revocation.
//
// # What it refuses
//
// The ring is encrypted, but who can write it can destroy it or put an old one
// in its place, and who can read it can guess at a passphrase. So the file must
// be a regular file, not reached through a symbolic link, owned by the user of
// this process, closed to group and others, and no larger than [MaxSize]; its
// folder must not be writable by everybody unless it is sticky. The file is
// checked once it is open, so nobody can exchange it between the check and the
// read. [ErrUnsafe] comes with what to type.
//
// # What it cannot do
//
// The lock (flock) holds among the processes of one host. On a network file
// system two hosts may both believe that they have it, and a rename or a sync
// means less there: this is not supported. Rotators on several hosts need
// another store.
//
// # Backups
//
// No earlier ring is kept. A copy would preserve the very key that a rotation
// or a revocation has just erased, and the rename needs none to recover.
//
// Back up the ring and the key that encrypts it, in different places. Copying
// ring at any time gives a whole ring; ring.lock and ring.tmp are not worth
// copying. Keep few backups and not for long: each holds keys that the ring has
// erased since. A ring that was put back is an older one: a keyring.Ring that has seen
// the newer one returns [keyring.ErrRollback], over restarts by its [keyring.Memory].
package filestore
