//go:build unix

package cli

import "syscall"

// forbidCoreFiles sets the size limit of core files to 0, so that no core file with keys is
// written. It does not stop a system that pipes cores to a program (core(5) of Linux). If the
// system refuses the limit, the command runs without it.
func forbidCoreFiles() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
