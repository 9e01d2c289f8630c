//go:build unix

package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

func TestCheckPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	must(t, os.Mkdir("real", 0o700))
	must(t, os.Symlink("real", "link"))
	must(t, os.Symlink("real/kek", "kek"))
	type paths struct {
		ring   string
		keks   []string
		memory []string
	}
	for _, c := range []struct {
		paths
		want string // empty: the files differ
	}{
		{paths{"ring", []string{"real/kek"}, []string{"real/kek.seen", "state/kek.seen"}}, ""},
		{paths{"ring", []string{"kek", "real/kek", ""}, []string{"kek.seen", "kek.seen", ""}}, ""}, // both name one file
		{paths{"ring", nil, nil}, ""},
		{paths{"", nil, nil}, ""},
		{paths{"ring", []string{"/dev/fd/0"}, []string{"/dev/fd/0.seen"}}, ""},
		{paths{"ring", []string{"./ring"}, nil}, "the ring and a file that opens"},
		{paths{"ring", []string{"ring.lock"}, nil}, "the lock of the ring and a file that opens"},
		{paths{"ring", []string{"ring.tmp"}, nil}, "the temporary file of the ring and a file that opens"},
		{paths{"ring", []string{"kek", filepath.Join(dir, "ring.tmp")}, nil}, "the temporary file of the ring and a file that opens"},
		{paths{"link/kek.seen", nil, []string{"real/kek.seen"}}, "the ring and the memory"},
		{paths{"kek.seen.lock", nil, []string{"kek.seen"}}, "the ring and the lock of the memory"},
		{paths{"kek.seen.tmp", nil, []string{"other.seen", "kek.seen"}}, "the ring and the temporary file of the memory"},
		{paths{"kek.seen.damaged", nil, []string{"kek.seen"}}, "the ring and a damaged memory"},
		{paths{"ring", nil, []string{"ring.lock"}}, "the lock of the ring and the memory"},
		{paths{"ring", nil, []string{"ring.tmp"}}, "the temporary file of the ring and the memory"},
		{paths{"ring", []string{"kek"}, []string{"link/kek"}}, "the memory of the rings and a file that opens"},
		{paths{"ring", []string{"a.tmp"}, []string{"a"}}, "the temporary file of the memory and a file that opens"},
		{paths{"ring", []string{"a.lock"}, []string{"a"}}, "the lock of the memory and a file that opens"},
		{paths{"ring", []string{"a.damaged"}, []string{"a"}}, "a damaged memory and a file that opens"},
	} {
		err := CheckPaths(c.ring, c.keks, c.memory...)
		if c.want == "" && err != nil {
			t.Errorf("%q: %v", c.paths, err)
		}
		if c.want != "" && (!errors.Is(err, keyring.ErrConfig) || !strings.Contains(err.Error(), "would be both "+c.want)) {
			t.Errorf("%q: %v, want ErrConfig with %q", c.paths, err, c.want)
		}
	}
	wantFiles(t, ".", "kek", "link", "real")
}

// The path of a memory is the path of the ring, of its lock or of its KEK. No file is touched.
func TestMemoryInThePlaceOfTheRing(t *testing.T) {
	s := newStore(t)
	ring := createRing(t, s, hasty())
	for _, path := range []string{s.path, s.lockPath(), s.path + ".tmp", strings.TrimSuffix(s.path, "ng")} {
		m := NewMemory(s.path, path)
		_, _, err := m.Load(t.Context())
		for _, err := range []error{err, m.Save(t.Context(), ring.Checkpoint()), m.Accept(t.Context(), ring.Checkpoint())} {
			if (path == strings.TrimSuffix(s.path, "ng")) != (err == nil) || err != nil && !errors.Is(err, keyring.ErrConfig) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	wantFiles(t, dirOf(s), "ri", "ri.lock", "ring", "ring.lock")
	openRing(t, s.path)
}

// A folder of descriptors loses its contents at the next start.
func TestMemoryOfADescriptor(t *testing.T) {
	for _, kek := range []string{"/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"} {
		if path := NewMemory("ring", kek+".seen").Path(); path != "" {
			t.Errorf("the memory beside %s is %s", kek, path)
		}
	}
}
