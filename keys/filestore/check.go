//go:build unix

package filestore

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealjwt/sealjwt/keys/internal/access"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// readFile opens, checks and reads a file. Its errors call the file by the argument what, such as
// "the ring".
func readFile(what, path string) ([]byte, error) {
	f, err := open(what, path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("filestore: read %s: %w%s", what, err, advice(err))
	}
	if len(doc) == 0 {
		return nil, fmt.Errorf("filestore: %s is empty, and no write leaves it so: put a backup at %s: %w", what, path, keyring.ErrUnreadable)
	}
	// Checked again, because the file may have grown since its Stat.
	return doc, checkSize(what, path, int64(len(doc)))
}

// open opens a file of ours and checks it after it is open, so that an attacker cannot exchange
// it between the check and the read. O_NOFOLLOW refuses a symbolic link: it could lead to
// another ring, or be changed after the check. O_NONBLOCK: without it the open of a fifo would
// wait for a writer, for ever.
func open(what, path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, explainOpen(what, path, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("filestore: look at %s: %w%s", what, err, advice(err))
	}
	if err := checkOpen(what, path, f, info); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkOpen(what, path string, f *os.File, info fs.FileInfo) error {
	if err := checkFile(what, path, info); err != nil {
		return err
	}
	if err := access.Check(access.Ring, what, path, f, info); err != nil {
		return unsafef("%w", err)
	}
	return checkSize(what, path, info.Size())
}

// explainOpen returns the error for an open that failed. For a link with O_NOFOLLOW, for a
// socket and for a device the error differs between systems, so explainOpen looks at the file
// once more. The result decides only which error is returned: the file is refused already.
func explainOpen(what, path string, err error) error {
	if info, lerr := os.Lstat(path); lerr == nil && !info.Mode().IsRegular() {
		return checkFile(what, path, info)
	}
	return fmt.Errorf("filestore: open %s: %w%s", what, err, advice(err))
}

// checkFile refuses everything that is not a regular file.
func checkFile(what, path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return unsafef("%s is a symbolic link: use the path it leads to (readlink -f %s)", what, path)
	case !mode.IsRegular():
		return unsafef("%s is not a regular file (mode %v): move it away or use another path: ls -ld %s", what, mode, path)
	}
	return nil
}

func checkSize(what, path string, size int64) error {
	if size > MaxSize {
		return unsafef("%s has more than %d bytes, so it is another file: move it away or use another path: ls -l %s", what, MaxSize, path)
	}
	return nil
}

// checkFolder refuses a folder in which every user can remove our ring, or give its name to
// another file of ours, for example an old ring. In a sticky folder, such as /tmp, only the owner
// of the file, the owner of the folder and root can do that.
func (s *Store) checkFolder() error {
	dir := filepath.Dir(s.path)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("filestore: look at the folder: %w%s", err, advice(err))
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		// An emptyDir of Kubernetes is such a folder. It belongs to root, so chmod may fail,
		// and the text names another way.
		return unsafef("every user can write to the folder of %s (mode %04o): chmod o-w %s, or keep %[1]s in a new folder below it", s.what, info.Mode().Perm(), dir)
	}
	return nil
}
