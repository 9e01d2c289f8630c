package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// remount gives a folder and its files to a group and widens their modes. kubelet does so at each
// mount of a volume with an fsGroup.
func remount(t *testing.T, folder string, group int) {
	t.Helper()
	must(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode() | 0o660
		if d.IsDir() {
			mode |= fs.ModeSetgid | 0o110
		}
		return errors.Join(os.Chown(path, -1, group), os.Chmod(path, mode))
	}))
}

// A ring, its lock and its key file are on a volume that is mounted again and again. The ring opens
// and changes, and each change narrows the modes of the files that it writes.
func TestVolume(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "volume")
	ringPath, kekPath := filepath.Join(folder, "ring"), filepath.Join(folder, "kek")
	_, err := OpenOrCreate(t.Context(), ringPath, kekPath)
	must(t, err)
	for range 3 {
		remount(t, folder, os.Getegid())
		wantModes(t, folder, map[string]fs.FileMode{"ring": 0o660, "ring.lock": 0o660, "kek": 0o660})
		ring, err := OpenOrCreate(t.Context(), ringPath, kekPath)
		must(t, err)
		must(t, ring.UpdatePolicy(t.Context(), func(p *keyring.Policy) { p.SnapshotAge++ }))
		wantModes(t, folder, map[string]fs.FileMode{"ring": 0o600, "ring.lock": 0o600, "kek": 0o660})
	}
}

// The folder of the key file counts, and not the folder of a link to it.
func TestVolumeThroughLink(t *testing.T) {
	dir := t.TempDir()
	plain, volume := filepath.Join(dir, "plain"), filepath.Join(dir, "volume")
	must(t, errors.Join(os.Mkdir(plain, 0o700), os.Mkdir(volume, 0o700)))
	for _, folder := range []string{plain, volume} {
		_, err := keyring.CreateKEKFile(filepath.Join(folder, "kek"))
		must(t, err)
		must(t, os.Chmod(filepath.Join(folder, "kek"), 0o660))
	}
	remount(t, volume, os.Getegid())
	toVolume, toPlain := filepath.Join(plain, "link"), filepath.Join(volume, "link")
	must(t, errors.Join(os.Symlink("../volume/kek", toVolume), os.Symlink("../plain/kek", toPlain)))
	if _, err := keyring.KEKFile(toVolume); err != nil {
		t.Errorf("a link to a volume: %v", err)
	}
	if _, err := keyring.KEKFile(toPlain); !errors.Is(err, keyring.ErrKEK) {
		t.Errorf("a link out of a volume: %v", err)
	}
}

// A file that differs in one point from a file on a volume is refused. The test changes each file
// by itself.
func TestNoVolume(t *testing.T) {
	for name, c := range map[string]struct {
		differ func(t *testing.T, folder, file string) error
		want   string
	}{
		"a folder without the setgid bit": {func(_ *testing.T, folder, _ string) error { return os.Chmod(folder, 0o770) }, "chmod 600 "},
		"read by others too":              {func(_ *testing.T, _, file string) error { return os.Chmod(file, 0o664) }, "fsGroupChangePolicy: OnRootMismatch"},
		"a group that is not ours": {func(t *testing.T, folder, file string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root gives a file to a group of others")
			}
			return errors.Join(os.Chown(folder, -1, 4242), os.Chmod(folder, 0o770|fs.ModeSetgid), os.Chown(file, -1, 4242))
		}, "fsGroupChangePolicy: OnRootMismatch"},
		"a folder of another group": {func(t *testing.T, folder, _ string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root gives a folder to a group of others")
			}
			return errors.Join(os.Chown(folder, -1, 4242), os.Chmod(folder, 0o770|fs.ModeSetgid))
		}, "fsGroupChangePolicy: OnRootMismatch"},
	} {
		for _, file := range []string{"ring", "ring.lock", "kek"} {
			t.Run(name+", "+file, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "volume")
				ringPath, kekPath := filepath.Join(folder, "ring"), filepath.Join(folder, "kek")
				ring, err := OpenOrCreate(t.Context(), ringPath, kekPath)
				must(t, err)
				remount(t, folder, os.Getegid())
				for _, narrow := range []string{"ring", "ring.lock", "kek", "kek.seen", "kek.seen.lock"} {
					if narrow != file {
						must(t, os.Chmod(filepath.Join(folder, narrow), 0o600))
					}
				}
				must(t, c.differ(t, folder, filepath.Join(folder, file)))

				want := ErrUnsafe
				switch file {
				case "ring":
					_, err = OpenOrCreate(t.Context(), ringPath, kekPath)
				case "ring.lock":
					err = ring.UpdatePolicy(t.Context(), func(p *keyring.Policy) { p.SnapshotAge++ })
				case "kek":
					want = keyring.ErrKEK
					_, err = OpenOrCreate(t.Context(), ringPath, kekPath)
				}
				if !errors.Is(err, want) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Join(folder, file)) {
					t.Errorf("%v, want %v with %q", err, want, c.want)
				}
			})
		}
	}
}

// A service reads its key from a descriptor and makes a ring under it. The folder of that path,
// /proc/self/fd, cannot be synced.
func TestOpenOrCreateWithPipe(t *testing.T) {
	folder := t.TempDir()
	for range 2 {
		r, w, err := os.Pipe()
		must(t, err)
		_, err = w.WriteString("MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=\n")
		must(t, errors.Join(err, w.Close()))
		_, err = OpenOrCreate(t.Context(), filepath.Join(folder, "ring"), fmt.Sprintf("/proc/self/fd/%d", r.Fd()))
		must(t, errors.Join(err, r.Close()))
	}
}

// No file can be written beside a KEK from a pipe or a mounted secret. A memory at another path
// works, and a path that cannot be written is an error.
func TestOpenOrCreateRemembersElsewhere(t *testing.T) {
	dir := t.TempDir()
	ringPath, seen := filepath.Join(dir, "ring"), filepath.Join(dir, "state", "seen")
	open := func(seen ...string) error {
		r, w, err := os.Pipe()
		must(t, err)
		defer r.Close()
		_, err = w.Write(bytes.Repeat([]byte{0x81}, 32))
		must(t, errors.Join(err, w.Close()))
		_, err = OpenOrCreate(t.Context(), ringPath, fmt.Sprintf("/dev/fd/%d", r.Fd()), seen...)
		return err
	}
	must(t, open(seen))
	must(t, open("/proc/nowhere/seen", seen)) // the memory goes to the first path that can be written
	old := readFiles(t, ringPath)
	ring, err := keyring.Open(t.Context(), keyring.Config{Store: New(ringPath), KEK: mustKEK(t), Memory: NewMemory(ringPath, seen)})
	must(t, err)
	must(t, ring.UpdatePolicy(t.Context(), func(*keyring.Policy) {}))
	must(t, os.WriteFile(ringPath, []byte(old), 0o600))
	if err := open(seen); !errors.Is(err, keyring.ErrRollback) {
		t.Errorf("%v, want ErrRollback", err)
	}
	for _, path := range []string{"", ringPath, "/proc/nowhere/seen"} {
		if err := open(path); err == nil || path != "/proc/nowhere/seen" && !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("a memory in %q: %v", path, err)
		}
	}
	must(t, os.Remove(seen))
	must(t, open()) // this ring remembers nothing
	wantFiles(t, dir, "ring", "ring.lock", "state")
}

func mustKEK(t *testing.T) keyring.KEK {
	t.Helper()
	kek, err := keyring.NewKEK(bytes.Repeat([]byte{0x81}, 32))
	must(t, err)
	return kek
}
