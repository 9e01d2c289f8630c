//go:build unix

package temp

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

const prefix = ".test-"

func newFolder(t *testing.T) *os.Root {
	t.Helper()
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	return folder
}

func wantNames(t *testing.T, folder *os.Root, want ...string) {
	t.Helper()
	got := list(folder, "")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// create makes a file. If its process is dead, create closes it.
func create(t *testing.T, folder *os.Root, dead bool) (name string) {
	t.Helper()
	f, name, err := Create(folder, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if dead {
		f.Close()
	} else {
		t.Cleanup(func() { f.Close() })
	}
	return name
}

func link(t *testing.T, folder *os.Root, old, name string) {
	t.Helper()
	if err := folder.Link(old, name); err != nil {
		t.Fatal(err)
	}
}

// Sweep removes the files of dead processes, and no other file.
func TestSweep(t *testing.T) {
	folder := newFolder(t)
	create(t, folder, true)
	create(t, folder, true)
	alive := create(t, folder, false)
	linked := create(t, folder, true)
	link(t, folder, linked, "kek")
	kept := []string{prefix + "mine", prefix + "ABCDEFGHIJKLMNOPQRSTUVWXY1", prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
	for _, name := range kept {
		if err := folder.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fifo, dir := prefix+"ABCDEFGHIJKLMNOPQRSTUVWXYZ", prefix+"BBCDEFGHIJKLMNOPQRSTUVWXYZ"
	if err := errors.Join(syscall.Mkfifo(filepath.Join(folder.Name(), fifo), 0o600), folder.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	Sweep(folder, prefix)
	wantNames(t, folder, append(kept, alive, linked, "kek", fifo, dir)...)
}

// Finish changes and syncs the folder and then removes the second name of a file. After a failed
// sync the second name stays, and the next Finish begins again.
func TestFinish(t *testing.T) {
	folder := newFolder(t)
	second := create(t, folder, true)
	link(t, folder, second, "kek")
	if err := Finish(folder, "kek", prefix, func(*os.Root) error { return syscall.EIO }); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v, want EIO", err)
	}
	if names := list(folder, prefix); len(names) != 1 || names[0] == second {
		t.Errorf("the second name is %q, want another than %q: the folder did not change", names, second)
	}
	synced := 0
	sync := func(f *os.Root) error { synced++; return SyncFolder(f) }
	for range 2 {
		if err := Finish(folder, "kek", prefix, sync); err != nil {
			t.Error(err)
		}
	}
	if synced != 1 {
		t.Errorf("synced %d times, want once", synced)
	}
	wantNames(t, folder, "kek")
}

// Finish leaves alone a file that is not half made.
func TestFinishNothing(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, folder *os.Root){
		"missing":              func(*testing.T, *os.Root) {},
		"one name":             func(t *testing.T, folder *os.Root) { makeKEK(t, folder, create(t, folder, true), true) },
		"its process is alive": func(t *testing.T, folder *os.Root) { makeKEK(t, folder, create(t, folder, false), false) },
		"a second name of another kind": func(t *testing.T, folder *os.Root) {
			makeKEK(t, folder, create(t, folder, true), true)
			link(t, folder, "kek", "backup")
		},
		"a second name of another file": func(t *testing.T, folder *os.Root) {
			makeKEK(t, folder, create(t, folder, true), true)
			link(t, folder, "kek", "backup")
			create(t, folder, true)
		},
		"a link": func(t *testing.T, folder *os.Root) {
			if err := folder.Symlink(create(t, folder, true), "kek"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := newFolder(t)
			prepare(t, folder)
			before := list(folder, "")
			if err := Finish(folder, "kek", prefix, func(*os.Root) error { return syscall.EIO }); err != nil {
				t.Error(err)
			}
			wantNames(t, folder, before...)
		})
	}
}

// makeKEK links a file as kek. If whole is set it removes the first name.
func makeKEK(t *testing.T, folder *os.Root, name string, whole bool) {
	t.Helper()
	link(t, folder, name, "kek")
	if whole {
		if err := folder.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// A file of Create has mode 0600 whatever the umask is, and Sweep leaves it while it is open.
func TestCreate(t *testing.T) {
	folder := newFolder(t)
	defer syscall.Umask(syscall.Umask(0o777))
	f, name, err := Create(folder, prefix)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := folder.Lstat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	Sweep(folder, prefix)
	wantNames(t, folder, name)
}
