//go:build unix

package keycache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// openCache opens the folder with the copies, and refuses a folder that another user could change.
// Each later read and write uses the descriptor of the opened folder. So another user cannot put
// another folder in its place afterwards, and no link leads out of it.
func openCache(path string) (*os.Root, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	return enterCache(path, func(*os.Root) error { return nil })
}

// makeCache makes the folder with the copies and opens it. It refuses to make it inside a folder
// that belongs to another user.
func makeCache(path string) (*os.Root, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return enterCache(path, func(above *os.Root) error {
		if err := above.Mkdir(filepath.Base(path), 0o700); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// enterCache opens the folder and checks it and its parent: a user who can write to the parent
// could put another folder in its place. openFolder explains the slash at the end of the path.
func enterCache(path string, prepare func(above *os.Root) error) (*os.Root, error) {
	above, err := ownFolder(os.OpenRoot(filepath.Dir(path) + "/"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Dir(path), err)
	}
	defer above.Close()
	if err := prepare(above); err != nil {
		return nil, err
	}
	folder, err := ownFolder(openFolder(above, filepath.Base(path)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return folder, nil
}

// openFolder opens a folder. It first checks that name is a folder, because OpenRoot would wait for
// ever on a fifo without a writer and takes no O_NONBLOCK. Only a user who may write to the parent
// could replace the folder after the check, and only this user may.
func openFolder(above *os.Root, name string) (*os.Root, error) {
	info, err := above.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, syscall.ENOTDIR
	}
	return above.OpenRoot(name)
}

// ownFolder returns the folder if only this user can change it. Otherwise it closes the folder and
// returns an error.
func ownFolder(folder *os.Root, err error) (*os.Root, error) {
	if err != nil {
		return nil, withoutPath(err)
	}
	info, err := folder.Stat(".")
	if err == nil {
		err = checkOurs(info, info, os.Geteuid(), 0o022)
	}
	if err != nil {
		folder.Close()
		return nil, err
	}
	return folder, nil
}

// checkCopy refuses a file that does not belong to this user alone.
func checkCopy(info, folder fs.FileInfo, me int) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a regular file", errNotOurs)
	}
	return checkOurs(info, folder, me, 0o077)
}

// checkOurs refuses a file or folder of another user, and one whose mode has any of the bits in
// open. It allows the group of a Kubernetes volume, as the check of a ring file does.
func checkOurs(info, folder fs.FileInfo, me int, open fs.FileMode) error {
	if uid := int(info.Sys().(*syscall.Stat_t).Uid); uid != me {
		return fmt.Errorf("%w: it belongs to uid %d, and this process runs as uid %d", errNotOurs, uid, me)
	}
	mode := info.Mode().Perm()
	if wide := mode & open; wide != 0 && (wide&^0o060 != 0 || !filestore.HasVolumeGroup(info, folder)) {
		return fmt.Errorf("%w: it is open to others (mode %04o)", errNotOurs, mode)
	}
	return nil
}

// readCopy reads a copy, whose content is trusted like an answer over TLS. It opens the file first
// and then checks the opened file, so that no other file can be read after the check. It uses
// O_NONBLOCK, because otherwise opening a fifo would wait for a writer for ever.
func readCopy(folder *os.Root, name string) (jwks.CacheEntry, error) {
	var c jwks.CacheEntry
	f, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return c, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return c, withoutPath(err)
	}
	here, err := folder.Stat(".")
	if err != nil {
		return c, withoutPath(err)
	}
	if err := checkCopy(info, here, os.Geteuid()); err != nil {
		return c, err
	}
	data, err := console.ReadBounded(f, "the copy", maxCopy)
	if err != nil {
		return c, err
	}
	if json.Unmarshal(data, &c) != nil || c.URL == "" || c.Body == nil || c.Fetched.IsZero() {
		return jwks.CacheEntry{}, errors.New("it is damaged")
	}
	return c, nil
}
