//go:build unix

package console

import "syscall"

// nonBlocking lets the open of a pipe return at once.
const nonBlocking = syscall.O_NONBLOCK
