package filestore

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/sealjwt/sealjwt/keys/internal/temp"
)

// newPrefix begins the temporary names of the files that ReplaceFile writes.
const newPrefix = ".new-"

// ReplaceFile writes a file of mode 0600 in one step, and removes the temporary files that
// killed calls of ReplaceFile left. It is for small files that lie beside a ring and can be made
// again, such as copies of other parties' public keys: it does not sync, and the last of several
// writers wins. If it returns an error, the old file is still there. ReplaceFile is safe for
// concurrent use, by several processes too.
func ReplaceFile(folder *os.Root, name string, data []byte) error {
	if folder == nil || *folder == (os.Root{}) {
		return fmt.Errorf("filestore: ReplaceFile needs an open folder: use os.OpenRoot: %w", fs.ErrInvalid)
	}
	temp.Sweep(folder, newPrefix)
	f, part, err := temp.Create(folder, newPrefix)
	if err != nil {
		return err
	}
	defer f.Close() // drops the lock, which keeps other processes from removing the file
	if _, err = f.Write(data); err == nil {
		err = folder.Rename(part, name)
	}
	if err != nil {
		folder.Remove(part)
	}
	return err
}
