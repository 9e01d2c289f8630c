//go:build unix

package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// isUnfinished reports whether the last write may not have ended well, in this process or in
// another one: the lock file is empty otherwise, except while a writer holds it.
func (s *Store) isUnfinished() bool {
	if s.unsynced.Load() {
		return true
	}
	info, err := os.Lstat(s.lockPath())
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// heal writes doc, which was loaded, again if the write before did not end well. To sync the
// folder again proves nothing: the kernel reports a failed sync once, and may have dropped the
// pages. A new write has syncs of its own.
//
// heal leaves it to a writer that is at work. Where this process cannot write it returns doc:
// a service that only reads must not stop because of a write that it cannot make.
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

// setAside moves a damaged file away. It keeps the file: an operator may still read in it
// which ring was seen.
func (s *Store) setAside() error {
	if err := s.checkFolder(); err != nil {
		return err // the folder is the damage, and the file may be good
	}
	if info, err := os.Lstat(s.path); err == nil && info.IsDir() {
		return checkFile(s.what, s.path, info) // it holds files of other programs, and was never a memory
	}
	if err := os.Rename(s.path, s.path+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("move the damaged file aside", err)
	}
	return nil
}
