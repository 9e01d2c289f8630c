//go:build unix

package filestore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Each step fails once, on a ring that exists and on one that is being created. After that nothing
// has changed and no file is left over. The error names the step, and the next try succeeds.
func TestStepFails(t *testing.T) {
	for name, c := range map[string]struct {
		ops  func(*fsOps)
		err  error
		want []string
	}{
		"disk full": {func(o *fsOps) {
			o.write = func(f *os.File, p []byte) (int, error) {
				n, _ := f.Write(p[:len(p)/2])
				return n, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
			}
		}, syscall.ENOSPC, []string{"write the temporary file", "make room"}},
		"sync": {func(o *fsOps) {
			o.sync = func(*os.File) error { return syscall.EIO }
		}, syscall.EIO, []string{"sync the temporary file", "check the disk"}},
		"close": {func(o *fsOps) {
			o.close = func(f *os.File) error { f.Close(); return syscall.EDQUOT }
		}, syscall.EDQUOT, []string{"close the temporary file", "make room"}},
		"lost bytes": {func(o *fsOps) {
			o.write = func(f *os.File, p []byte) (int, error) { f.Write(p[1:]); return len(p), nil }
		}, nil, []string{"read back the temporary file"}},
		"nothing written": {func(o *fsOps) {
			o.write = func(_ *os.File, p []byte) (int, error) { return len(p), nil }
		}, nil, []string{"temporary file is empty", "read back"}},
		"file system without modes": {func(o *fsOps) {
			o.close = func(f *os.File) error { f.Chmod(0o755); return f.Close() }
		}, ErrUnsafe, []string{"temporary file is open to others", "read back"}},
		"rename": {func(o *fsOps) {
			o.rename = func(from, to string) error { return syscall.EROFS }
		}, syscall.EROFS, []string{"rename the temporary file", "mount it writable"}},
	} {
		for _, old := range []string{"", "the old ring"} {
			t.Run(name+"/"+old, func(t *testing.T) {
				s := newStore(t)
				version, files := "", []string{"ring.lock"}
				if old != "" {
					version, files = mustCreate(t, s, old), []string{"ring", "ring.lock"}
				}
				c.ops(&s.ops)
				_, err := s.Swap(t.Context(), version, []byte("the new ring"))
				wantFailure(t, err, c.err, append(c.want, "nothing was changed"))
				if errors.Is(err, keyring.ErrUnknownOutcome) {
					t.Errorf("%v: but it is known", err)
				}
				wantFiles(t, dirOf(s), files...)
				if old != "" {
					wantRing(t, s, old)
				}

				s.ops = osOps
				if _, err := s.Swap(t.Context(), version, []byte("the new ring")); err != nil {
					t.Fatal(err)
				}
				wantRing(t, s, "the new ring")
			})
		}
	}
}

// After the rename the write cannot be undone. The error must say that the outcome is unknown.
func TestUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		ops  func(*fsOps)
		want string
	}{
		"folder sync": {func(o *fsOps) {
			o.syncDir = func(*os.File) error { return syscall.EIO }
		}, "sync the folder"},
		"rename that happened": {func(o *fsOps) {
			o.rename = func(from, to string) error { os.Rename(from, to); return syscall.EIO }
		}, "rename"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			version := mustCreate(t, s, "the old ring")
			c.ops(&s.ops)
			_, err := s.Swap(t.Context(), version, []byte("the new ring"))
			wantFailure(t, err, keyring.ErrUnknownOutcome, []string{c.want, "check the disk"})
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%v does not wrap the cause", err)
			}
			wantFiles(t, dirOf(s), "ring", "ring.lock")
			// The new ring may not survive a power cut, so Load does not return it before it is
			// stored.
			s.ops = osOps
			s.ops.syncDir = func(*os.File) error { return syscall.EIO }
			if _, _, err := s.Load(t.Context()); !errors.Is(err, syscall.EIO) {
				t.Errorf("an unsynced ring was loaded: %v", err)
			}
			s.ops = osOps
			wantRing(t, s, "the new ring")
		})
	}
}

