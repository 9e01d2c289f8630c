package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
)

// A pipe takes the place of the key or the certificate of a server, and of a file that the
// command keeps. It is refused at once.
func TestPipeIsNoRegularFile(t *testing.T) {
	f := newCertFiles(t)
	cert, err := readCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	errs := new(logLines)
	s := newJWKSServer(newServerLog(errs), cert, "/jwks", http.NotFoundHandler())
	first := handshake(t, s.server.TLSConfig)
	for _, path := range []string{f.key, f.cert} {
		newPipe(t, path)
		cert.checked = time.Now().Add(-2 * certificateCheck)
		if !bytes.Equal(handshake(t, s.server.TLSConfig), first) {
			t.Errorf("%s is a pipe, and the certificate is another one", path)
		}
		if _, err := readCertificate(f.cert, f.key); !errors.Is(err, console.ErrNotRegular) {
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

// One handshake reads the files of the certificate again. The others do not wait for it, also
// when the disk hangs.
func TestHandshakesPassAReading(t *testing.T) {
	f := newCertFiles(t)
	cert, err := readCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	cert.log = newServerLog(io.Discard)
	cert.checked = time.Now().Add(-2 * certificateCheck)
	cert.reading = true // a handshake that hangs in load
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
