//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package temp

import (
	"errors"
	"io/fs"
	"os"
)

const noWait = 0

// hold fails: without a lock nothing tells whether a process is at work on a file.
func hold(*os.File) error { return errors.ErrUnsupported }

func hasOneName(fs.FileInfo) bool { return true }
