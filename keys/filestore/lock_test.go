//go:build unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The waits run on the clock of synctest, so they take no time.
func TestLockedByAnother(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"with its pid":    {"4711\n", "process 4711 "},
		"without a pid":   {"", "a process "},
		"with other text": {"no number", "a process "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			version := mustCreate(t, s, "a ring")
			holdLock(t, s, c.content)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := s.Swap(t.Context(), version, []byte("another"))
				if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), c.want) ||
					!strings.Contains(err.Error(), s.lockPath()) {
					t.Errorf("%v, want ErrLocked with %q and the path", err, c.want)
				}
				if waited := time.Since(start); waited < maxWait || waited > maxWait+poll {
					t.Errorf("it waited %v, want %v", waited, maxWait)
				}
			})
			wantRing(t, s, "a ring") // Load does not wait for the holder
		})
	}
}

func TestContextEndsTheWait(t *testing.T) {
	s := newStore(t)
	version := mustCreate(t, s, "a ring")
	holdLock(t, s, "")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Swap(ctx, version, []byte("another"))
		if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want ErrLocked and context.DeadlineExceeded", err)
		}
		if waited := time.Since(start); waited > time.Second+poll {
			t.Errorf("it waited %v, want 1s", waited)
		}
	})
	wantRing(t, s, "a ring")
}

func TestWaitsForTheLock(t *testing.T) {
	s := newStore(t)
	version := mustCreate(t, s, "a ring")
	release := holdLock(t, s, "")
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(time.Second, release)
		if _, err := s.Swap(t.Context(), version, []byte("another")); err != nil {
			t.Error(err)
		}
	})
	wantRing(t, s, "another")
}

// The pid stands in the lock file while the lock is held, and only then.
func TestHolderNamesItself(t *testing.T) {
	s := newStore(t)
	unlock, err := s.lock(t.Context())
	must(t, err)
	b, err := os.ReadFile(s.lockPath())
	must(t, err)
	if want := fmt.Sprintln(os.Getpid()); string(b) != want {
		t.Errorf("the lock file holds %q, want %q", b, want)
	}
	unlock.release()
	b, err = os.ReadFile(s.lockPath())
	must(t, err)
	if len(b) > 0 {
		t.Errorf("the lock file holds %q after the unlock", b)
	}
}

// Another process removes the lock file after we opened it and before we locked it. Our lock would
// exclude no other process.
func TestRemovedLockFile(t *testing.T) {
	s := newStore(t)
	tries := 0
	s.ops.tryFlock = func(f *os.File) error {
		if tries++; tries == 1 {
			must(t, os.Remove(s.lockPath()))
		}
		return tryFlock(f)
	}
	mustCreate(t, s, "a ring")
	if tries != 2 {
		t.Errorf("it took %d tries, want 2: one on the removed file, one on the new one", tries)
	}
}

func TestFlockFails(t *testing.T) {
	s := newStore(t)
	s.ops.tryFlock = func(*os.File) error { return syscall.ENOLCK }
	_, err := s.Swap(t.Context(), "", []byte("a ring"))
	if !errors.Is(err, syscall.ENOLCK) || !strings.Contains(err.Error(), "local file system") {
		t.Errorf("%v, want ENOLCK and a word on network file systems", err)
	}
	wantFiles(t, dirOf(s), "ring.lock")
}

// holdLock takes the lock as another process does, through an open file of its own.
func holdLock(t *testing.T, s *Store, content string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(s.lockPath(), os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	must(t, tryFlock(f))
	_, err = f.WriteString(content)
	must(t, err)
	return func() { f.Close() }
}
