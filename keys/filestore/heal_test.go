//go:build unix

package filestore

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// record makes s note the steps of its writes.
func record(s *Store) (steps *[]string) {
	steps = new([]string)
	ops := s.ops
	s.ops.sync = func(f *os.File) error { *steps = append(*steps, "sync"); return ops.sync(f) }
	s.ops.rename = func(a, b string) error { *steps = append(*steps, "rename"); return ops.rename(a, b) }
	s.ops.syncDir = func(d *os.File) error { *steps = append(*steps, "sync folder"); return ops.syncDir(d) }
	return steps
}

// The last write did not end well. The first Load writes the ring again and syncs it, and the
// second Load has nothing left to do.
func TestUnfinishedWriteIsWrittenAgain(t *testing.T) {
	for name, c := range map[string]struct {
		fail   func(t *testing.T, s *Store)
		loader func(s *Store) *Store
	}{
		"failed sync, same process":     {failSync, func(s *Store) *Store { return s }},
		"failed sync, another process":  {failSync, func(s *Store) *Store { return New(s.path) }},
		"killed writer":                 {killWriter, func(s *Store) *Store { return New(s.path) }},
		"failed sync, disk is full too": {failFull, func(s *Store) *Store { return s }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			mustCreate(t, s, "the ring")
			c.fail(t, s)
			doc, err := s.read()
			must(t, err)
			before := string(doc)
			loader := c.loader(s)
			loader.ops = osOps
			steps := record(loader)
			wantRing(t, loader, before)
			if want := []string{"sync", "rename", "sync folder"}; !slices.Equal(*steps, want) {
				t.Errorf("the first Load did %q, want %q", *steps, want)
			}
			*steps = nil
			wantRing(t, loader, before)
			wantRing(t, New(s.path), before)
			if len(*steps) != 0 {
				t.Errorf("the second Load did %q", *steps)
			}
			wantFiles(t, dirOf(s), "ring", "ring.lock")
		})
	}
}

func failSync(t *testing.T, s *Store) {
	t.Helper()
	_, version, err := s.Load(t.Context())
	must(t, err)
	s.ops.syncDir = func(*os.File) error { return syscall.EIO }
	if _, err := s.Swap(t.Context(), version, []byte("the new ring")); !errors.Is(err, keyring.ErrNotDurable) {
		t.Fatalf("%v, want ErrNotDurable", err)
	}
}

// failFull fails a sync and loses the note in the lock file, as a full disk does.
func failFull(t *testing.T, s *Store) {
	t.Helper()
	failSync(t, s)
	must(t, os.Truncate(s.lockPath(), 0))
}

func killWriter(t *testing.T, s *Store) {
	t.Helper()
	must(t, os.WriteFile(s.lockPath(), []byte("4711\n"), 0o600))
	must(t, os.WriteFile(s.path+".tmp", []byte("half a ri"), 0o600))
}

// A Swap that succeeds needs no other write, and one that changes nothing leaves the note.
func TestSwapAfterUnfinishedWrite(t *testing.T) {
	s := newStore(t)
	old := mustCreate(t, s, "the old ring")
	failSync(t, s)
	other := New(s.path)
	if _, err := other.Swap(t.Context(), old, []byte("too late")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("%v, want ErrConflict", err)
	}
	if !other.isUnfinished() {
		t.Error("a Swap that changed nothing says that the write before is finished")
	}
	if _, err := other.Swap(t.Context(), versionOf([]byte("the new ring")), []byte("the next ring")); err != nil {
		t.Error(err)
	}
	if other.isUnfinished() {
		t.Error("a Swap that succeeded left the note")
	}
}

// A Load that cannot write returns the ring as it is, and waits for no writer.
func TestUnfinishedWriteThatStays(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *Store){
		"a writer is at work": func(t *testing.T, s *Store) { holdLock(t, s, "4711\n") },
		"read-only file system": func(t *testing.T, s *Store) {
			killWriter(t, s)
			s.ops.write = func(*os.File, []byte) (int, error) { return 0, syscall.EROFS }
		},
		"lock of another kind": func(t *testing.T, s *Store) {
			must(t, os.Remove(s.lockPath()))
			must(t, syscall.Mkfifo(s.lockPath(), 0o600))
		},
		"lock that others can write": func(t *testing.T, s *Store) {
			killWriter(t, s)
			must(t, os.Chmod(s.lockPath(), 0o666))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			mustCreate(t, s, "the ring")
			prepare(t, s)
			wantRing(t, s, "the ring")
		})
	}
}
