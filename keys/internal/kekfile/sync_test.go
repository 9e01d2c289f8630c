//go:build unix

package kekfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/temp"
)

// The sync of the folder fails once. The next Create must change and sync the folder before it
// takes the file for stored. After that no other file is left beside it.
func TestCreateIsNotSynced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	fails := func(*os.Root) error { return syscall.EIO }
	for _, try := range []string{"first", "second"} {
		k, err := create(path, fails)
		if k != nil || !errors.Is(err, syscall.EIO) || errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want EIO", try, err)
		}
		if !strings.Contains(err.Error(), "kek is not on the disk for certain") {
			t.Errorf("%s: %v", try, err)
		}
	}
	made := must(Read(path))(t) // another process may have read the file
	synced := 0
	_, err := create(path, func(folder *os.Root) error { synced++; return temp.SyncFolder(folder) })
	if !errors.Is(err, fs.ErrExist) || synced != 1 {
		t.Errorf("%v after %d syncs, want fs.ErrExist after one", err, synced)
	}
	if again := must(Read(path))(t); !bytes.Equal(again, made) {
		t.Error("the key is another one")
	}
	if names := must(os.ReadDir(dir))(t); len(names) != 1 {
		t.Errorf("%v is left in the folder", names)
	}
}

// A killed process leaves a temporary file, or a second name of the key file. The next Create
// removes both.
func TestCreateLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	folder := must(os.OpenRoot(dir))(t)
	defer folder.Close()
	for range 3 {
		f, _, err := temp.Create(folder, temp.KEKPrefix)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	must(Create(path))(t)
	// An older version chose this name.
	if err := os.Link(path, filepath.Join(dir, ".kek-1110180341")); err != nil {
		t.Fatal(err)
	}
	_, err := Create(path)
	wantError(t, err, fs.ErrExist)
	if names := must(os.ReadDir(dir))(t); len(names) != 1 {
		t.Errorf("%v is left in the folder", names)
	}
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}
