package page

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "sealjwt-page-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", folder, "./cmd/sealjwt")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(folder)
		return string(out), err
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if chromium() != "" {
		_, end := chrome()
		end()
	}
	if folder, err := build(); err == nil {
		os.RemoveAll(folder)
	}
	os.Exit(status)
}

// sealjwt returns the command with arguments and an empty HOME.
func sealjwt(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	folder, err := build()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, folder)
	}
	cmd := exec.Command(filepath.Join(folder, "sealjwt"), args...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	cmd.Stderr = t.Output()
	return cmd
}

// served is a process that serves the page.
type served struct {
	cmd *exec.Cmd
	url string
}

// serve starts a process that serves the page until the test ends.
func serve(t *testing.T) *served {
	t.Helper()
	cmd := sealjwt(t, "page")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &served{cmd: cmd}
	t.Cleanup(s.end)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("sealjwt page prints %q: %v", line, err)
	}
	s.url = strings.TrimSpace(line)
	return s
}

// end kills the process, like an out-of-memory killer.
func (s *served) end() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}
