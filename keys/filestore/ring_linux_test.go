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

// The disk is really full, and then it is read-only.
func TestRingFullDisk(t *testing.T) {
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "disk")
			must(t, os.Mkdir(dir, 0o700))
			mountOrSkip(t, "tmpfs", dir, "tmpfs", 0, "size=64k,mode=700")
			s := New(filepath.Join(dir, "ring"))
			ring := change.create(t, s)
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
			before.wantChanged(t, change.writes)
		})
	}
}

// mountOrSkip mounts a file system until the test ends, or skips the test if it cannot.
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

// These system calls touch a file or draw random bytes. Some machines do not have those with a
// question mark.
var fileCalls = []string{
	"openat", "?open", "read", "pread64", "write", "pwrite64", "close", "fcntl", "lseek", "getrandom",
	"fstat", "?newfstatat", "?lstat", "?stat", "statx", "?readlink", "readlinkat", "getdents64",
	"flock", "ftruncate", "fsync", "fdatasync", "?rename", "renameat", "renameat2", "?unlink", "unlinkat",
}

// One process that changes the ring is killed at its first openat, another one at its second, and
// so on until a process gets through. Then the test does the same with every other system call.
// Each process begins with the same ring.
func TestRingKilledAtEachSystemCall(t *testing.T) {
	if !long {
		t.Skip("takes a minute: set SEALJWT_LONG=1")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			change.create(t, s)
			before := picture(t, s.path)
			env := environment(change.role, s.path, ringKeyID, before.active.ID)
			killedAt := map[string]int{}
			kills, written, leftovers := 0, 0, 0
			for _, call := range fileCalls {
				name := callName(call)
				for n, done := 1, false; !done; n++ {
					before.restore(t)
					done = killAt(t, call, n, env)
					writes, leftover := before.wantSound(t, change.writes)
					if done {
						if writes != change.writes || leftover {
							t.Errorf("the process that was not killed made %d of %d writes, leftover %v", writes, change.writes, leftover)
						}
						continue
					}
					killedAt[name]++
					kills++
					if writes > 0 {
						written++
					}
					if leftover {
						leftovers++
					}
					if want, exact := writesBefore(name, n); exact && writes != want {
						t.Errorf("killed at %s %d: %d writes were made, want %d", name, n, writes, want)
					}
				}
			}
			for _, call := range []string{"openat", "flock", "write", "fsync", "close", "unlinkat", "ftruncate"} {
				if killedAt[call] == 0 {
					t.Errorf("none was killed at %s, only at %v", call, killedAt)
				}
			}
			writes := int(change.writes) // each write syncs the temporary file and the folder, and renames once
			if killedAt["fsync"] != 2*writes || killedAt["rename"] != writes || killedAt["flock"] != writes || written == 0 || leftovers == 0 {
				t.Errorf("want %d writes, and the kills were at %v, %d after a write, %d leftovers", writes, killedAt, written, leftovers)
			}
			t.Logf("%d processes killed, %d of them after a write, %d with a temporary file; at %v", kills, written, leftovers, killedAt)
		})
	}
}

// A writer was killed in its write, and the next writer is killed at each of its system calls. The
// mark of the unfinished write is never lost: the next Load writes the ring again, and no temporary
// file stays.
func TestRingKilledTwice(t *testing.T) {
	if !long {
		t.Skip("takes ten seconds: set SEALJWT_LONG=1")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	s := newStore(t)
	createRing(t, s, hasty())
	before := picture(t, s.path)
	env := environment("revoke once", s.path, ringKeyID, before.active.ID)
	kills := 0
	for _, call := range []string{"flock", "ftruncate", "pwrite64", "write", "fsync", "?rename", "renameat", "unlinkat", "close"} {
		for n, done := 1, false; !done; n++ {
			before.restore(t)
			must(t, os.WriteFile(s.path+".tmp", []byte("half a ri"), 0o600))
			must(t, os.WriteFile(s.lockPath(), []byte("4194304\n"), 0o600)) // a pid is never longer
			if done = killAt(t, call, n, env); !done {
				kills++
			}
			// Load must finish the write, however far the writer came.
			_, err := os.Lstat(s.path + ".tmp")
			if lock, lockErr := os.ReadFile(s.lockPath()); len(lock) == 0 && err == nil || lockErr != nil {
				t.Errorf("killed at %s %d: there is a temporary file, and the lock does not say so (%v)", call, n, lockErr)
			}
			before.wantSound(t, 1)
		}
	}
	t.Logf("%d processes killed", kills)
}

// callName returns the name of a system call without what differs between machines.
func callName(call string) string {
	call = strings.TrimPrefix(call, "?")
	if strings.HasPrefix(call, "rename") {
		return "rename"
	}
	return call
}

// writesBefore returns how many writes a process has made when it enters its nth call of a kind. It
// is exact for the calls that each write makes equally often.
func writesBefore(call string, n int) (writes uint64, exact bool) {
	switch call {
	case "rename", "flock":
		return uint64(n - 1), true
	case "fsync":
		return uint64(n / 2), true // the second one comes after the rename
	}
	return 0, false
}

// killAt runs this binary and kills it when it enters its nth system call of a kind. It reports
// done if the process ended without so many calls.
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
