//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/sealjwt/sealjwt/keys/filestore"
)

// openKey returns a warning if users other than the owner can read or change the file of a key. It
// returns none for a file that only its group can read if the file belongs to another user, such as
// a mounted secret, or is on a read-only file system: chmod would fail there.
func openKey(path string, f *os.File, info fs.FileInfo) (warning string) {
	if err := filestore.CheckSecret(path, f, info); err != nil {
		return err.Error()
	}
	const wOK = 2 // W_OK of access(2) in POSIX
	isOurs := int(info.Sys().(*syscall.Stat_t).Uid) == os.Geteuid()
	if mode := info.Mode().Perm(); mode&0o077 != 0 && isOurs && syscall.Access(path, wOK) != syscall.EROFS {
		return fmt.Sprintf("%s is open to its group (mode %04o): chmod 600 %[1]s", path, mode)
	}
	return ""
}
