// Package temp makes files under temporary names, so that they get their own names when they are
// whole. It removes the temporary files that a killed process left: these may hold a secret.
package temp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// KEKPrefix begins the temporary names of key files.
const KEKPrefix = ".kek-"

// errHeld says that another process has the lock, or may have it.
var errHeld = errors.New("another process has the lock")

// nameLength is the length of the result of rand.Text.
const nameLength = 26

// Create makes a new file of mode 0600 in folder. Its name is prefix and random letters. Where the
// file system has locks, the process holds a lock on the file until it closes the file, so that
// [Sweep] leaves the file alone.
func Create(folder *os.Root, prefix string) (f *os.File, name string, err error) {
	for range 100 {
		name = prefix + rand.Text()
		f, err = folder.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil { // err names the file, but not the folder
			return nil, "", fmt.Errorf("make a file in %s: %w", folder.Name(), err)
		}
		f.Chmod(0o600) // the umask may have removed permissions
		// Before this process locks the file, the Sweep of another process may lock or remove
		// it.
		if lockErr := hold(f); lockErr != errHeld {
			// Any other error of hold means a file system without locks, where Sweep leaves
			// every file.
			made, err := f.Stat()
			if err != nil {
				f.Close()
				return nil, "", err
			}
			if now, err := folder.Lstat(name); err == nil && os.SameFile(made, now) {
				return f, name, nil
			}
		}
		folder.Remove(name)
		f.Close()
	}
	return nil, "", errors.New("another process removes each new temporary file")
}

// Sweep removes the files of [Create] with that prefix that no process holds any more. It leaves a
// file that has a second name: see [Finish]. If it cannot remove a file, it goes on with the
// next.
func Sweep(folder *os.Root, prefix string) {
	for _, name := range list(folder, prefix) {
		if !isRandom(strings.TrimPrefix(name, prefix)) {
			continue // Create did not make this name
		}
		if f, info := abandoned(folder, name); f != nil {
			if hasOneName(info) {
				folder.Remove(name)
			}
			f.Close()
		}
	}
}

// Finish makes sure that the file with this name in folder survives a power cut. The process
// that linked it under this name may have been killed before it synced the folder, or its sync
// may have failed: then the temporary name is still there. After a sync that failed, to sync
// the folder again proves nothing, so Finish changes the folder first and then syncs it. sync
// is [SyncFolder], except in tests. Finish does nothing for a file that is missing or has only one
// name. It also does nothing while the process that made the file holds its lock on the file, since
// that process will sync.
func Finish(folder *os.Root, name, prefix string, sync func(*os.Root) error) error {
	made, err := folder.Lstat(name)
	if err != nil || !made.Mode().IsRegular() || hasOneName(made) {
		return nil
	}
	for _, second := range list(folder, prefix) {
		if second == name {
			continue
		}
		f, info := abandoned(folder, second)
		if f == nil {
			continue
		}
		if os.SameFile(made, info) {
			err = finish(folder, second, prefix, sync)
		}
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func finish(folder *os.Root, second, prefix string, sync func(*os.Root) error) error {
	moved := prefix + rand.Text()
	if err := folder.Rename(second, moved); err != nil {
		return err
	}
	if err := sync(folder); err != nil {
		return err
	}
	return folder.Remove(moved)
}

// SyncFolder makes new names in a folder survive a power cut.
func SyncFolder(folder *os.Root) error {
	d, err := folder.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// list returns the names in folder that begin with prefix. It returns none if this process may
// not list the folder: Create made no file there.
func list(folder *os.Root, prefix string) (names []string) {
	d, err := folder.Open(".")
	if err != nil {
		return nil
	}
	defer d.Close()
	all, _ := d.Readdirnames(-1)
	for _, name := range all {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

func isRandom(text string) bool {
	return len(text) == nameLength && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// abandoned opens a file and locks it. It returns nil if the process that made the file still
// has the lock, and for everything that is not a regular file.
func abandoned(folder *os.Root, name string) (*os.File, fs.FileInfo) {
	f, err := folder.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || hold(f) != nil {
		f.Close()
		return nil, nil
	}
	return f, info
}
