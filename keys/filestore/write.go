//go:build unix

package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// replace puts doc in the place of the ring. The caller holds the lock. If the new ring may not
// survive a power cut, replace sets lock.unfinished and s.unsynced. The steps must be in this
// order; the package documentation gives the reason for each:
//
//	openat(ring.tmp, O_CREAT|O_EXCL) write fsync close | read back | rename | fsync(folder)
func (s *Store) replace(lock *ringLock, doc []byte) error {
	err := s.replaceFile(doc)
	if err == nil || errors.Is(err, keyring.ErrUnknownOutcome) {
		lock.unfinished = err != nil
		s.unsynced.Store(lock.unfinished)
	}
	return err
}

func (s *Store) replaceFile(doc []byte) error {
	// Open the folder before the rename: if that failed afterwards, the ring would be in place and
	// could not be synced.
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return failed("open the folder", err)
	}
	defer dir.Close()

	tmp := s.path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("remove what a killed writer left", err)
	}
	if err := s.writeTemp(tmp, doc); err != nil {
		return err
	}
	if err := s.ops.rename(tmp, s.path); err != nil {
		return renameFailed(tmp, err)
	}
	if err := s.ops.syncDir(dir); err != nil {
		return fmt.Errorf("filestore: sync the folder after the rename: %w: the new ring is in place "+
			"but may not survive a power cut%s: %w", err, advice(err), keyring.ErrNotDurable)
	}
	return nil
}

// writeTemp writes doc to a new file at tmp, and syncs it. After an error it removes that file.
func (s *Store) writeTemp(tmp string, doc []byte) (err error) {
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return failed("create the temporary file", err)
	}
	defer func() {
		if err != nil {
			f.Close() // harmless if it is closed already
			os.Remove(tmp)
		}
	}()
	if _, err := s.ops.write(f, doc); err != nil {
		return failed("write the temporary file", err)
	}
	if err := s.ops.sync(f); err != nil {
		return failed("sync the temporary file", err)
	}
	if err := s.ops.close(f); err != nil {
		return failed("close the temporary file", err)
	}
	// On a file system without modes or owners every user can read every file, and Load would
	// refuse the new ring. So readFile checks it before it replaces a ring that works.
	back, err := readFile("the temporary file", tmp)
	if err != nil {
		return fmt.Errorf("%w (when it was read back): nothing was changed", err)
	}
	if !bytes.Equal(back, doc) {
		return failed("read back the temporary file", errors.New("it does not hold what was written"))
	}
	return nil
}

// renameFailed returns the error for a rename that reported an error. If the temporary file is
// still there, nothing was changed. If it is gone, the rename may have happened all the same,
// for example because a file system in user space repeated a call that was interrupted, so the
// outcome is unknown.
func renameFailed(tmp string, err error) error {
	if _, lerr := os.Lstat(tmp); lerr != nil {
		return fmt.Errorf("filestore: rename the temporary file: %w%s: %w", err, advice(err), keyring.ErrUnknownOutcome)
	}
	os.Remove(tmp)
	return failed("rename the temporary file", err)
}

// makeFolder makes the folder of the ring and the folders above it that are missing, and syncs
// the folders that list them: otherwise a power cut could remove the new folder with every file
// in it, even if the files were synced. After a failure it removes the folders that it made, so
// that the next try makes and syncs them anew.
func (s *Store) makeFolder() error {
	dir := filepath.Dir(s.path)
	var made []string // the deepest first
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, d)
	}
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		err = failed("make the folder", err)
	}
	for _, d := range made {
		if err == nil {
			if err = s.syncFolder(filepath.Dir(d)); err != nil {
				err = failed("sync the folder above the new one", err)
			}
		}
	}
	for _, d := range made {
		if err != nil {
			os.Remove(d) // fails, as it should, if another process has put a file there
		}
	}
	return err
}

func (s *Store) syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return s.ops.syncDir(dir)
}

// failed names the step, and says that nothing was changed: an operator who revokes a key has
// to know that it is not revoked.
func failed(step string, err error) error {
	return fmt.Errorf("filestore: %s: %w%s: nothing was changed", step, err, advice(err))
}

// advice returns the next step for the operator after an error that comes from the disk.
func advice(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return " (make room and try again)"
	case errors.Is(err, syscall.EROFS):
		return " (mount it writable or use another path)"
	case errors.Is(err, fs.ErrPermission):
		return " (let the user of this process in, or use another path)"
	case errors.Is(err, syscall.EIO):
		return " (check the disk)"
	}
	return ""
}
