//go:build unix

package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func TestOpenOrCreate(t *testing.T) {
	top := t.TempDir()
	ringPath, kekPath := filepath.Join(top, "var", "ring"), filepath.Join(top, "etc", "app", "kek")
	made, err := OpenOrCreate(t.Context(), ringPath, kekPath)
	must(t, err)
	wantModes(t, top, map[string]fs.FileMode{
		"var": 0o700, "var/ring": 0o600, "etc": 0o700, "etc/app": 0o700, "etc/app/kek": 0o600,
		"etc/app/kek.seen": 0o600,
	})
	wantFiles(t, filepath.Join(top, "etc", "app"), "kek", "kek.seen", "kek.seen.lock")
	before := readFiles(t, ringPath, kekPath)

	opened, err := OpenOrCreate(t.Context(), ringPath, kekPath)
	must(t, err)
	if a, b := signingKeyID(t, made), signingKeyID(t, opened); a != b {
		t.Errorf("created with the signing key %s, opened with %s", a, b)
	}
	if before != readFiles(t, ringPath, kekPath) {
		t.Error("opening changed a file")
	}
}

// There is a KEK file without a ring. A process that was killed after it made the KEK leaves one,
// and so does an operator who mounts a KEK.
func TestOpenOrCreateWithKEKFile(t *testing.T) {
	dir := t.TempDir()
	ringPath, target, link := filepath.Join(dir, "ring"), filepath.Join(dir, "target"), filepath.Join(dir, "kek")
	want, err := keyring.CreateKEKFile(target)
	must(t, err)
	must(t, os.Symlink(target, link)) // as Kubernetes mounts secrets
	ring, err := OpenOrCreate(t.Context(), ringPath, link)
	must(t, err)
	ids, err := ring.KEKs(t.Context())
	must(t, err)
	if len(ids) != 1 || ids[0] != want.ID() {
		t.Errorf("the KEKs %q open the ring, want %s", ids, want.ID())
	}
}

// Each case has a ring and its KEK, and then one fault. The files stay as they are, and
// the error names the path.
func TestOpenOrCreateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(t *testing.T, ring, kek string)
		want  []error
		text  string // RING and KEK stand for the paths
	}{
		"ring without KEK": {
			func(t *testing.T, _, kek string) { must(t, os.Remove(kek)) },
			[]error{keyring.ErrKEK, fs.ErrNotExist}, "put the key file back from its backup"},
		"damaged ring": {
			func(t *testing.T, ring, _ string) { must(t, os.WriteFile(ring, []byte("{}"), 0o600)) },
			[]error{keyring.ErrUnreadable}, "RING"},
		"empty ring": {
			func(t *testing.T, ring, _ string) { must(t, os.Truncate(ring, 0)) },
			[]error{keyring.ErrUnreadable}, "RING"},
		"damaged ring without KEK": {
			func(t *testing.T, ring, kek string) { must(t, errors.Join(os.Remove(kek), os.Truncate(ring, 0))) },
			[]error{keyring.ErrUnreadable}, "RING"},
		"ring open to others": {
			func(t *testing.T, ring, _ string) { must(t, os.Chmod(ring, 0o644)) },
			[]error{ErrUnsafe}, "chmod 600 RING"},
		"ring open to others, without KEK": {
			func(t *testing.T, ring, kek string) { must(t, errors.Join(os.Remove(kek), os.Chmod(ring, 0o644))) },
			[]error{ErrUnsafe}, "chmod 600 RING"},
		"ring behind a dangling link": {
			func(t *testing.T, ring, kek string) {
				must(t, errors.Join(os.Remove(kek), os.Remove(ring), os.Symlink(ring+".gone", ring)))
			},
			[]error{ErrUnsafe}, "symbolic link"},
		"a folder in place of the ring, without KEK": {
			func(t *testing.T, ring, kek string) {
				must(t, errors.Join(os.Remove(kek), os.Remove(ring), os.Mkdir(ring, 0o700)))
			},
			[]error{ErrUnsafe}, "RING"},
		"no ring where one was seen": {
			func(t *testing.T, ring, _ string) { must(t, os.Remove(ring)) },
			[]error{keyring.ErrRollback, keyring.ErrNoRing}, "at generation 1: is the volume mounted?"},
		"neither ring nor KEK where a ring was seen": {
			func(t *testing.T, ring, kek string) { must(t, errors.Join(os.Remove(ring), os.Remove(kek))) },
			[]error{keyring.ErrRollback, keyring.ErrNoRing}, "at generation 1: is the volume mounted?"},
		"damaged memory": {
			func(t *testing.T, _, kek string) { must(t, os.Truncate(kek+".seen", 0)) },
			[]error{keys.ErrMalformed}, "KEK.seen cannot be used: keys: malformed: the file is empty: mend that file, or begin it anew with Memory.Accept"},
		"memory open to others": {
			func(t *testing.T, _, kek string) { must(t, os.Chmod(kek+".seen", 0o666)) },
			[]error{ErrUnsafe}, "chmod 600 KEK.seen"},
		"another KEK": {
			func(t *testing.T, _, kek string) { must(t, os.WriteFile(kek, bytes.Repeat([]byte{0xff}, 32), 0o600)) },
			[]error{keyring.ErrUnreadable}, "KEK"},
		"short KEK": {
			func(t *testing.T, _, kek string) { must(t, os.Truncate(kek, 31)) },
			[]error{keyring.ErrKEK}, "KEK has 31 bytes"},
		"short KEK without ring": {
			func(t *testing.T, ring, kek string) {
				must(t, errors.Join(os.Remove(ring), os.Remove(kek+".seen"), os.Truncate(kek, 31)))
			},
			[]error{keyring.ErrKEK}, "KEK has 31 bytes"},
		"KEK open to others, without ring": {
			func(t *testing.T, ring, kek string) {
				must(t, errors.Join(os.Remove(ring), os.Remove(kek+".seen"), os.Chmod(kek, 0o644)))
			},
			[]error{keyring.ErrKEK}, "chmod 600 KEK"},
		"KEK behind a dangling link, without ring": {
			func(t *testing.T, ring, kek string) {
				must(t, errors.Join(os.Remove(ring), os.Remove(kek+".seen"), os.Remove(kek), os.Symlink(kek+".gone", kek)))
			},
			[]error{keyring.ErrKEK, fs.ErrNotExist}, "leads nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ring, kek := filepath.Join(dir, "ring"), filepath.Join(dir, "kek")
			_, err := OpenOrCreate(t.Context(), ring, kek)
			must(t, err)
			c.fault(t, ring, kek)
			before := listFiles(t, dir)

			r, err := OpenOrCreate(t.Context(), ring, kek)
			if err == nil || r != nil {
				t.Fatalf("ring %v, error %v", r, err)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			}
			text := strings.NewReplacer("RING", ring, "KEK", kek).Replace(c.text)
			for _, want := range []string{text, ring, kek} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q in it", err, want)
				}
			}
			if after := listFiles(t, dir); after != before {
				t.Errorf("the files were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

func TestOpenOrCreatePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, c := range [][2]string{
		{"", "kek"}, {"ring", ""}, {"ring", "ring"}, {"ring", "./ring"}, {"ring", filepath.Join(dir, "ring.lock")}, {"ring", "ring.tmp"},
		{"kek.seen", "kek"}, {"kek.seen.lock", "kek"}, {"kek.seen.tmp", "kek"},
	} {
		if _, err := OpenOrCreate(t.Context(), c[0], c[1]); !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("ring %q, KEK %q: %v, want ErrConfig", c[0], c[1], err)
		}
	}
	for _, c := range [][2]string{{"kek", "kek"}, {"seen.lock", "seen"}, {"kek", "ring.tmp"}, {"kek", ""}} {
		if _, err := OpenOrCreate(t.Context(), "ring", c[0], c[1]); !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("KEK %q, memory %q: %v, want ErrConfig", c[0], c[1], err)
		}
	}
	wantFiles(t, ".")
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := OpenOrCreate(ended, "ring", "kek"); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	wantFiles(t, ".")
}

