package lines

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// The size counts from the position in the file. Only a file has a size.
func TestSizeOf(t *testing.T) {
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
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, c := range []struct {
		in, stdin io.Reader
		want      int64
	}{
		{f, nil, 80}, {io.NopCloser(f), f, 80}, {io.NopCloser(r), r, 0}, {r, nil, 0}, {strings.NewReader("x"), strings.NewReader("x"), 0},
	} {
		if got := SizeOf(c.in, c.stdin); got != c.want {
			t.Errorf("%T: %d bytes, want %d", c.in, got, c.want)
		}
	}
}

// The end of a batch is the end of its last line in the input, however far the reader has read.
func TestBatchKnowsWhereItEnds(t *testing.T) {
	text := strings.Repeat("0123456789\n", 500) + "last"
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, file, err := Open(console.New("sealjwt", nil, io.Discard, io.Discard), []string{path}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in.Most = 100
	if in.size != int64(len(text)) {
		t.Errorf("%d bytes, want %d", in.size, len(text))
	}
	if err := in.skip(context.Background()); err != nil {
		t.Fatal(err)
	}
	var lines int
	for {
		var b batch
		if err := in.fill(&b); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		lines += len(b.lines)
		if want := min(int64(lines)*11, int64(len(text))); b.end != want {
			t.Fatalf("after %d lines at byte %d, want %d", lines, b.end, want)
		}
	}
	if lines != 501 {
		t.Errorf("%d lines", lines)
	}
}
