//go:build unix

package filestore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) keyring.Store { return newStore(t) })
}

// Two handles stand for two processes: flock tells open files apart, not
// processes.
func TestTwoHandles(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) func() keyring.Store {
		path := newStore(t).path
		return func() keyring.Store { return New(path) }
	})
}

func TestCreatesPrivateFilesAndFolders(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // so that only our modes protect the files
	top := t.TempDir()
	s := New(filepath.Join(top, "a", "b", "ring"))
	mustCreate(t, s, "a ring")
	wantModes(t, top, map[string]fs.FileMode{
		"a": 0o700, "a/b": 0o700, "a/b/ring": 0o600, "a/b/ring.lock": 0o600,
	})
	if b, err := os.ReadFile(s.path + ".lock"); err != nil || len(b) > 0 {
		t.Errorf("the lock file holds %q after the swap (%v), want nothing", b, err)
	}
}

func TestNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	s := New(filepath.Join(dir, "ring"))
	if _, _, err := s.Load(t.Context()); !errors.Is(err, keyring.ErrNoRing) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("Load: %v, want ErrNoRing with the path", err)
	}
	if _, err := s.Swap(t.Context(), "stale", []byte("a ring")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("Swap: %v, want ErrConflict", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a swap that cannot succeed made the folder (%v)", err)
	}
}

func TestSwapSize(t *testing.T) {
	s := newStore(t)
	version := mustCreate(t, s, "a ring")
	for _, size := range []int{0, MaxSize + 1} {
		if _, err := s.Swap(t.Context(), version, make([]byte, size)); err == nil {
			t.Errorf("a ring of %d bytes was written", size)
		}
	}
	wantRing(t, s, "a ring")
	largest := bytes.Repeat([]byte("r"), MaxSize)
	if _, err := s.Swap(t.Context(), version, largest); err != nil {
		t.Fatal(err)
	}
	wantRing(t, s, string(largest))
}

// A Store has no path, or the *Store is nil, like a variable that was never set.
func TestNoPath(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, s := range map[string]*Store{"empty path": New(""), "zero": {}, "nil": nil} {
		if _, _, err := s.Load(t.Context()); !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("%s: Load: %v, want ErrConfig", name, err)
		}
		if _, err := s.Swap(t.Context(), "", []byte("a ring")); !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("%s: Swap: %v, want ErrConfig", name, err)
		}
		_, err := keyring.OpenOrCreate(t.Context(), keyring.Config{Store: s, KEK: testKEK()})
		if !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("%s: OpenOrCreate: %v, want ErrConfig", name, err)
		}
	}
	wantFiles(t, ".")
}

func TestChangeOfWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	s := New("ring")
	mustCreate(t, s, "a ring")
	t.Chdir(t.TempDir())
	wantRing(t, s, "a ring")
}

func newStore(t *testing.T) *Store {
	return New(filepath.Join(t.TempDir(), "ring"))
}

func mustCreate(t *testing.T, s *Store, doc string) (version string) {
	t.Helper()
	version, err := s.Swap(t.Context(), "", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func wantRing(t *testing.T, s *Store, want string) {
	t.Helper()
	doc, _, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if string(doc) != want {
		t.Fatalf("the ring is %.40q, want %.40q", doc, want)
	}
}

// wantFiles fails unless the folder holds exactly these, in order.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func wantModes(t *testing.T, dir string, want map[string]fs.FileMode) {
	t.Helper()
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), mode)
		}
	}
}
