package access

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Check decides as [Facts.Decide] does about a file that is open; path leads to it, and
// info is its Stat. Facts that cannot be had count against the file.
func Check(p Purpose, name, path string, f *os.File, info fs.FileInfo) error {
	uid, gid := owner(info)
	facts := Facts{
		Mode: info.Mode(), UID: uid, GID: gid, FolderGID: -1,
		Process: Process{UID: os.Geteuid(), GOOS: runtime.GOOS},
	}
	if info.Mode().Perm()&0o077 != 0 { // else no further fact counts
		facts.ReadOnly = isReadOnly(f)
		facts.Process.Groups = groups()
		if folder, err := folderOf(path); err == nil {
			facts.FolderMode = folder.Mode()
			_, facts.FolderGID = owner(folder)
		}
	}
	return facts.Decide(p, name, path)
}

// CheckSystem returns [ErrRefused] on a system where Check refuses every file. A program asks
// before it makes a file with a secret; the text calls the file name.
func CheckSystem(name string) error {
	return Process{UID: os.Geteuid(), GOOS: runtime.GOOS}.checkSystem(name)
}

// HasVolumeGroup reports whether info gives the group the permissions of a volume with an
// fsGroup, as [Facts.Decide] judges them. folder holds the file; a folder is judged by
// itself.
func HasVolumeGroup(info, folder fs.FileInfo) bool {
	f := Facts{FolderMode: folder.Mode(), Process: Process{UID: os.Geteuid(), Groups: groups(), GOOS: runtime.GOOS}}
	f.UID, f.GID = owner(info)
	_, f.FolderGID = owner(folder)
	return f.isVolumeGroup()
}

// folderOf looks at the folder that holds the file itself: Kubernetes reaches a secret
// through two symbolic links.
func folderOf(path string) (fs.FileInfo, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return os.Stat(filepath.Dir(path))
}

func groups() []int {
	supplementary, err := os.Getgroups()
	if err != nil {
		return []int{os.Getegid()}
	}
	return append(supplementary, os.Getegid())
}
