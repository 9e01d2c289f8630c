//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package temp

import (
	"io/fs"
	"os"
)

const noWait = 0

// hold reports false: without a lock nothing tells whether a process is at work on a file.
func hold(*os.File) bool { return false }

func hasOneName(fs.FileInfo) bool { return true }
