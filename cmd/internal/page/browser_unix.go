//go:build unix

package page

import (
	"os/exec"
	"syscall"
)

// detach keeps the Ctrl-C that ends sealjwt from ending the browser too.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
