//go:build unix

package filestore

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Each case puts something at path that is not a ring of ours. Load and Swap leave it as it is, and
// the error says what to type.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want []string // texts of the error
	}{
		"readable by all":   {ringWithMode(0o644), []string{"mode 0644", "chmod 600 "}},
		"readable by group": {ringWithMode(0o640), []string{"mode 0640", "chmod 600 "}},
		"writable by group": {ringWithMode(0o620), []string{"mode 0620", "chmod 600 "}},
		"executable by all": {ringWithMode(0o601), []string{"mode 0601", "chmod 600 "}},
		"symbolic link": {func(t *testing.T, path string) {
			ringWithMode(0o600)(t, path+".target")
			must(t, os.Symlink(path+".target", path))
		}, []string{"symbolic link", "readlink -f "}},
		"dangling link": {func(t *testing.T, path string) {
			must(t, os.Symlink(path+".target", path))
		}, []string{"symbolic link"}},
		"folder": {func(t *testing.T, path string) {
			must(t, os.Mkdir(path, 0o700))
		}, []string{"not a regular file", "ls -ld "}},
		"fifo": {func(t *testing.T, path string) {
			must(t, syscall.Mkfifo(path, 0o600))
		}, []string{"not a regular file"}},
		"socket": {func(t *testing.T, path string) {
			t.Chdir(filepath.Dir(path)) // a socket's path has 104 bytes at most
			l, err := net.Listen("unix", filepath.Base(path))
			must(t, err)
			t.Cleanup(func() { l.Close() })
		}, []string{"not a regular file"}},
		"too large": {func(t *testing.T, path string) {
			ringWithMode(0o600)(t, path)
			must(t, os.Truncate(path, MaxSize+1))
		}, []string{"2097152 bytes", "ls -l "}},
		"another user's": {func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			ringWithMode(0o600)(t, path)
			must(t, os.Chown(path, 12345, -1))
		}, []string{"uid 12345", "uid 0: run it as that user: ls -ld "}},
		"folder writable by all": {func(t *testing.T, path string) {
			ringWithMode(0o600)(t, path)
			must(t, os.Chmod(filepath.Dir(path), 0o777))
		}, []string{"mode 0777", "chmod o-w "}},
		"folder writable by all, no ring": {func(t *testing.T, path string) {
			must(t, os.Chmod(filepath.Dir(path), 0o702))
		}, []string{"mode 0702", "chmod o-w "}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			c.make(t, s.path)
			before, _ := os.Lstat(s.path)
			_, _, loadErr := s.Load(t.Context())
			_, createErr := s.Swap(t.Context(), "", []byte("mine"))
			_, swapErr := s.Swap(t.Context(), versionOf([]byte("a ring")), []byte("mine"))
			for call, err := range map[string]error{"Load": loadErr, "create": createErr, "Swap": swapErr} {
				if !errors.Is(err, ErrUnsafe) {
					t.Errorf("%s: %v, want ErrUnsafe", call, err)
					continue
				}
				for _, want := range append(c.want, filepath.Dir(s.path)) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: the error does not say %q: %v", call, want, err)
					}
				}
			}
			after, _ := os.Lstat(s.path)
			if (before == nil) != (after == nil) || before != nil && !os.SameFile(before, after) {
				t.Error("the file was replaced")
			}
		})
	}
}

// The lock is checked like the ring: a user who can open it can keep it locked.
func TestRefusedLock(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, path string){
		"readable by all": ringWithMode(0o644),
		"symbolic link": func(t *testing.T, path string) {
			must(t, os.Symlink(path+".target", path))
		},
		"fifo": func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			prepare(t, s.lockPath())
			_, err := s.Swap(t.Context(), "", []byte("a ring"))
			if !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), "the lock") {
				t.Errorf("%v, want ErrUnsafe about the lock", err)
			}
			if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a ring was written (%v)", err)
			}
		})
	}
}

func TestStickyFolder(t *testing.T) {
	s := newStore(t)
	must(t, os.Chmod(filepath.Dir(s.path), 0o777|fs.ModeSticky))
	mustCreate(t, s, "a ring")
	wantRing(t, s, "a ring")
}

// A careless copy to a full disk leaves an empty file. It is not a ring, and no reason to make a
// new one.
func TestEmptyFile(t *testing.T) {
	s := newStore(t)
	must(t, os.WriteFile(s.path, nil, 0o600))
	if _, _, err := s.Load(t.Context()); err == nil || errors.Is(err, keyring.ErrNoRing) {
		t.Errorf("Load: %v, want an error other than ErrNoRing", err)
	}
	if _, err := s.Swap(t.Context(), "", []byte("a ring")); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("Swap: %v, want an error that says empty", err)
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	s := newStore(t)
	ringWithMode(0o200)(t, s.path)
	_, _, err := s.Load(t.Context())
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, keyring.ErrNoRing) {
		t.Errorf("%v, want permission denied", err)
	}
}

func TestFolderIsAFile(t *testing.T) {
	file := newStore(t)
	mustCreate(t, file, "a ring")
	s := New(filepath.Join(file.path, "ring"))
	if _, _, err := s.Load(t.Context()); err == nil || errors.Is(err, keyring.ErrNoRing) {
		t.Errorf("Load: %v, want an error other than ErrNoRing", err)
	}
	if _, err := s.Swap(t.Context(), "", []byte("a ring")); err == nil {
		t.Error("Swap succeeded")
	}
}

func ringWithMode(mode fs.FileMode) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		must(t, os.WriteFile(path, []byte("a ring"), 0o600))
		must(t, os.Chmod(path, mode)) // whatever the umask is
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
