package keyring

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealjwt/sealjwt/internal/temp"
)

// unsafeKEKBits are the permissions that no user may have on a KEK file.
// Owner and group may read it, as Kubernetes mounts secrets.
const unsafeKEKBits = ^fs.FileMode(0o640) & fs.ModePerm

// KEKFile reads a KEK from a file of exactly 32 random bytes, as [CreateKEKFile] makes it.
// The file may be a symbolic link (Kubernetes mounts secrets as links). Its mode must be 0640
// or narrower.
//
// It returns [ErrKEK], and fs.ErrNotExist beside it when the file does not exist.
func KEKFile(path string) (KEK, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo must not hang us
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	defer f.Close()
	// On the open file, not on its name, which may point elsewhere by now.
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a file", ErrKEK, path)
	}
	if info.Mode().Perm()&unsafeKEKBits != 0 {
		return nil, fmt.Errorf("%w: others can read or change %s (mode %04o): chmod 600 %[2]s", ErrKEK, path, info.Mode().Perm())
	}
	key, err := io.ReadAll(io.LimitReader(f, rawKeySize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	if len(key) != rawKeySize {
		return nil, fmt.Errorf("%w: %s has %d bytes and must have exactly %d random ones", ErrKEK, path, info.Size(), rawKeySize)
	}
	return NewKEK(key)
}

// CreateKEKFile writes 32 random bytes to a new file of mode 0600, making its folder if
// need be, and returns them as a KEK. The KEK that it returns is on the disk.
//
// CreateKEKFile never replaces a file. It returns [ErrKEK], and fs.ErrExist beside it when
// there is a file. Of several processes that call it at once for one path, one makes the
// file, and the others read that one with [KEKFile].
//
// CreateKEKFile removes what an earlier call left that was killed. A file whose folder that
// call did not sync, or could not sync, is on the disk when CreateKEKFile returns
// fs.ErrExist.
func CreateKEKFile(path string) (KEK, error) {
	return createKEKFile(path, temp.SyncFolder)
}

func createKEKFile(path string, sync func(*os.Root) error) (KEK, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: the path of the key file is empty", ErrKEK)
	}
	key := make([]byte, rawKeySize)
	rand.Read(key)
	if err := writeKEKFile(path, key, sync); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	return NewKEK(key)
}

func writeKEKFile(path string, key []byte, sync func(*os.Root) error) error {
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
