//go:build unix

package kekfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func TestCreate(t *testing.T) {
	for _, umask := range []int{0o022, 0, 0o777} {
		path := filepath.Join(t.TempDir(), "new", "folder", "kek")
		if umask == 0o777 {
			path = filepath.Join(t.TempDir(), "kek") // the umask applies to folders
		}
		old := syscall.Umask(umask)
		k, err := Create(path)
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %04o: %v", umask, err)
		}
		info := must(os.Stat(path))(t)
		if info.Mode() != 0o600 || info.Size() != 32 {
			t.Errorf("umask %04o: mode %v, %d bytes", umask, info.Mode(), info.Size())
		}
		if read, err := Read(path); err != nil || !bytes.Equal(read, k) {
			t.Errorf("it is not the key that was returned: %v", err)
		}
		if umask != 0o777 {
			if mode := must(os.Stat(filepath.Dir(path)))(t).Mode().Perm(); mode != 0o700 {
				t.Errorf("umask %04o: folder of mode %04o", umask, mode)
			}
		}

		if entries := must(os.ReadDir(filepath.Dir(path)))(t); len(entries) != 1 {
			t.Errorf("umask %04o: it leaves %v", umask, entries)
		}
		before := must(os.ReadFile(path))(t)
		again, err := Create(path)
		if again != nil {
			t.Error("replaced")
		}
		wantError(t, err, fs.ErrExist)
		if !bytes.Equal(before, must(os.ReadFile(path))(t)) {
			t.Error("the file was changed")
		}
	}
	a, b := must(Create(filepath.Join(t.TempDir(), "a")))(t), must(Create(filepath.Join(t.TempDir(), "b")))(t)
	if bytes.Equal(a, b) {
		t.Error("the same key twice")
	}
}

// Several processes create a file at once. One of them makes it, and none reads half a key.
func TestCreateTogether(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			if _, err := Create(path); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
			if _, err := Read(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if entries := must(os.ReadDir(dir))(t); won != 1 || len(entries) != 1 {
		t.Errorf("%d won, %v is there", won, entries)
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	file, link := writeKey(t, testKey, 0o600), filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "target"), link); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder": dir, "below a file": filepath.Join(file, "kek"), "a dangling link": link,
	} {
		if k, err := Create(path); k != nil || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Create(""); err == nil || err.Error() != "the path of the key file is empty" {
		t.Errorf("no path: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "target")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the link was followed")
	}
}

// Create draws again if Read would refuse the draw.
func TestDraw(t *testing.T) {
	text, lines := bytes.Repeat([]byte("k"), 32), append(bytes.Repeat([]byte("k"), 30), "\r\n"...)
	key, err := draw(io.MultiReader(bytes.NewReader(text), bytes.NewReader(lines), bytes.NewReader(testKey)))
	if err != nil || !bytes.Equal(key, testKey) {
		t.Errorf("%q, %v", key, err)
	}
	a, errA := draw(rand.Reader)
	b, errB := draw(rand.Reader)
	if err := errors.Join(errA, errB); err != nil || bytes.Equal(a, b) {
		t.Errorf("the same key twice (%v)", err)
	}
}
