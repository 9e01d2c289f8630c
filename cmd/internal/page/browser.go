package page

import (
	"fmt"
	"os/exec"
	"runtime"
)

// OpenBrowser starts the browser of the user with the URL of a page. It does not wait for the
// browser. It returns an error when the system's program for that cannot be started.
//
// The URL stands in the arguments of a process, where other users of the machine may read it.
// It holds no token, and a user who knows it gets a page without one: see the package
// documentation.
func OpenBrowser(url string) error {
	line := starter(runtime.GOOS, url)
	cmd := exec.Command(line[0], line[1:]...)
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("no browser was started (%w)", err)
	}
	go cmd.Wait()
	return nil
}

// starter returns the command that starts the browser of a user. None of them is a shell.
func starter(goos, url string) []string {
	switch goos {
	case "darwin":
		return []string{"open", url}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	return []string{"xdg-open", url}
}
