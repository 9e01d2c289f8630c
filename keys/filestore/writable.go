//go:build unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/keys/internal/temp"
)

// trialPrefix begins the names of the files with which Writable tries the folder.
const trialPrefix = ".ring-"

// Writable reports whether a Swap could write the ring now, for monitoring: an operator should
// learn that the ring cannot be written before a rotation is due. It opens the lock file, but
// waits for no writer. It writes a file as large as the ring into the folder, syncs the file
// and removes it, so it notices a folder that is read-only and a disk that is full.
//
// It returns nil if all of that worked, [keyring.ErrNoRing] if there is no ring, [ErrUnsafe],
// [keyring.ErrConfig] for a Store without a path, and the errors of the file system.
func (s *Store) Writable(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	doc, err := s.read()
	if err != nil {
		return err
	}
	lock, err := open("the lock", s.lockPath(), os.O_RDWR)
	switch {
	case err == nil:
		lock.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return err // a missing lock file is not a fault: Swap makes it, if the trial below can make a file
	}
	return s.try(make([]byte, len(doc)))
}

// try writes a file with this content into the folder of the ring, syncs it, and removes it.
func (s *Store) try(data []byte) (err error) {
	folder, err := os.OpenRoot(filepath.Dir(s.path))
	if err != nil {
		return tried("open the folder", err)
	}
	defer folder.Close()
	temp.Sweep(folder, trialPrefix)
	f, name, err := temp.Create(folder, trialPrefix)
	if err != nil {
		return tried("try the folder", err)
	}
	defer func() {
		if gone := folder.Remove(name); err == nil && gone != nil {
			err = tried("remove the trial file", gone)
		}
		f.Close()
	}()
	if _, err := s.ops.write(f, data); err != nil {
		return tried("write the trial file", err)
	}
	if err := s.ops.sync(f); err != nil {
		return tried("sync the trial file", err)
	}
	return nil
}

func tried(step string, err error) error {
	return fmt.Errorf("filestore: %s: %w%s", step, err, advice(err))
}
