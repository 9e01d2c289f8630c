package access

import (
	"os"
	"syscall"
)

// stRdonly is ST_RDONLY of statfs(2), which package syscall does not have. It is set for a
// read-only bind mount of a file system that is writable elsewhere too.
const stRdonly = 1

// isReadOnly reports whether the file is on a read-only mount. It uses SyscallConn and not Fd:
// after Fd a deadline no longer ends the read of a pipe.
func isReadOnly(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var stat syscall.Statfs_t
	failed := conn.Control(func(fd uintptr) { err = syscall.Fstatfs(int(fd), &stat) })
	return failed == nil && err == nil && stat.Flags&stRdonly != 0
}
