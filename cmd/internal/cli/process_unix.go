//go:build unix

package cli

import "syscall"

// forbidCoreFiles keeps keys out of core files. Where the system refuses, the command goes on:
// nothing better can be done.
func forbidCoreFiles() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
