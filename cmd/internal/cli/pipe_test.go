//go:build unix

package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
)

// longEnough is a wait that ends at once if the code works.
const longEnough = time.Minute

// newPipe makes a named pipe that no process has opened.
func newPipe(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(path), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// Every path that a person can name holds a pipe that no process writes to. No verb waits for ever.
func TestPipeHangsNoVerb(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for ten seconds")
	}
	newHome(t)
	home := t.TempDir()
	set, _ := runOK(t, "", "keys", "export")
	jwks := filepath.Join(home, "jwks.json")
	if err := os.WriteFile(jwks, []byte(set), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(home, "fifo")
	newPipe(t, fifo)
	const who, me = "--iss=https://id.example.com", "--aud=https://api.example.com"
	var verbs sync.WaitGroup
	for _, args := range [][]string{
		{"seal", who, me, fifo},
		{"seal", who, me, "--jsonl", fifo},
		{"seal", who, me, "--to", fifo, jwks},
		{"seal", who, me, "--passphrase-file", fifo, "--ring", filepath.Join(home, "new"), "--init", jwks},
		{"open", who, me, fifo},
		{"open", who, me, "--jsonl", fifo},
		{"inspect", fifo},
		{"scan", fifo},
		{"keys", "import", "--use", "sig", fifo},
		{"keys", "list", "--passphrase-file", fifo},
		{"keys", "rewrap", "--add-passphrase-file", fifo},
		{"keys", "rewrap", "--add-kek-file", fifo},
		{"keys", "list", "--kek-file", fifo},
		{"keys", "list", "--ring", fifo},
		{"jwks", "serve", "--addr", "127.0.0.1:0", "--tls-cert", fifo, "--tls-key", jwks},
		{"jwks", "serve", "--addr", "127.0.0.1:0", "--tls-cert", jwks, "--tls-key", fifo},
	} {
		verbs.Go(func() { // all verbs run at once, because each may wait for a while
			ended := make(chan int, 1)
			var errs consoletest.Lines
			go func() { ended <- run(t.Context(), args, strings.NewReader("token"), io.Discard, &errs) }()
			select {
			case code := <-ended:
				if code == console.ExitDone || !strings.Contains(errs.String(), fifo) {
					t.Errorf("%s: exit code %d, stderr %q", strings.Join(args, " "), code, errs.String())
				}
			case <-time.After(longEnough):
				t.Errorf("%s: it waits", strings.Join(args, " "))
			}
		})
	}
	verbs.Wait()
}
