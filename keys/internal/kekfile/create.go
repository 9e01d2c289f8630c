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

// Create writes a random key to a new file and returns the key. It never replaces a file: if there
// is a file at path, the error is an fs.ErrExist.
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

// draw returns a random key. It never returns a key that is printable ASCII, since Read would
// refuse that.
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
	// The file gets its name by a link, when all its bytes are written: another process that
	// starts at the same time never reads half a key. A link never replaces a file.
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
	// If this sync fails, the file stays, because another process may have read the key by now
	// and encrypt a ring under it. The temporary name stays too: it tells the next process that
	// the file may not survive a power cut.
	if err := sync(folder); err != nil {
		return fmt.Errorf("%s is not on the disk for certain: %w", path, err)
	}
	return folder.Remove(part)
}

func existsError(path string) error {
	return fmt.Errorf("there is a key file already, %s: %w", path, fs.ErrExist)
}
