//go:build unix

package filestore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// maxWait is how long Swap waits for the lock. A holder is done in milliseconds, unless it was
// stopped or its disk hangs.
const maxWait = 10 * time.Second

var _ keyring.Store = (*Store)(nil)

// Store keeps a ring in a file. It is safe for concurrent use, and so are several
// Stores with the same path, in one process or in many.
type Store struct {
	path string
	what string // the name of the file in errors
	ops  fsOps

	// unsynced says that the last write of this Store may not survive a power cut. It is set even
	// if the disk was too full to note that in the lock file; see heal.
	unsynced atomic.Bool
}

// New returns the store that keeps its ring in the file at path. It reads and writes nothing:
// the first Swap makes the file and the folders above it.
func New(path string) *Store {
	return &Store{path: absolute(path), what: "the ring", ops: osOps}
}

// Load returns the ring and its version. It never waits for a writer: because a write ends in a
// rename, Load sees either the old file or the new one. When the last write did not end well,
// Load writes that ring again, so that no caller relies on a ring that a power cut may take
// back. If this process may not write, Load returns the ring and does not write it.
//
// Besides the errors of [keyring.Store] it returns [ErrUnsafe], and [keyring.ErrConfig] for a
// Store without a path.
func (s *Store) Load(ctx context.Context) (doc []byte, version string, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, "", err
	}
	doc, err = s.read()
	if err == nil && s.isUnfinished() {
		doc, err = s.heal(doc)
	}
	if err != nil {
		return nil, "", err
	}
	return doc, versionOf(doc), nil
}

// Swap replaces the ring. An empty prev creates the ring and, where they are missing, the
// folders above it with mode 0700. Once Swap has begun to write it ignores the end of the
// context.
//
// Besides the errors of [keyring.Store] it returns [keyring.ErrConfig] for a Store without a
// path, [ErrUnsafe], and [ErrLocked] when another writer kept the lock for ten seconds or
// until the context was done.
func (s *Store) Swap(ctx context.Context, prev string, doc []byte) (version string, err error) {
	if err := s.ready(ctx); err != nil {
		return "", err
	}
	// Load would refuse such a ring, and then no Swap could replace it.
	if len(doc) == 0 || len(doc) > MaxSize {
		return "", fmt.Errorf("filestore: a ring has 1 to %d bytes, not %d", MaxSize, len(doc))
	}
	if prev == "" {
		if err := s.makeFolder(); err != nil {
			return "", err
		}
	}
	lock, err := s.lock(ctx)
	if prev != "" && errors.Is(err, fs.ErrNotExist) {
		return "", keyring.ErrConflict // there is no folder, and so no ring with this version
	}
	if err != nil {
		return "", err
	}
	defer lock.release()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := s.stillAt(prev); err != nil {
		return "", err
	}
	if err := s.replace(lock, doc); err != nil {
		return "", err
	}
	return versionOf(doc), nil
}

func (s *Store) ready(ctx context.Context) error {
	if s == nil || s.path == "" {
		return fmt.Errorf("%w: the path of the ring is empty: give filestore.New the path of the ring file", keyring.ErrConfig)
	}
	return ctx.Err()
}

// stillAt returns nil if the ring has this version. Otherwise it returns ErrConflict. For a
// ring that Load refuses it returns the error of Load: Swap does not replace such a ring, so
// that the operator hears of it.
func (s *Store) stillAt(prev string) error {
	doc, err := s.read()
	switch {
	case errors.Is(err, keyring.ErrNoRing) && prev == "":
		return nil
	case errors.Is(err, keyring.ErrNoRing):
		return keyring.ErrConflict
	case err != nil:
		return err
	case versionOf(doc) != prev:
		return keyring.ErrConflict
	}
	return nil
}

// read returns the ring in the file.
func (s *Store) read() ([]byte, error) {
	err := s.checkFolder()
	if err == nil {
		var doc []byte
		if doc, err = readFile(s.what, s.path); err == nil {
			return doc, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("filestore: %s: %w", s.path, keyring.ErrNoRing)
	}
	return nil, err
}

// versionOf returns a hash of the content. So no version has to be stored beside the ring. A
// ring that is put back from a backup has the version that it had before.
func versionOf(doc []byte) string {
	sum := sha256.Sum256(doc)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// fsOps are operations that may fail, for example on a full or failing disk. Tests replace them to
// make them fail.
type fsOps struct {
	write    func(f *os.File, p []byte) (int, error)
	sync     func(f *os.File) error // of the temporary file
	close    func(f *os.File) error
	rename   func(from, to string) error
	syncDir  func(dir *os.File) error
	tryFlock func(f *os.File) error
	access   func(dir string, mode uint32) error
}

var osOps = fsOps{
	write:    (*os.File).Write,
	sync:     (*os.File).Sync,
	close:    (*os.File).Close,
	rename:   os.Rename,
	syncDir:  (*os.File).Sync,
	tryFlock: tryFlock,
	access:   syscall.Access,
}
