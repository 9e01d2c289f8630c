//go:build unix

package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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

// A reader gets all bytes of a pipe, also if a process opens it later and writes slowly. A pipe
// that no process writes to is an error.
func TestPatientPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	newPipe(t, path)
	f, err := OpenNamed(path)
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

// The shell makes a pipe for <(…). The input ends with it, also if it is empty.
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
		in, err := ReadFile(path, 100)
		if err != nil || string(in.Data) != strings.TrimSuffix(text, "\n") {
			t.Errorf("%q, %v; want %q", in.Data, err, text)
		}
		r.Close()
	}
}
