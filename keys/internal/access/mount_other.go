//go:build !linux

package access

import "os"

// isReadOnly returns false: the read-only mount of a file matters only in a container, and
// containers run on Linux.
func isReadOnly(*os.File) bool { return false }
