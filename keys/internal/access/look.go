package access

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Check collects the facts about an open file and decides as [Facts.Decide] does. path is the
// path of the file, and info is its Stat. A fact that Check cannot find out counts against the
// file.
func Check(p Purpose, name, path string, f *os.File, info fs.FileInfo) error {
	uid, gid := owner(info)
	facts := Facts{
		Mode: info.Mode(), UID: uid, GID: gid, FolderGID: -1,
		Process: Process{UID: os.Geteuid(), GOOS: runtime.GOOS},
	}
	if info.Mode().Perm()&0o077 != 0 { // otherwise Decide needs no further fact
		facts.ReadOnly = isReadOnly(f)
		facts.Process.Groups = groups()
		if folder, err := folderOf(path); err == nil {
			facts.FolderMode = folder.Mode()
			_, facts.FolderGID = owner(folder)
		}
	}
	return facts.Decide(p, name, path)
}

// CheckSystem returns [ErrRefused] on a system where Check refuses every file. A program calls
// CheckSystem before it makes a file with a secret. The text calls the file by the argument name.
func CheckSystem(name string) error {
	return Process{UID: os.Geteuid(), GOOS: runtime.GOOS}.checkSystem(name)
}

// HasVolumeGroup reports whether the file with the Stat info has the owner and the group of a file
// on a Kubernetes volume with an fsGroup, as [Facts.Decide] judges. It does not look at the
// permission bits of the file. folder is the Stat of the folder that holds the file; for a folder
// it is the folder's own Stat.
func HasVolumeGroup(info, folder fs.FileInfo) bool {
	f := Facts{FolderMode: folder.Mode(), Process: Process{UID: os.Geteuid(), Groups: groups(), GOOS: runtime.GOOS}}
	f.UID, f.GID = owner(info)
	_, f.FolderGID = owner(folder)
	return f.isVolumeGroup()
}

// folderOf returns the Stat of the folder that holds the file, with all links in the path
// resolved: in Kubernetes the path of a secret leads through two symbolic links.
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
