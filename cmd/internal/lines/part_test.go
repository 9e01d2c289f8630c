package lines

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The part counts from where the file stood, and only a file has one.
func TestPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(20, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for _, in := range []io.Reader{f, io.NopCloser(f)} {
		c := &counter{in: f}
		part := partOf(c, in, f)
		if part == nil || part() != 0 {
			t.Fatal("a file has no part, or begins with one")
		}
		before := c.n.Load()
		if n, err := c.Read(make([]byte, 40)); n != 40 || err != nil {
			t.Fatal(n, err)
		}
		if want := float64(before+40) / 80; in == io.Reader(f) && part() != want {
			t.Errorf("%v, want %v", part(), want)
		}
	}
	if partOf(&counter{}, strings.NewReader("x"), strings.NewReader("x")) != nil {
		t.Error("a text without a file has a part")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if partOf(&counter{}, r, nil) != nil {
		t.Error("a pipe has a part")
	}
}
