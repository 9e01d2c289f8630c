//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package temp

import (
	"io/fs"
	"os"
	"syscall"
)

// noWait has the flags with which the open of a fifo does not wait for a writer, and a symbolic
// link is not followed.
const noWait = syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// hold locks a file. It returns errHeld when another process holds the lock, or when a signal
// interrupted the call, so that nothing is known of the lock. The kernel drops the lock of a
// process that dies.
func hold(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK || err == syscall.EINTR {
		return errHeld
	}
	return err
}

func hasOneName(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 1
}
