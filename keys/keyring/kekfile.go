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
func CreateKEKFile(path string) (KEK, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	f, err := os.CreateTemp(dir, ".kek-*") // of mode 0600
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	defer os.Remove(f.Name())
	key := make([]byte, rawKeySize)
	rand.Read(key)
	_, err = f.Write(key)
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	// A link appears with all its bytes or not at all, and never replaces a file: a
	// process that starts beside us reads no half-written key.
	if err := os.Link(f.Name(), path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	// The file stays if this fails: another process may have read it by now, and encrypt a
	// ring under it.
	if err := syncFolder(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	return NewKEK(key)
}

// syncFolder makes a new name in a folder survive a power cut: a ring whose KEK
// is gone is gone too.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
