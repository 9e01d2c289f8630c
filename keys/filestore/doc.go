// Package filestore keeps a ring in one file. It is the store to start with: it needs no
// server, and any number of processes of one host may share the file. [OpenOrCreate] makes
// the ring and the file of its key encryption key (KEK) on the first start of a service, and
// opens them afterwards:
//
//	ring, err := filestore.OpenOrCreate(ctx, "/var/lib/myservice/ring", "/etc/myservice/kek")
//
// A program whose KEK is elsewhere uses [keyring.OpenOrCreate] with [New].
//
// Beside the ring lies ring.lock, which is never removed, and is empty if the last write ended
// well. During a write there is also ring.tmp.
//
// A ring in a file needs the locks and the file modes of Unix: Linux, macOS and the BSDs. On
// other systems, such as Windows, the package builds, and each function that would read or
// write a ring or a [Memory] returns [errors.ErrUnsupported].
//
// # How it writes
//
// If a ring is lost, no token that was sealed to it can be opened. So if the power is cut or a
// writer is killed at any moment, the file must hold the whole old ring or the whole new one.
// The steps and their reasons:
//
//   - The lock is on ring.lock. A lock on the ring itself would stay with the
//     old file after the rename, and two writers would each hold one. The kernel
//     drops a lock when its holder dies, so no lock is ever stale.
//   - Under the lock the ring is read again and its version compared: another
//     process may have written while this one waited for the lock.
//   - The new ring is written to ring.tmp, never in place: a writer that is
//     killed half way would leave a torn file, and all keys would be lost.
//   - The temporary name is fixed. Random names pile up when writers are killed,
//     and every one of them holds private keys that no process will erase. A file
//     with a fixed name is there at most once, and the next writer removes it.
//   - The temporary file is synced before the rename. Otherwise the name may
//     reach the disk before the content, and a power cut leaves an empty ring. A
//     sync that failed is never repeated: the kernel may have dropped the pages
//     and report success the second time.
//   - The temporary file is read back and passes the checks below before it
//     takes the place of a ring that works.
//   - The folder is synced after the rename. Otherwise a power cut takes back a
//     write that was acknowledged, such as a revocation. When this sync fails, Swap
//     returns [keyring.ErrNotDurable], and a later sync that succeeds proves nothing.
//   - ring.lock holds the pid of the writer until the write has ended well. A failed
//     sync of the folder and a killed writer leave the pid in ring.lock. The next Load,
//     of any process that may write, then writes the ring again under the lock, with
//     syncs of its own.
//
// # Refused files
//
// The ring is encrypted, but a user who can write the file can destroy the ring or put an
// old one in its place, and a user who can read it can guess at a passphrase. So the file
// must be a regular file, not reached through a symbolic link, owned by the user of this
// process, closed to group and others, and no larger than [MaxSize]. Its folder must not be
// writable by every user unless it is sticky. The lock must pass the same checks. The open
// file is checked, so an attacker cannot exchange it between the check and the read. The
// text of [ErrUnsafe] says what to type.
//
// # Kubernetes
//
// At each mount of a volume whose pod has an fsGroup, Kubernetes gives every file to that
// group, adds group read and write, and sets the setgid bit of every folder. On Linux a ring
// and its lock with group permissions pass when they look like that: the owner is the user
// of this process, the process is in the group, and the folder has the setgid bit and the
// same group. The next write narrows both files to mode 0600. The pod setting
// fsGroupChangePolicy: OnRootMismatch leaves them narrow.
//
// An emptyDir volume is writable by every user, so the ring must be in a folder below it,
// which the first write makes.
//
// # Network file systems
//
// The lock (flock) holds among the processes of one host. On a network file system two hosts may
// both believe that they have the lock, and a rename or a sync guarantees less. So the package does
// not support network file systems. Processes on several hosts need another store.
//
// # Backups
//
// The package keeps no copy of an earlier ring. A copy would still have the key that a rotation
// or a revocation has just erased, and is not needed to recover from a crash.
//
// Back up the ring and the key that encrypts it, in different places. A copy of the file ring
// is a whole ring at any time; do not copy ring.lock and ring.tmp. Keep few backups and not for
// long: each holds keys that the ring has erased since. When an older ring is put back, a
// keyring.Ring that has seen the newer one returns [keyring.ErrRollback]. With a [Memory] a
// process that starts later does so too. When an operator has put an older ring back on
// purpose, [Memory.Accept] makes the Memory accept it.
package filestore

import "errors"

// MaxSize is the size in bytes that a ring may have. A ring of a few keys has 2 kB, and a
// ring of a century less than MaxSize. A larger file is not a ring, and is not read.
const MaxSize = 2 << 20

// ErrLocked says that another writer did not let go of the lock in time. Nothing
// was written.
var ErrLocked = errors.New("filestore: locked by another writer")
