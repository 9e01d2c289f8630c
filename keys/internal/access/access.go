// Package access decides whether the mode of a file lets other users reach a ring or a
// secret. One function decides for the ring, its lock, the key file and the passphrase file,
// so that they agree on the modes that platforms set:
//
//   - Kubernetes adds group read and write to every file of a volume with an fsGroup, at each
//     mount, and sets the setgid bit of every folder.
//   - Kubernetes and Docker mount secrets as files of root that every user may read, with
//     mode 0644 or 0444, on a mount that is read-only.
package access

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// ErrRefused says that a file was refused. It is for errors.Is: the errors of this package that
// are an ErrRefused have texts of their own, with the reason and the remedy.
var ErrRefused = errors.New("filestore: refused") // filestore.ErrUnsafe is this error

type refusal string

func (r refusal) Error() string      { return string(r) }
func (refusal) Is(target error) bool { return target == ErrRefused }

// Purpose says what a file is for.
type Purpose int

const (
	// Ring is the ring, its lock or its temporary file. The secrets in them are encrypted, but a
	// user who writes them can destroy the ring or put back an old one.
	Ring Purpose = iota
	// Secret is a key file or a passphrase file. An operator may let a group read it.
	Secret
)

// Facts are all facts that the decision needs.
type Facts struct {
	Mode       fs.FileMode
	UID, GID   int         // the owner and the group of the file
	FolderMode fs.FileMode // the folder that holds the file
	FolderGID  int
	ReadOnly   bool // the file is on a read-only mount
	Process    Process
}

// Process is the process that opens the file.
type Process struct {
	UID    int
	Groups []int  // the effective group and the supplementary groups
	GOOS   string // as in package runtime
}

// staff is the group of every user on macOS.
const staff = 20

// Decide returns nil for a file that passes, and otherwise an [ErrRefused]. The text of that error
// calls the file by the argument name, and uses path in the commands that it advises.
func (f Facts) Decide(p Purpose, name, path string) error {
	switch {
	case f.Process.UID < 0:
		return f.Process.checkSystem(name)
	case p == Ring && f.UID != f.Process.UID:
		return refusal(fmt.Sprintf("%s belongs to uid %d and this process runs as uid %d: run it as that user%s",
			name, f.UID, f.Process.UID, f.orOwn(path)))
	case p == Ring && f.ringPasses(), p == Secret && f.secretPasses():
		return nil
	}
	return refusal(fmt.Sprintf("%s is open to others (mode %04o): %s", name, f.Mode.Perm(), f.advice(p, path)))
}

// orOwn returns the second remedy for a ring of another user. Root gets none: the other user runs a
// service, which would refuse a ring of root.
func (f Facts) orOwn(path string) string {
	if f.Process.UID == 0 {
		return ": ls -ld " + path
	}
	return fmt.Sprintf(", or if you know that the file is yours: chown %d %s", f.Process.UID, path)
}

// checkSystem refuses a file on a system without users in the sense of Unix, such as Windows,
// where the mode of a file says nothing about its access control list.
func (p Process) checkSystem(name string) error {
	if p.UID >= 0 {
		return nil
	}
	return refusal(fmt.Sprintf("%s cannot be used: on %s the mode of a file does not tell which users read it: "+
		"keep files with secrets on Linux or macOS", name, p.GOOS))
}

// ringPasses reports whether the mode lets only the owner, who is the user of this process,
// reach the file, or the owner and the group of a Kubernetes volume.
func (f Facts) ringPasses() bool {
	perm := f.Mode.Perm()
	return perm&0o077 == 0 || perm&0o017 == 0 && f.isVolumeGroup()
}

func (f Facts) secretPasses() bool {
	perm := f.Mode.Perm()
	switch {
	case perm&0o137 == 0: // only the owner, or the owner and a group that may only read
		return perm&0o040 == 0 || f.Process.GOOS != "darwin" || f.GID != staff
	case perm&0o117 == 0:
		return f.isVolumeGroup()
	case perm&0o133 == 0:
		// Every user may read the file. But a container with such a mount has no other users,
		// and root outside of it has put the secret there.
		return f.ReadOnly && f.UID == 0
	}
	return false
}

// isVolumeGroup reports whether the owner and the group of the file look as kubelet leaves them
// for an fsGroup: the file belongs to the user and to a group of this process, and its folder has
// the setgid bit and that same group. A careless chmod of a file does not make it look so, because
// it sets no setgid bit on the folder.
func (f Facts) isVolumeGroup() bool {
	return f.Process.GOOS == "linux" && f.UID == f.Process.UID && slices.Contains(f.Process.Groups, f.GID) &&
		f.FolderMode&fs.ModeSetgid != 0 && f.FolderGID == f.GID
}

// advice names a remedy that this process or its operator can apply to this very file. For a
// secret that a platform seems to mount it first names the settings of the mount, since chmod
// fails on such a file.
func (f Facts) advice(p Purpose, path string) string {
	mounted := f.ReadOnly || f.UID != f.Process.UID && f.Process.UID != 0
	switch {
	case p == Secret && mounted:
		owner := "chmod 600 " + path
		if f.UID != f.Process.UID { // with mode 600 this process could no longer read it
			owner = "chmod 640 " + path + ", and gives it to a group of this process"
		}
		return "set its mode where the mount is declared: defaultMode: 0440 with an fsGroup in Kubernetes, " +
			"mode: 0400 with the uid of this process in Docker; elsewhere its owner types: " + owner
	case f.ReadOnly:
		return "mount it writable, then: chmod 600 " + path
	case f.FolderMode&fs.ModeSetgid != 0 && f.Process.GOOS == "linux":
		return "chmod 600 " + path + " (Kubernetes widens it at the next mount, unless the pod sets fsGroupChangePolicy: OnRootMismatch)"
	}
	return "chmod 600 " + path
}
