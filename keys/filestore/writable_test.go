//go:build unix

package filestore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Writable says what keeps a rotation from being written, while Load and a reader notice nothing.
// It leaves the ring and the folder as they were.
func TestWritable(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, s *Store)
		want  error
	}{
		"well":        {func(*testing.T, *Store) {}, nil},
		"no lock yet": {func(t *testing.T, s *Store) { must(t, os.Remove(s.lockPath())) }, nil},
		"a writer at work": {func(t *testing.T, s *Store) {
			t.Cleanup(holdLock(t, s, "4711\n"))
		}, nil},
		"disk full": {func(_ *testing.T, s *Store) {
			s.ops.write = func(*os.File, []byte) (int, error) { return 0, syscall.ENOSPC }
		}, syscall.ENOSPC},
		"quota": {func(_ *testing.T, s *Store) {
			s.ops.sync = func(*os.File) error { return syscall.EDQUOT }
		}, syscall.EDQUOT},
		"lock of others": {func(t *testing.T, s *Store) { must(t, os.Chmod(s.lockPath(), 0o666)) }, ErrUnsafe},
		"lock is a pipe": {func(t *testing.T, s *Store) {
			must(t, errors.Join(os.Remove(s.lockPath()), syscall.Mkfifo(s.lockPath(), 0o600)))
		}, ErrUnsafe},
		"no ring": {func(t *testing.T, s *Store) { must(t, os.Remove(s.path)) }, keyring.ErrNoRing},
		"read-only folder": {func(t *testing.T, s *Store) {
			if os.Geteuid() == 0 {
				t.Skip("root writes everywhere")
			}
			must(t, os.Chmod(dirOf(s), 0o500))
			t.Cleanup(func() { os.Chmod(dirOf(s), 0o700) })
		}, fs.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			mustCreate(t, s, "the ring")
			c.spoil(t, s)
			before := names(t, dirOf(s))
			if err := s.Writable(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if after := names(t, dirOf(s)); !slices.Equal(after, before) {
				t.Errorf("the folder holds %q, and held %q", after, before)
			}
		})
	}
}

// names lists a folder and reads no file: one may be a pipe.
func names(t *testing.T, folder string) []string {
	t.Helper()
	d, err := os.Open(folder)
	must(t, err)
	defer d.Close()
	all, err := d.Readdirnames(-1)
	must(t, err)
	slices.Sort(all)
	return all
}

// The trial is as large as the ring, and what a killed process left of one is removed.
func TestWritableTrial(t *testing.T) {
	s := newStore(t)
	mustCreate(t, s, "the ring")
	left := filepath.Join(dirOf(s), trialPrefix+"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	must(t, os.WriteFile(left, nil, 0o600))
	written := 0
	s.ops.write = func(f *os.File, p []byte) (int, error) { written += len(p); return f.Write(p) }
	must(t, s.Writable(t.Context()))
	if written != len("the ring") {
		t.Errorf("%d bytes were written", written)
	}
	wantFiles(t, dirOf(s), "ring", "ring.lock")
}
