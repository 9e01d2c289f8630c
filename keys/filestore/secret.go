package filestore

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/internal/access"
)

// ErrUnsafe says that a file or a folder is refused, because other users may read or exchange it,
// or because it is not of the kind that this package makes. The text names the reason and what to
// do. [keyring.KEKFile] returns it too.
var ErrUnsafe = access.ErrRefused

// CheckSecret refuses an open file with a secret, such as a passphrase, that other users may read
// or write, with [ErrUnsafe]. info is the Stat of f. CheckSecret accepts the modes that
// [keyring.KEKFile] accepts, such as 0640.
func CheckSecret(path string, f *os.File, info fs.FileInfo) error {
	if f == nil || info == nil {
		return unsafef("CheckSecret needs the open file and its Stat")
	}
	return access.Check(access.Secret, path, path, f, info)
}

// HasVolumeGroup reports whether a file, whose Stat is info, has the owner and the group that a
// file on a Kubernetes volume with an fsGroup has: the package documentation says how they look.
// folder is the Stat of the folder that holds the file. For a folder give its own Stat twice.
// HasVolumeGroup does not check the permission bits of the file; the caller must. It returns false
// if info or folder is nil.
func HasVolumeGroup(info, folder fs.FileInfo) bool {
	return info != nil && folder != nil && access.HasVolumeGroup(info, folder)
}

func unsafef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsafe, fmt.Errorf(format, args...))
}
