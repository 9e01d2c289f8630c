//go:build unix

package keyserver

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
	"github.com/sealjwt/sealjwt/keys/filestore"
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

// A pipe takes the place of the server's key or certificate, or of a file that the command keeps.
// It is refused at once.
func TestPipeIsNoRegularFile(t *testing.T) {
	f := newCertFiles(t)
	cert, err := ReadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	errs := new(consoletest.Lines)
	s := New(slog.New(slog.NewJSONHandler(errs, nil)), cert, "/jwks", http.NotFoundHandler())
	first := handshake(t, s.server.TLSConfig)
	for _, path := range []string{f.key, f.cert} {
		newPipe(t, path)
		cert.checked = time.Now().Add(-2 * certificateCheck)
		if !bytes.Equal(handshake(t, s.server.TLSConfig), first) {
			t.Errorf("%s is a pipe, and the certificate is another one", path)
		}
		if _, err := ReadCertificate(f.cert, f.key); !errors.Is(err, console.ErrNotRegular) {
			t.Errorf("%v, want errNotRegular", err)
		}
		if _, _, err := filestore.NewMemory("ring", path).Load(t.Context()); !errors.Is(err, filestore.ErrUnsafe) {
			t.Errorf("%v, want ErrUnsafe", err)
		}
	}
	if !strings.Contains(errs.String(), "it is not a regular file") {
		t.Errorf("the log does not say it: %s", errs)
	}
}

// One handshake reads the files of the certificate again. The others do not wait for it, even while
// the disk hangs.
func TestHandshakesPassAReading(t *testing.T) {
	f := newCertFiles(t)
	cert, err := ReadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	cert.log = slog.New(slog.DiscardHandler)
	cert.checked = time.Now().Add(-2 * certificateCheck)
	cert.reading = true // a handshake hangs in load
	got := make(chan error, 1)
	go func() {
		c, err := cert.get(nil)
		if c != cert.current {
			err = errors.New("another certificate")
		}
		got <- err
	}()
	select {
	case err := <-got:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(longEnough):
		t.Fatal("it waits")
	}
}
