//go:build unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sealjwt/sealjwt/keys/internal/temp"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// OpenOrCreate opens the ring in the file ringPath with the key encryption key (KEK) in
// the file kekPath. On the first start it makes both files with mode 0600, and the folders
// above them. A KEK file that is there already, such as a mounted secret, opens the new
// ring; [keyring.KEKFile] says which contents and modes it may have.
//
// Any number of processes may call OpenOrCreate at once: they agree on one KEK and one
// ring. If a process is killed after it made the KEK file and before it made the ring, the next
// call makes the ring with that KEK.
//
// A [Memory] remembers the ring as the command sealjwt does: OpenOrCreate refuses a ring that
// was set back or exchanged, and makes no new ring where a ring was seen before. The file of the
// Memory is the first of seenPaths whose folder this process can write or make, or else the file
// beside the KEK: kekPath with .seen at the end. A service whose KEK is a mounted secret cannot
// write beside the KEK. It should give a path in seenPaths, away from the ring. If seenPaths is
// empty and the folder of the KEK cannot be written, OpenOrCreate only compares the ring with an
// existing .seen file, remembers nothing, and returns no error for that. If seenPaths is not empty
// and no file can be written, OpenOrCreate returns an error.
//
// OpenOrCreate never makes a KEK for a ring that exists, and never replaces a KEK or a ring by
// another one. It returns
//   - [keyring.ErrConfig] for an empty path, and if [CheckPaths] refuses the paths;
//   - [keyring.ErrRollback] if a ring that the Memory has seen here is gone, or if the ring is
//     another one or an older state of it;
//   - [keyring.ErrKEK] for a KEK file that cannot be used, and fs.ErrNotExist beside it when
//     the ring exists and the KEK file does not;
//   - [keyring.ErrUnreadable] for a KEK that does not open the ring, or a damaged ring;
//   - [ErrUnsafe], [ErrLocked] and the errors of [keyring.OpenOrCreate] and of [Memory].
//
// The text of an error names the path.
func OpenOrCreate(ctx context.Context, ringPath, kekPath string, seenPaths ...string) (*keyring.Ring, error) {
	s := New(ringPath)
	if err := s.checkPaths(kekPath, seenPaths); err != nil {
		return nil, err
	}
	memory := memoryOf(s.path, kekPath, seenPaths)
	err := s.checkGone(ctx, memory)
	if err != nil {
		return nil, fmt.Errorf("filestore: open the ring %s with the key file %s: %w", s.path, kekPath, err)
	}
	kek, err := s.kek(ctx, kekPath)
	if err != nil {
		return nil, fmt.Errorf("filestore: open the ring %s with the key file %s: %w", s.path, kekPath, err)
	}
	ring, err := keyring.OpenOrCreate(ctx, keyring.Config{Store: s, KEK: kek, Memory: memory})
	if err != nil {
		return nil, fmt.Errorf("filestore: open the ring %s with the key file %s: %w", s.path, kekPath, err)
	}
	return ring, nil
}

func (s *Store) checkPaths(kek string, seen []string) error {
	switch {
	case s.path == "":
		return fmt.Errorf("%w: the path of the ring is empty", keyring.ErrConfig)
	case kek == "":
		return fmt.Errorf("%w: the path of the key file is empty", keyring.ErrConfig)
	case slices.Contains(seen, ""): // often from an environment variable that is not set
		return fmt.Errorf("%w: a path of the memory is empty", keyring.ErrConfig)
	}
	return CheckPaths(s.path, []string{kek}, append(slices.Clone(seen), kek+".seen")...)
}

func memoryOf(ringPath, kekPath string, seenPaths []string) keyring.Memory {
	m := NewMemory(ringPath, append(slices.Clone(seenPaths), kekPath+".seen")...)
	if m.Path() == "" && len(seenPaths) == 0 {
		return unsaved{m}
	}
	return m
}

