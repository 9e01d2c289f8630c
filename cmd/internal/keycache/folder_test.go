//go:build unix

package keycache

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// If another user can add files, or replace our folder, there is no cache: nothing is read or
// written, and the user is told once.
func TestCacheFolderOfOthers(t *testing.T) {
	for name, put := range map[string]func(base string) error{
		"written by all":     func(base string) error { return os.Chmod(filepath.Join(base, "sealjwt/jwks"), 0o777) },
		"sticky":             func(base string) error { return os.Chmod(filepath.Join(base, "sealjwt/jwks"), 0o777|os.ModeSticky) },
		"written by a group": func(base string) error { return os.Chmod(filepath.Join(base, "sealjwt/jwks"), 0o770) },
		"the one above":      func(base string) error { return os.Chmod(filepath.Join(base, "sealjwt"), 0o777) },
		"the one above, no jwks": func(base string) error {
			return errors.Join(os.RemoveAll(filepath.Join(base, "sealjwt/jwks")), os.Chmod(filepath.Join(base, "sealjwt"), 0o777))
		},
		"another user's":           func(base string) error { return chown(filepath.Join(base, "sealjwt/jwks")) },
		"in another user's folder": func(base string) error { return chown(filepath.Join(base, "sealjwt")) },
	} {
		t.Run(name, func(t *testing.T) {
			_, base, _ := newCache(t)
			if err := put(base); errors.Is(err, os.ErrPermission) {
				t.Skip("only root gives files away")
			} else if err != nil {
				t.Fatal(err)
			}
			before := tree(t, base)
			cache, errs := newRun(base)
			if got := cache.cached(copiedURL); got.Body != nil {
				t.Errorf("the copy is %q", got.Body)
			}
			cache.keep(jwks.CacheEntry{URL: copiedURL, Fetched: time.Now(), Body: []byte("new")})
			if after := tree(t, base); after != before {
				t.Errorf("it was\n%s\nand is\n%s", before, after)
			}
			if strings.Count(errs.String(), "warning: the cache is not used: "+base) != 1 || strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("said: %s", errs)
			}
		})
	}
}

// The cache is on a volume with an fsGroup. Kubernetes gives all files to a group at each mount. No
// other wide modes pass.
func TestCacheOnAVolume(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Kubernetes sets these modes on Linux")
	}
	mount := func(base string) error {
		ours, copies := filepath.Join(base, "sealjwt"), filepath.Join(base, "sealjwt/jwks")
		return errors.Join(os.Chmod(ours, os.ModeSetgid|0o770), os.Chmod(copies, os.ModeSetgid|0o770),
			os.Chmod(filepath.Join(copies, copyName(copiedURL)), 0o660))
	}
	for name, c := range map[string]struct {
		change func(ours string) error
		passes bool
	}{
		"as kubelet leaves it": {func(string) error { return nil }, true},
		"folder of all":        {func(ours string) error { return os.Chmod(ours, os.ModeSetgid|0o772) }, false},
		"no setgid":            {func(ours string) error { return os.Chmod(ours+"/jwks", 0o770) }, false},
		"copy of all":          {func(ours string) error { return os.Chmod(filepath.Join(ours, "jwks", copyName(copiedURL)), 0o664) }, false},
		"another group":        {func(ours string) error { return os.Chown(ours+"/jwks", -1, 4242) }, false},
		"copy of another group": {func(ours string) error {
			return os.Chown(filepath.Join(ours, "jwks", copyName(copiedURL)), -1, 4242)
		}, false},
	} {
		cache, base, errs := newCache(t)
		ours := filepath.Join(base, "sealjwt")
		if err := errors.Join(mount(base), c.change(ours)); errors.Is(err, os.ErrPermission) {
			continue // only root can change an owner
		} else if err != nil {
			t.Fatal(err)
		}
		if c.passes {
			if got := cache.cached(copiedURL); string(got.Body) != "good" || errs.Len() > 0 {
				t.Errorf("%s: the copy is %q: %s", name, got.Body, errs)
			}
			cache.keep(jwks.CacheEntry{URL: copiedURL, Fetched: time.Now(), Generated: time.Now(), Body: []byte("new")})
			if got := cache.cached(copiedURL); string(got.Body) != "new" || errs.Len() > 0 {
				t.Errorf("%s: the copy is %q: %s", name, got.Body, errs)
			}
		} else if got := cache.cached(copiedURL); got.Body != nil || errs.Len() == 0 {
			t.Errorf("%s: the copy is %q", name, got.Body)
		}
	}
}

// A fifo in the place of a folder blocks no command.
func TestCacheFolderIsAFifo(t *testing.T) {
	for _, fifo := range []string{"sealjwt", "sealjwt/jwks"} {
		_, base, _ := newCache(t)
		path := filepath.Join(base, fifo)
		if err := errors.Join(os.RemoveAll(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		cache, errs := newRun(base)
		done := make(chan jwks.CacheEntry)
		go func() {
			got := cache.cached(copiedURL)
			cache.keep(jwks.CacheEntry{URL: copiedURL})
			done <- got
		}()
		select {
		case got := <-done:
			if got.Body != nil || !strings.Contains(errs.String(), path+": not a directory") {
				t.Errorf("%s: the copy is %q: %s", fifo, got.Body, errs)
			}
		case <-time.After(time.Minute): // of which nothing passes where it works
			t.Fatalf("%s: it waits", fifo)
		}
	}
}

// The owner counts, whatever the mode is.
func TestOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	me := os.Geteuid()
	if err := checkCopy(info, info, me); err != nil {
		t.Error(err)
	}
	if err := checkCopy(info, info, me+1); !errors.Is(err, errNotOurs) {
		t.Errorf("the file of another: %v", err)
	}
}

// The check concerns the open file, because its name can lead to another file at any moment.
func TestCopyIsCheckedOpen(t *testing.T) {
	cache, base, _ := newCache(t)
	folder, err := openCache(cache.folder)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	ours := filepath.Join(base, "sealjwt")
	evil, err := json.Marshal(jwks.CacheEntry{URL: copiedURL, Fetched: time.Now(), Body: []byte("evil")})
	if err := errors.Join(err, os.Rename(ours, ours+".away"), os.MkdirAll(filepath.Join(ours, "jwks"), 0o777),
		os.WriteFile(filepath.Join(ours, "jwks", copyName(copiedURL)), evil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, err := readCopy(folder, copyName(copiedURL)); err != nil || string(got.Body) != "good" {
		t.Errorf("the copy is %q (%v)", got.Body, err)
	}
}

func chown(path string) error { return os.Chown(path, os.Geteuid()+1, -1) }

// tree lists the files below a folder.
func tree(t *testing.T, base string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(base, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			b.WriteString(info.Mode().String() + " " + path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A run that was killed leaves a temporary file. The next run removes it.
func TestLeftoverOfReplace(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".new-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := filestore.ReplaceFile(folder, "copy.json", []byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "copy.json" {
		t.Errorf("%v, %v; want copy.json alone", entries, err)
	}
}
