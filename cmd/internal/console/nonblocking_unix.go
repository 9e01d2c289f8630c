//go:build unix

package console

import "syscall"

// nonBlocking makes opening a pipe return at once, also when no process writes to it.
const nonBlocking = syscall.O_NONBLOCK
