//go:build unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errBusy says that another writer holds the lock, or that the lock file was replaced: try again.
var errBusy = errors.New("filestore: the lock is taken")

// poll is the pause between two tries. flock can wait by itself, but then
// neither a context nor a time limit ends it.
const poll = 2 * time.Millisecond

// ringLock is the lock on the ring while this process holds it. Until release the lock file holds
// the pid of this process. The pid stays in the lock file if this process is killed, or if its
// write may not survive a power cut. The next process that loads the ring sees the pid, and writes
// the ring again (heal).
type ringLock struct {
	f          *os.File
	unfinished bool // the last write did not end well
}

// lock waits for the lock until ctx ends, for maxWait at most.
func (s *Store) lock(ctx context.Context) (*ringLock, error) {
	if err := s.checkFolder(); err != nil {
		return nil, err
	}
	giveUp := time.NewTimer(maxWait)
	defer giveUp.Stop()
	for {
		lock, err := s.tryLock()
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, errBusy) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", s.locked(), ctx.Err())
		case <-giveUp.C:
			return nil, s.locked()
		case <-time.After(poll):
		}
	}
}

// tryLock opens the lock file each time: an operator may have removed it while we
// waited, and a lock on a removed file does not exclude other writers.
func (s *Store) tryLock() (*ringLock, error) {
	f, err := open("the lock", s.lockPath(), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := s.flock(f); err != nil {
		f.Close()
		return nil, err
	}
	unfinished := s.unsynced.Load()
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		unfinished = true
	}
	// Kubernetes widens the mode of every file of a volume at each mount. A new ring file has
	// mode 0600 again, but the lock file is never replaced. An error is ignored: open has
	// accepted the mode, and a revocation must not fail because of it.
	f.Chmod(0o600)
	// The pid marks an unfinished write, and names the holder in the error of a writer that
	// waits in vain. An error is ignored, because the lock holds without the pid: a full disk
	// must not stop a revocation here. The file is cut after the write, and not emptied before
	// it: if this process is killed in between, the mark of an earlier unfinished write must
	// stay.
	pid := strconv.Itoa(os.Getpid()) + "\n"
	f.WriteAt([]byte(pid), 0)
	f.Truncate(int64(len(pid)))
	return &ringLock{f, unfinished}, nil
}

// flock locks the file, and checks that the path still leads to this file.
func (s *Store) flock(f *os.File) error {
	err := s.ops.tryFlock(f)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return errBusy
	}
	if err != nil {
		return fmt.Errorf("filestore: lock %s: %w: the ring must be on a local file system", f.Name(), err)
	}
	got, err := f.Stat()
	if err != nil {
		return fmt.Errorf("filestore: look at the lock: %w", err)
	}
	if now, err := os.Lstat(f.Name()); err != nil || !os.SameFile(got, now) {
		return errBusy
	}
	return nil
}

func tryFlock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// release closes the lock file, which drops the lock. Before that it empties the file, unless the
// last write did not end well. release does not remove the file: otherwise one writer could lock
// the removed file, and another writer a new one.
func (l *ringLock) release() {
	if !l.unfinished {
		l.f.Truncate(0)
	}
	l.f.Close()
}

func (s *Store) locked() error {
	holder := "a process"
	if b, err := readFile("the lock", s.lockPath()); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			holder = fmt.Sprintf("process %d", pid)
		}
	}
	return fmt.Errorf("%w: %s holds %s: see whether it hangs, and end it if so "+
		"(the lock goes with it; do not remove the file)", ErrLocked, holder, s.lockPath())
}

func (s *Store) lockPath() string { return s.path + ".lock" }
