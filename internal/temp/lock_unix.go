//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package temp

import (
	"io/fs"
	"os"
	"syscall"
)

// noWait: the open of a fifo would wait for a writer, for ever.
const noWait = syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// hold locks a file, and reports false when another process holds it. The kernel drops the
// lock when the process dies.
func hold(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

func hasOneName(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 1
}
