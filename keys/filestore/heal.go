//go:build unix

package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// isUnfinished reports whether the last write, of this process or of another one, may not have
// ended well. Then the lock file is not empty, or, if the disk was full, s.unsynced is set. The
// lock file is not empty either while a writer holds the lock.
func (s *Store) isUnfinished() bool {
	if s.unsynced.Load() {
		return true
	}
	info, err := os.Lstat(s.lockPath())
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// heal writes the ring again if the last write did not end well, and returns the ring. doc is
// the ring that was just loaded. To sync the folder again would prove nothing: the kernel
// reports a failed sync once, and may have dropped the pages. A new write has syncs of its own.
//
// If another writer holds the lock, heal leaves the ring to that writer and returns doc. If this
// process may not write, or the lock file is unsafe, heal returns doc too: a service that only
// reads must not stop because of a write that it cannot make.
func (s *Store) heal(doc []byte) ([]byte, error) {
	lock, err := s.tryLock()
	switch {
	case errors.Is(err, errBusy), errors.Is(err, ErrUnsafe), mayNotWrite(err):
		return doc, nil
	case err != nil:
		return nil, err
	}
	defer lock.release()
	doc, err = s.read()
	if err != nil || !lock.unfinished {
		return doc, err
	}
	if err := s.replace(lock, doc); err != nil && !mayNotWrite(err) {
		return nil, fmt.Errorf("filestore: an earlier write of the ring may not survive a power cut, and to write it again fails: %w", err)
	}
	return doc, nil
}

func mayNotWrite(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// setAside renames the damaged file of a Memory, with .damaged at the end. It does not remove the
// file: an operator may still read in it which ring was seen.
func (s *Store) setAside() error {
	if err := s.checkFolder(); err != nil {
		return err // the folder is at fault, and the file may be good
	}
	if info, err := os.Lstat(s.path); err == nil && info.IsDir() {
		// A folder never was the file of a Memory, and may hold files of other programs.
		return checkFile(s.what, s.path, info)
	}
	if err := os.Rename(s.path, s.path+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("move the damaged file aside", err)
	}
	return nil
}
