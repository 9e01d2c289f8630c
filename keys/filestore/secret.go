package filestore

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/internal/access"
)

// ErrUnsafe says that a file or a folder differs from the ones that this package makes, so
// that another user may read or exchange it. The text names the difference and the command
// that mends it. [keyring.KEKFile] returns it too.
var ErrUnsafe = access.ErrRefused

// CheckSecret refuses an open file with a secret, such as a passphrase, that other users
// may read or write; info is its Stat. It accepts the modes that [keyring.KEKFile] accepts.
// It returns [ErrUnsafe].
func CheckSecret(path string, f *os.File, info fs.FileInfo) error {
	if f == nil || info == nil {
		return unsafef("CheckSecret needs the open file and its Stat")
	}
	return access.Check(access.Secret, path, path, f, info)
}

// HasVolumeGroup reports whether a file, whose Stat is info, has the group permissions that
// Kubernetes sets on a volume with an fsGroup: the package documentation says how they look.
// folder is the Stat of the folder that holds the file. For a folder give its own Stat twice.
// HasVolumeGroup does not check the permissions of other users. It returns false if info or
// folder is nil.
func HasVolumeGroup(info, folder fs.FileInfo) bool {
	return info != nil && folder != nil && access.HasVolumeGroup(info, folder)
}

func unsafef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsafe, fmt.Errorf(format, args...))
}
