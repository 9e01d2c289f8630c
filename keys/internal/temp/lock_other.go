//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package temp

import (
	"errors"
	"io/fs"
	"os"
)

const noWait = 0

// hold fails. Without locks Sweep cannot tell whether a process is still writing a file, so it
// leaves every file.
func hold(*os.File) error { return errors.ErrUnsupported }

func hasOneName(fs.FileInfo) bool { return true }
