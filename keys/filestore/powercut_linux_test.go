package filestore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A file system is shut down without its journal while rotators work on it, as in a power cut, and
// mounted again. No acknowledged rotation is lost, and the ring opens.
func TestPowerCut(t *testing.T) {
	const cuts = 20
	disk := newDisk(t)
	acks, kept := 0, 0
	for i := range cuts {
		r := disk.cut(t, i)
		if r.err != nil {
			t.Fatalf("cut %d: the ring does not open: %v", i, r.err)
		}
		if r.lost > 0 {
			t.Errorf("cut %d: %d of %d acknowledged rotations are lost", i, r.lost, r.acks)
		}
		acks += r.acks
		kept += int(r.generation) - 1
	}
	t.Logf("%d power cuts: %d rotations acknowledged, none lost, %d in the rings", cuts, acks, kept)
}

// A store that leaves out one of its two syncs loses rotations or the ring, so the test above would
// notice it.
func TestPowerCutIsSeen(t *testing.T) {
	const cuts = 30
	for _, what := range []string{"file", "folder"} {
		t.Run("no sync of the "+what, func(t *testing.T) {
			disk := newDisk(t)
			for i := range cuts {
				r := disk.cut(t, i, ringNoSync, what)
				if r.err != nil || r.lost > 0 {
					t.Logf("cut %d: %d of %d acknowledged rotations lost, opened with error %v", i, r.lost, r.acks, r.err)
					return
				}
			}
			t.Errorf("%d power cuts and nothing lost: these are no power cuts", cuts)
		})
	}
}

// disk is an ext4 file system in a file, mounted at dir.
type disk struct{ image, dir string }

func newDisk(t *testing.T) disk {
	t.Helper()
	switch {
	case !long:
		t.Skip("mounts are for the long form: set SEALJWT_LONG=1")
	case os.Geteuid() != 0:
		t.Skip("only root mounts")
	}
	tools := []string{"mkfs.ext4", "mount", "umount"}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	top := t.TempDir()
	d := disk{filepath.Join(top, "image"), filepath.Join(top, "disk")}
	must(t, os.Mkdir(d.dir, 0o700))
	must(t, os.WriteFile(d.image, nil, 0o600))
	must(t, os.Truncate(d.image, 32<<20))
	if err := command("mkfs.ext4", "-q", "-F", d.image); err != nil {
		t.Skip(err)
	}
	if err := d.mount(); err != nil {
		t.Skipf("no loop device: %v", err)
	}
	t.Cleanup(func() { command("umount", "-l", d.dir) })
	return d
}

// mount switches off the guard of ext4 for programs that rename without a sync.
func (d disk) mount() error {
	return command("mount", "-t", "ext4", "-o", "loop,noauto_da_alloc", d.image, d.dir)
}

// afterCut holds what a test finds after a power cut.
type afterCut struct {
	acks, lost int
	generation uint64
	err        error // returned when the ring was opened
}

// cut makes a ring, lets n processes rotate it, and cuts the power.
func (d disk) cut(t *testing.T, n int, more ...string) afterCut {
	t.Helper()
	must(t, os.Mkdir(filepath.Join(d.dir, fmt.Sprint(n)), 0o700))
	s := New(filepath.Join(d.dir, fmt.Sprint(n), "ring"))
	createRing(t, s, hasty())
	must(t, command("sync", "-f", d.dir)) // a store under test may not do it

	// The acknowledgements are kept outside of the disk.
	ps := newProcesses(t, s.path)
	for range 2 {
		ps.start("rotate", more...)
	}
	for ps.countAcks(ps.all[0])+ps.countAcks(ps.all[1]) == 0 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
	for _, p := range ps.all {
		ps.expect(p)
	}
	must(t, d.shutdown())
	ps.killAll()
	must(t, command("umount", d.dir))
	must(t, d.mount())

	var r afterCut
	ring, err := keyring.Open(t.Context(), keyring.Config{Store: New(s.path), KEK: testKEK()})
	if r.err = err; err == nil {
		r.generation = ring.Checkpoint().Generation
		wantRingFiles(t, s.path)
	}
	for _, line := range ps.acknowledged() {
		var action, kid, seen string
		fmt.Sscan(line, &action, &kid, &seen)
		checkpoint := parseFirst(seen)
		if checkpoint == (keyring.Checkpoint{}) {
			t.Fatalf("acknowledged %q", line)
		}
		r.acks++
		_, err := openSince(t.Context(), New(s.path), checkpoint)
		if checkpoint.Generation > r.generation || errors.Is(err, keyring.ErrRollback) && checkpoint.Generation+64 > r.generation {
			r.lost++
		}
	}
	return r
}

// shutdown stops the file system at once: EXT4_IOC_SHUTDOWN with
// EXT4_GOING_FLAGS_NOLOGFLUSH.
func (d disk) shutdown() error {
	const (
		request    = 0x8004587d
		noLogFlush = 2
	)
	dir, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	flags := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), request, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		return os.NewSyscallError("ioctl EXT4_IOC_SHUTDOWN", errno)
	}
	return nil
}