// Many goroutines start on an empty folder at once. All get the same ring.
func TestOpenOrCreateTogether(t *testing.T) {
	rounds := 10
	if long {
		rounds = 200
	}
	for range rounds {
		dir := t.TempDir()
		ringPath, kekPath := filepath.Join(dir, "a", "ring"), filepath.Join(dir, "b", "kek")
		var mu sync.Mutex
		var wg sync.WaitGroup
		kids := map[string]int{}
		for range 4 {
			wg.Go(func() {
				r, err := OpenOrCreate(t.Context(), ringPath, kekPath)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				kids[signingKeyID(t, r)]++
			})
		}
		wg.Wait()
		if len(kids) != 1 {
			t.Fatalf("the rings sign with %v, want one key", kids)
		}
		wantFiles(t, filepath.Join(dir, "b"), "kek", "kek.seen", "kek.seen.lock")
	}
}

// A KEK is missing at the first look. Another process makes both files, and the second look finds
// the KEK.
func TestKEKMadeBesideUs(t *testing.T) {
	dir := t.TempDir()
	ringPath, kekPath := filepath.Join(dir, "ring"), filepath.Join(dir, "kek")
	if _, err := kekOfRing(kekPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no KEK: %v", err)
	}
	_, err := OpenOrCreate(t.Context(), ringPath, kekPath)
	must(t, err)
	want, err := keyring.KEKFile(kekPath)
	must(t, err)
	for name, read := range map[string]func(string) (keyring.KEK, error){"kekOfRing": kekOfRing, "createKEK": createKEK} {
		if kek, err := read(kekPath); err != nil || kek.ID() != want.ID() {
			t.Errorf("%s: %v, want the KEK of the other process", name, err)
		}
	}
}

// The KEK is on the disk before the ring. If the folder of the KEK cannot be synced no ring is
// made, and the next start uses the same KEK.
func TestKEKFolderSyncFails(t *testing.T) {
	dir := t.TempDir()
	kekPath := filepath.Join(dir, "kek")
	_, err := keyring.CreateKEKFile(kekPath)
	must(t, err)
	s := New(filepath.Join(dir, "ring"))
	s.ops.syncDir = func(*os.File) error { return errDisk }
	if _, err := s.kek(t.Context(), kekPath); !errors.Is(err, errDisk) {
		t.Errorf("error %v, want %v", err, errDisk)
	}
	wantFiles(t, dir, "kek")
	_, err = OpenOrCreate(t.Context(), s.path, kekPath)
	must(t, err)
}

var errDisk = errors.New("the disk fails")

func signingKeyID(t *testing.T, r *keyring.Ring) string {
	t.Helper()
	set, err := r.PrivateKeys(t.Context())
	must(t, err)
	k, err := set.SigningKey()
	must(t, err)
	return k.ID()
}

func readFiles(t *testing.T, paths ...string) (all string) {
	t.Helper()
	for _, p := range paths {
		b, err := os.ReadFile(p)
		must(t, err)
		all += string(b)
	}
	return all
}

// listFiles describes the files of a folder, with their modes and contents.
func listFiles(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		content, _ := os.ReadFile(filepath.Join(dir, e.Name())) // a folder and a dangling link have none
		fmt.Fprintf(&list, "%v %s %q\n", info.Mode(), e.Name(), content)
	}
	return list.String()
}
