package filestore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that is really full, and then one that is read-only.
func TestRingFullDisk(t *testing.T) {
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "disk")
			must(t, os.Mkdir(dir, 0o700))
			mountOrSkip(t, "tmpfs", dir, "tmpfs", 0, "size=64k,mode=700")
			s := New(filepath.Join(dir, "ring"))
			ring := createRing(t, s, hasty())
			before := picture(t, s.path)

			filler := filepath.Join(dir, "filler")
			if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("the disk should be full: %v", err)
			}
			err := change.do(t.Context(), ring)
			wantFailure(t, err, syscall.ENOSPC, []string{"the temporary file", "make room", "nothing was changed"})
			before.wantSame(t)
			must(t, os.Remove(filler))
			wantFiles(t, dir, "ring", "ring.lock")

			must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
			err = change.do(t.Context(), ring)
			wantFailure(t, err, syscall.EROFS, []string{"open the lock", "mount it writable"})
			before.wantSame(t)

			must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
			must(t, change.do(t.Context(), ring))
			before.wantNext(t)
		})
	}
}

// mountOrSkip mounts for the time of the test, where that is possible.
func mountOrSkip(t *testing.T, source, dir, fstype string, flags uintptr, data string) {
	t.Helper()
	if !long {
		t.Skip("mounts are for the long form: set SEALJWT_LONG=1")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	if err := syscall.Mount(source, dir, fstype, flags, data); err != nil {
		t.Skipf("this root cannot mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// The system calls through which a process can touch a file, and the one that draws
// random bytes. What this kind of machine does not have is marked.
var fileCalls = []string{
	"openat", "?open", "read", "pread64", "write", "pwrite64", "close", "fcntl", "lseek", "getrandom",
	"fstat", "?newfstatat", "?lstat", "?stat", "statx", "?readlink", "readlinkat", "getdents64",
	"flock", "ftruncate", "fsync", "fdatasync", "?rename", "renameat", "renameat2", "?unlink", "unlinkat",
}

// A process that changes the ring is killed as it enters its first openat, another
// at its second, and so on until one is through; then the same with every other
// system call.
func TestRingKilledAtEachSystemCall(t *testing.T) {
	if !long {
		t.Skip("takes half a minute: set SEALJWT_LONG=1")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			createRing(t, s, hasty())
			killedAt := map[string]int{}
			kills, changes, leftovers := 0, 0, 0
			for _, call := range fileCalls {
				for n, done := 1, false; !done; n++ {
					before := picture(t, s.path)
					done = killAt(t, call, n, environment(change.name+" once", s.path, ringKeyID, before.active.ID))
					changed, leftover := before.wantSound(t)
					switch {
					case done && (!changed || leftover):
						t.Errorf("the process that nobody killed: changed %v, leftover %v", changed, leftover)
					case !done:
						killedAt[strings.TrimPrefix(call, "?")]++
						kills++
						if changed {
							changes++
						}
						if leftover {
							leftovers++
						}
					}
				}
			}
			for _, call := range []string{"openat", "flock", "write", "fsync", "close", "unlinkat", "ftruncate"} {
				if killedAt[call] == 0 {
					t.Errorf("none was killed at %s, only at %v", call, killedAt)
				}
			}
			if killedAt["fsync"] < 2 || killedAt["rename"]+killedAt["renameat"]+killedAt["renameat2"] < 1 || changes == 0 || leftovers == 0 {
				t.Errorf("the kills missed the write: %v, %d changes, %d leftovers", killedAt, changes, leftovers)
			}
			t.Logf("%d processes killed, %d of them after the change, %d with a temporary file; at %v", kills, changes, leftovers, killedAt)
		})
	}
}

// killAt runs this binary and kills it when it enters its nth system call of a kind.
// It is done if there were not so many.
func killAt(t *testing.T, call string, n int, env []string) (done bool) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-qq", "-o", trace,
		"-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), os.Args[0])
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err == nil {
		return true
	}
	if text, _ := os.ReadFile(trace); !strings.Contains(string(text), "+++ killed by SIGKILL +++") {
		t.Skipf("strace cannot be used here: %v: %s%s", err, out, text)
	}
	return false
}