// A write is safe because of the order of its steps.
func TestOrderOfSteps(t *testing.T) {
	s := newStore(t)
	version := mustCreate(t, s, "the old ring")
	var steps []string
	step := func(name string) { steps = append(steps, name) }
	s.ops = fsOps{
		tryFlock: func(f *os.File) error { step("lock"); return tryFlock(f) },
		write:    func(f *os.File, p []byte) (int, error) { step("write"); return f.Write(p) },
		sync:     func(f *os.File) error { step("sync"); return f.Sync() },
		close:    func(f *os.File) error { step("close"); return f.Close() },
		rename:   func(from, to string) error { step("rename"); return os.Rename(from, to) },
		syncDir:  func(d *os.File) error { step("sync folder"); return d.Sync() },
	}
	_, err := s.Swap(t.Context(), version, []byte("the new ring"))
	must(t, err)
	if want := []string{"lock", "write", "sync", "close", "rename", "sync folder"}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
}

func TestLeftoverOfAKilledWriter(t *testing.T) {
	s := newStore(t)
	must(t, os.WriteFile(s.path+".tmp", []byte("half a ri"), 0o600))
	if _, _, err := s.Load(t.Context()); !errors.Is(err, keyring.ErrNoRing) {
		t.Errorf("Load: %v, want ErrNoRing", err)
	}
	version := mustCreate(t, s, "a ring")
	wantFiles(t, dirOf(s), "ring", "ring.lock")

	// A link must be removed and not followed.
	target := filepath.Join(t.TempDir(), "target")
	must(t, os.WriteFile(target, []byte("precious"), 0o600))
	must(t, os.Symlink(target, s.path+".tmp"))
	_, err := s.Swap(t.Context(), version, []byte("another"))
	must(t, err)
	wantFiles(t, dirOf(s), "ring", "ring.lock")
	wantRing(t, s, "another")
	if b, err := os.ReadFile(target); string(b) != "precious" {
		t.Errorf("the target of the link holds %q (%v)", b, err)
	}
}

func TestLeftoverThatStays(t *testing.T) {
	s := newStore(t)
	version := mustCreate(t, s, "the old ring")
	must(t, os.MkdirAll(filepath.Join(s.path+".tmp", "full"), 0o700))
	_, err := s.Swap(t.Context(), version, []byte("the new ring"))
	wantFailure(t, err, nil, []string{"remove what a killed writer left", s.path + ".tmp"})
	wantRing(t, s, "the old ring")
}

func TestReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	s := newStore(t)
	version := mustCreate(t, s, "the old ring")
	must(t, os.Chmod(dirOf(s), 0o500))
	defer os.Chmod(dirOf(s), 0o700)
	_, err := s.Swap(t.Context(), version, []byte("the new ring"))
	wantFailure(t, err, os.ErrPermission, []string{"create the temporary file", "let the user"})
	wantRing(t, s, "the old ring")

	below := New(filepath.Join(dirOf(s), "new", "ring"))
	_, err = below.Swap(t.Context(), "", []byte("a ring"))
	wantFailure(t, err, os.ErrPermission, []string{"make the folder", "let the user"})
}

// A folder that is not on the disk yet must not be used, and a failed sync must not be repeated.
// The next try makes the folders anew.
func TestNewFolderIsNotSynced(t *testing.T) {
	top := t.TempDir()
	s := New(filepath.Join(top, "a", "b", "ring"))
	s.ops.syncDir = func(*os.File) error { return syscall.EIO }
	_, err := s.Swap(t.Context(), "", []byte("a ring"))
	wantFailure(t, err, syscall.EIO, []string{"sync the folder above", "nothing was changed"})
	wantFiles(t, top)

	s = New(filepath.Join(t.TempDir(), "a", "b", "ring"))
	var dirs []string
	s.ops.syncDir = func(d *os.File) error { dirs = append(dirs, filepath.Base(d.Name())); return d.Sync() }
	mustCreate(t, s, "a ring")
	if len(dirs) != 3 || dirs[0] != "a" || dirs[2] != "b" {
		t.Errorf("synced %q, want a, the folder above it, and b", dirs)
	}
}

// The context ends while Swap waits for the lock, and then Swap gets the lock.
func TestCancelledWithTheLock(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.ops.tryFlock = func(f *os.File) error { cancel(); return tryFlock(f) }
	if _, err := s.Swap(ctx, "", []byte("a ring")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	wantFiles(t, dirOf(s), "ring.lock")
}

func wantFailure(t *testing.T, err, is error, texts []string) {
	t.Helper()
	if err == nil {
		t.Fatal("it succeeded")
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("%v, want %v", err, is)
	}
	for _, text := range append(texts, "filestore: ") {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
}

func dirOf(s *Store) string { return filepath.Dir(s.path) }
