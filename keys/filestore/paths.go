package filestore

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// CheckPaths returns nil if the file of a ring, the files of its memories and the files of the KEKs
// or passphrases that open it are different files, with links resolved. Two memories may be one
// file, and so may two KEKs. It leaves out empty paths.
//
// Beside a ring, and beside a memory, a write makes a lock file and a temporary file. It
// empties the lock file and removes the temporary file. A KEK file at such a path would be lost
// with the first write, and with the KEK every key. If two files of different kinds have one path,
// CheckPaths returns [keyring.ErrConfig], and names the path and both kinds.
//
// [OpenOrCreate] and [NewMemory] check their paths. A program that takes paths from its users
// and does not use OpenOrCreate should call CheckPaths before it makes the first file.
func CheckPaths(ring string, keks []string, memories ...string) error {
	taken := make(map[string]string)
	take := func(path, suffix, what string) error {
		if path == "" {
			return nil
		}
		path = absolute(path) + suffix
		real := resolve(path)
		if other, ok := taken[real]; ok && other != what {
			return fmt.Errorf("%w: %s would be both %s and %s: give each a path of its own", keyring.ErrConfig, path, other, what)
		}
		taken[real] = what
		return nil
	}
	err := cmp.Or(take(ring, "", "the ring"), take(ring, ".lock", "the lock of the ring"), take(ring, ".tmp", "the temporary file of the ring"))
	for _, path := range memories {
		err = cmp.Or(err, take(path, "", "the memory of the rings"), take(path, ".lock", "the lock of the memory"),
			take(path, ".tmp", "the temporary file of the memory"), take(path, ".damaged", "a damaged memory"))
	}
	for _, path := range keks {
		err = cmp.Or(err, take(path, "", "a file that opens the ring"))
	}
	return err
}

// isDescriptors reports whether a folder lists the descriptors of a process, or has links to
// descriptors, such as /dev/stdin: a KEK that a shell passes as a pipe is in such a folder. Root
// may write some of these folders, but a memory in them would be gone after the next start.
func isDescriptors(dir string) bool {
	return strings.HasPrefix(resolve(dir)+"/", "/proc/") || dir == "/dev" || strings.HasPrefix(dir+"/", "/dev/fd/")
}

// resolve returns the path with its symbolic links resolved, as far as it exists. It also
// follows a link whose target does not exist: the target may be on a volume that is not
// mounted.
func resolve(path string) string {
	const maxLinks = 40
	for range maxLinks {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		dir := filepath.Dir(path)
		if dir == path {
			return path
		}
		path = filepath.Join(resolve(dir), filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil {
			return path
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return path
}

// absolute returns the absolute path, but an empty path for an empty one. With a relative path the
// ring would be elsewhere after the process changes its working directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		return abs
	}
	return path
}
