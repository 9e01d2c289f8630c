package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/filestore"
)

// longEnough is a time of which nothing passes where the code works.
const longEnough = time.Minute

// newPipe makes a named pipe that no process has opened.
func newPipe(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(path), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// Every path that a person can name holds a pipe that no process writes to. No verb waits for
// ever.
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
		verbs.Go(func() { // all at once: each may wait for a while
			ended := make(chan int, 1)
			var errs lines
			go func() { ended <- run(t.Context(), args, strings.NewReader("token"), io.Discard, &errs) }()
			select {
			case code := <-ended:
				if code == exitDone || !strings.Contains(errs.String(), fifo) {
					t.Errorf("%s: exit code %d, stderr %q", strings.Join(args, " "), code, errs.String())
				}
			case <-time.After(longEnough):
				t.Errorf("%s: it waits", strings.Join(args, " "))
			}
		})
	}
	verbs.Wait()
}

// A pipe gives what is written to it, also by a process that opens it later and writes slowly.
// What no process writes to is an error.
func TestPatientPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	newPipe(t, path)
	f, err := openNamed(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := io.ReadAll(patient(f, 0)); len(data) > 0 || !errors.Is(err, errNoWriter) {
		t.Errorf("%q, %v; want errNoWriter", data, err)
	}
	go func() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer w.Close()
		w.WriteString("some of it, ")
		w.WriteString("and the rest")
	}()
	if data, err := io.ReadAll(patient(f, longEnough)); err != nil || string(data) != "some of it, and the rest" {
		t.Errorf("%q, %v", data, err)
	}
}

// The shell makes a pipe for <(…). Its end is the end, also when nothing was written.
func TestPipeOfTheShell(t *testing.T) {
	for _, text := range []string{"", "correct horse\n"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() { w.WriteString(text); w.Close() }()
		path := fmt.Sprintf("/dev/fd/%d", r.Fd())
		if _, err := os.Stat(path); err != nil {
			t.Skip(err)
		}
		in, err := readFile(path, 100)
		if err != nil || string(in.data) != strings.TrimSuffix(text, "\n") {
			t.Errorf("%q, %v; want %q", in.data, err, text)
		}
		r.Close()
	}
}

// A pipe takes the place of the key or the certificate of a server, and of a file that the
// command keeps. It is refused at once.
func TestPipeIsNoRegularFile(t *testing.T) {
	f := newCertFiles(t)
	cert, err := readCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	errs := new(lines)
	s := newJWKSServer(newServerLog(errs), cert, "/jwks", http.NotFoundHandler())
	first := handshake(t, s.server.TLSConfig)
	for _, path := range []string{f.key, f.cert} {
		newPipe(t, path)
		cert.checked = time.Now().Add(-2 * certificateCheck)
		if !bytes.Equal(handshake(t, s.server.TLSConfig), first) {
			t.Errorf("%s is a pipe, and the certificate is another one", path)
		}
		if _, err := readCertificate(f.cert, f.key); !errors.Is(err, errNotRegular) {
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

// A run that was killed leaves a temporary file. The next run removes it.
func TestLeftoverOfReplace(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".new-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := filestore.ReplaceFile(folder, "copy.json", []byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "copy.json" {
		t.Errorf("%v, %v; want copy.json alone", entries, err)
	}
}
