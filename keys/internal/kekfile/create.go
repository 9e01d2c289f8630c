package kekfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/keys/internal/access"
	"github.com/sealjwt/sealjwt/keys/internal/temp"
)

// Create writes a random key to a new file and returns the key. It never replaces a file: then
// its error is fs.ErrExist.
func Create(path string) ([]byte, error) { return create(path, temp.SyncFolder) }

func create(path string, sync func(*os.Root) error) ([]byte, error) {
	if path == "" {
		return nil, errors.New("the path of the key file is empty")
	}
	if err := access.CheckSystem(path); err != nil {
		return nil, err
	}
	key, err := draw(rand.Reader)
	if err == nil {
		err = write(path, key, sync)
	}
	if err != nil {
		clear(key)
		return nil, err
	}
	return key, nil
}

// draw draws a key. It draws again if Read would take the key for a text.
func draw(random io.Reader) ([]byte, error) {
	key := make([]byte, Size)
	for {
		if _, err := io.ReadFull(random, key); err != nil || !isText(key) {
			return key, err
		}
	}
}

func write(path string, key []byte, sync func(*os.Root) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	name := filepath.Base(path)
	if err := temp.Finish(folder, name, temp.KEKPrefix, sync); err != nil {
		return fmt.Errorf("%s is not on the disk for certain: %w", path, err)
	}
	temp.Sweep(folder, temp.KEKPrefix)
	if _, err := folder.Lstat(name); err == nil {
		return existsError(path)
	}
	f, part, err := temp.Create(folder, temp.KEKPrefix)
	if err != nil {
		return err
	}
	defer f.Close() // drops the lock, which keeps other processes from removing the file
	if _, err = f.Write(key); err == nil {
		err = f.Sync()
	}
	// A link appears with all its bytes or not at all, and never replaces a file: a
	// process that starts beside us reads no half-written key.
	if err == nil {
		err = folder.Link(part, name)
	}
	if err != nil {
		folder.Remove(part)
		if errors.Is(err, fs.ErrExist) {
			err = existsError(path)
		}
		return err
	}
	// The file stays if this fails: another process may have read it by now, and encrypt a
	// ring under it. Its second name tells the next process that it may not be on the disk.
	if err := sync(folder); err != nil {
		return fmt.Errorf("%s is not on the disk for certain: %w", path, err)
	}
	return folder.Remove(part)
}

func existsError(path string) error {
	return fmt.Errorf("there is a key file already, %s: %w", path, fs.ErrExist)
}
