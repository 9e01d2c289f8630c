//go:build unix

package cli

import "syscall"

// forbidCoreFiles sets the size limit of core files to 0, so that a crash writes no keys to the
// disk. If the system refuses, the command runs without this protection.
func forbidCoreFiles() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