// unsaved is a Memory whose file this process cannot write. Load reads it, and Save does
// nothing.
type unsaved struct{ *Memory }

func (unsaved) Save(context.Context, keyring.Checkpoint) error { return nil }

// checkGone returns an error if the memory has seen a ring here and the ring is gone. It runs
// before a KEK for a new ring is made. It reads the memory before the store: in the other
// order, a ring that another process makes in between would seem to be gone.
func (s *Store) checkGone(ctx context.Context, memory keyring.Memory) error {
	here, _, err := memory.Load(ctx)
	if isDamage(err) {
		return fmt.Errorf("%w: mend that file, or begin it anew with Memory.Accept, as sealjwt keys accept does", err)
	}
	if err != nil || here == (keyring.Checkpoint{}) {
		return err
	}
	if _, _, err := s.Load(ctx); errors.Is(err, keyring.ErrNoRing) {
		return fmt.Errorf("%w: the ring is gone, and a ring was seen here at generation %d: is the volume mounted? put the ring back: %w",
			keyring.ErrRollback, here.Generation, err)
	}
	return nil
}

// kek returns the KEK in the file at path, and makes the file only if the ring is missing. A KEK
// file is on the disk before a ring is encrypted under its KEK.
func (s *Store) kek(ctx context.Context, path string) (keyring.KEK, error) {
	kek, err := keyring.KEKFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	switch _, _, ringErr := s.Load(ctx); {
	case ringErr == nil && err == nil:
		_ = tidyKEK(path) // an error is ignored: the ring is there, and a service must start with it
		return kek, nil
	case ringErr == nil:
		return kekOfRing(path)
	case !errors.Is(ringErr, keyring.ErrNoRing):
		return nil, ringErr
	}
	if err == nil {
		err = tidyKEK(path) // no second KEKFile: a pipe can be read only once
	} else {
		kek, err = createKEK(path)
	}
	if err != nil {
		return nil, err
	}
	// Another process may have made the file, and may not have synced it yet.
	return kek, s.syncKEK(path)
}

// tidyKEK removes the temporary files of a process that was killed while it made the KEK file.
// It returns an error if it cannot make sure that the KEK file survives a power cut.
func tidyKEK(path string) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil // a folder that we cannot open has no files of ours
	}
	defer folder.Close()
	if err := temp.Finish(folder, filepath.Base(path), temp.KEKPrefix, temp.SyncFolder); err != nil {
		return fmt.Errorf("%w: %s is not on the disk for certain: %w", keyring.ErrKEK, path, err)
	}
	temp.Sweep(folder, temp.KEKPrefix)
	return nil
}

// kekOfRing reads the KEK file of a ring that exists. Every process makes the KEK before the
// ring. So if this process read the path before another process made the KEK, the KEK is there
// now. If the KEK is still missing, it is lost.
func kekOfRing(path string) (keyring.KEK, error) {
	kek, err := keyring.KEKFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the ring exists and its key file does not: put the key file back from its backup; "+
			"if it is lost for good, so are the keys, and a new ring is made once this one is moved away: %w", err)
	}
	return kek, err
}

// createKEK makes the KEK file, or reads the one that another process has just made.
func createKEK(path string) (keyring.KEK, error) {
	kek, err := keyring.CreateKEKFile(path)
	if !errors.Is(err, fs.ErrExist) {
		return kek, err
	}
	kek, err = keyring.KEKFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the key file is a symbolic link that leads nowhere: make its target available, or remove the link: %w", err)
	}
	return kek, err
}

// syncKEK makes the name of the KEK file survive a power cut: a ring whose KEK is lost is
// lost too. The folders above may be new as well, and are synced as far as they can be.
func (s *Store) syncKEK(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil // a pipe is on no disk
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	// A folder that this process may not list is one in which it made no KEK file.
	if err := s.syncFolder(dir); err != nil && !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("sync the folder of the key file: %w%s", err, advice(err))
	}
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		s.syncFolder(dir)
	}
	return nil
}
