//go:build unix

package filestore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// ringChange is a change of the active signing key.
type ringChange struct {
	name      string
	role      string // of a process that makes the change
	successor bool   // the ring has a staged successor
	writes    uint64 // exactly so many writes make the change
	do        func(context.Context, *keyring.Ring) error
}

var ringChanges = []ringChange{
	{"rotate", "rotate once", true, 1, rotateQuietly},
	{"rotate without a successor", "rotate once", false, 2, rotateQuietly}, // the first write stages one
	{"revoke", "revoke once", true, 1, revokeActive},
}

func rotateQuietly(ctx context.Context, ring *keyring.Ring) error {
	return rotateOnce(ctx, ring, io.Discard)
}

func revokeActive(ctx context.Context, ring *keyring.Ring) error {
	infos, err := ring.Keys(ctx)
	if err != nil {
		return err
	}
	_, err = ring.Revoke(ctx, keyring.Revocation{KeyID: activeOf(infos, keys.UseSig).ID, Reason: "compromised"})
	return err
}

// create makes a ring in which the change takes c.writes writes.
func (c ringChange) create(t *testing.T, s *Store) *keyring.Ring {
	t.Helper()
	ring := createRing(t, s, hasty())
	if !c.successor {
		must(t, rotateQuietly(t.Context(), ring)) // the successor is active now
	}
	infos, err := ring.Keys(t.Context())
	must(t, err)
	staged := slices.ContainsFunc(infos, func(k keyring.KeyInfo) bool { return k.Use == keys.UseSig && k.State == keyring.Staged })
	if staged != c.successor {
		t.Fatalf("the ring has a successor: %v, want %v", staged, c.successor)
	}
	return ring
}

func activeOf(infos []keyring.KeyInfo, u keys.Use) keyring.KeyInfo {
	for _, k := range infos {
		if k.Use == u && k.State == keyring.Active {
			return k
		}
	}
	return keyring.KeyInfo{}
}

// Each step of a write fails once, in a rotation and in a revocation. The ring stays as it was, to
// the byte. The error names the step and says that nothing has changed, so that no operator
// believes that the key is revoked. The next try succeeds.
func TestRingStepFails(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  func(*fsOps)
		err  error
		want string
	}{
		{"disk full", func(o *fsOps) {
			o.write = func(f *os.File, p []byte) (int, error) {
				n, _ := f.Write(p[:len(p)/2])
				return n, syscall.ENOSPC
			}
		}, syscall.ENOSPC, "write the temporary file: no space left on device (make room and try again)"},
		{"sync", func(o *fsOps) { o.sync = func(*os.File) error { return syscall.EIO } },
			syscall.EIO, "sync the temporary file: input/output error (check the disk)"},
		{"close", func(o *fsOps) { o.close = func(f *os.File) error { f.Close(); return syscall.EIO } },
			syscall.EIO, "close the temporary file: input/output error (check the disk)"},
		{"rename", func(o *fsOps) { o.rename = func(string, string) error { return syscall.EROFS } },
			syscall.EROFS, "rename the temporary file: read-only file system (mount it writable"},
	} {
		for _, change := range ringChanges {
			t.Run(c.name+"/"+change.name, func(t *testing.T) {
				s := newStore(t)
				ring := change.create(t, s)
				before := picture(t, s.path)
				c.ops(&s.ops)
				err := change.do(t.Context(), ring)
				wantFailure(t, err, c.err, []string{c.want, "nothing was changed"})
				if errors.Is(err, keyring.ErrUnknownOutcome) {
					t.Errorf("%v: but it is known", err)
				}
				before.wantSame(t)
				wantFiles(t, dirOf(s), "ring", "ring.lock")

				s.ops = osOps
				must(t, change.do(t.Context(), ring))
				before.wantChanged(t, change.writes)
			})
		}
	}
}

// The store makes the write and answers with an error. The ring recognizes its write by the nonce,
// and no process repeats it.
func TestRingSettlesUnknownOutcome(t *testing.T) {
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			ring := change.create(t, s)
			before := picture(t, s.path)
			s.ops.rename = func(a, b string) error {
				s.ops.rename = osOps.rename
				os.Rename(a, b)
				return syscall.EIO
			}
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			must(t, change.do(ctx, ring))
			before.wantChanged(t, change.writes)
			wantFiles(t, dirOf(s), "ring", "ring.lock")
		})
	}
}

// The sync of the folder fails once. A later sync that succeeds proves nothing, so the change is
// not done. This process uses the new ring all the same. The next process that asks writes the ring
// again before it answers.
func TestRingFailedSyncIsNotDone(t *testing.T) {
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			ring := change.create(t, s)
			before := ring.Checkpoint().Generation
			s.ops.syncDir = func(*os.File) error { s.ops.syncDir = osOps.syncDir; return syscall.EIO }
			err := change.do(t.Context(), ring)
			for _, want := range []error{keyring.ErrUnknownOutcome, keyring.ErrNotDurable, syscall.EIO} {
				if !errors.Is(err, want) {
					t.Errorf("unsynced, and the answer is %v, want %v", err, want)
				}
			}
			if g := ring.Checkpoint().Generation; g != before+1 {
				t.Errorf("this process goes by generation %d, want %d", g, before+1)
			}
		})
	}
}

// A second try finds that the key is revoked. Its error must not say so while the revocation may be
// lost.
func TestRevokedAlreadyIsDurable(t *testing.T) {
	s := newStore(t)
	ring := createRing(t, s, keyring.Policy{})
	infos, err := ring.Keys(t.Context())
	must(t, err)
	v := keyring.Revocation{KeyID: activeOf(infos, keys.UseSig).ID}
	s.ops.syncDir = func(*os.File) error { return syscall.EIO }
	if _, err := ring.Revoke(t.Context(), v); !errors.Is(err, keyring.ErrUnknownOutcome) {
		t.Fatalf("%v, want ErrUnknownOutcome", err)
	}
	other := New(s.path) // another process on the same disk
	other.ops.syncDir = s.ops.syncDir
	again := func() error {
		ring, err := keyring.Open(t.Context(), keyring.Config{Store: other, KEK: testKEK()})
		if err == nil {
			_, err = ring.Revoke(t.Context(), v)
		}
		return err
	}
	if err := again(); !errors.Is(err, syscall.EIO) || errors.Is(err, keyring.ErrState) {
		t.Errorf("the disk fails, and the answer is %v", err)
	}
	other.ops = osOps
	if err := again(); !errors.Is(err, keyring.ErrState) {
		t.Errorf("%v, want ErrState", err)
	}
}

// While the folder cannot be synced, no call says that a key is revoked: a power cut could undo the
// revocation.
func TestRingUnsyncedIsNotDone(t *testing.T) {
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			ring := change.create(t, s)
			s.ops.syncDir = func(*os.File) error { return syscall.EIO }
			if err := change.do(t.Context(), ring); !errors.Is(err, keyring.ErrUnknownOutcome) {
				t.Errorf("unsynced, and the answer is %v", err)
			}
		})
	}
}

// A process whose files have a size limit meets the same error as on a full disk. This test needs
// no root.
func TestRingFileSizeLimit(t *testing.T) {
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			ring := change.create(t, s)
			before := picture(t, s.path)
			// The process can write nothing, a part of the new ring, or as many bytes as the old
			// ring has.
			for _, limit := range []int{0, 100, len(before.doc)} {
				_, err := once(t, change.role, s.path, ringLimit, strconv.Itoa(limit), ringKeyID, before.active.ID)
				wantFailure(t, err, nil, []string{"write the temporary file", "file too large", "nothing was changed"})
				before.wantSame(t)
				wantFiles(t, dirOf(s), "ring", "ring.lock")
			}
			must(t, change.do(t.Context(), ring))
			before.wantChanged(t, change.writes)
		})
	}
}

// Root can write everywhere, so the process becomes another user.
func TestRingReadOnlyFolder(t *testing.T) {
	const otherUser = 65534
	for _, change := range ringChanges {
		t.Run(change.name, func(t *testing.T) {
			s := newStore(t)
			ring := change.create(t, s)
			before := picture(t, s.path)
			if os.Geteuid() == 0 {
				must(t, os.Chmod(filepath.Dir(dirOf(s)), 0o711))
				for _, name := range []string{dirOf(s), s.path, s.lockPath()} {
					must(t, os.Chown(name, otherUser, otherUser))
				}
			}
			must(t, os.Chmod(dirOf(s), 0o500))
			defer os.Chmod(dirOf(s), 0o700)
			_, err := once(t, change.role, s.path, ringUser, strconv.Itoa(otherUser), ringKeyID, before.active.ID)
			wantFailure(t, err, nil, []string{"create the temporary file", "permission denied (let the user", "nothing was changed"})
			if os.Geteuid() == 0 {
				for _, name := range []string{dirOf(s), s.path, s.lockPath()} {
					must(t, os.Chown(name, 0, 0))
				}
			}
			before.wantSame(t)
			must(t, os.Chmod(dirOf(s), 0o700))
			wantFiles(t, dirOf(s), "ring", "ring.lock")
			must(t, change.do(t.Context(), ring))
			before.wantChanged(t, change.writes)
		})
	}
}

// ringPicture records the bytes of a ring and their contents.
type ringPicture struct {
	path       string
	doc        []byte
	checkpoint keyring.Checkpoint
	active     keyring.KeyInfo // the active signing key
}

func picture(t *testing.T, path string) ringPicture {
	t.Helper()
	doc, err := os.ReadFile(path)
	must(t, err)
	ring := openRing(t, path)
	infos, err := ring.Keys(t.Context())
	must(t, err)
	return ringPicture{path, doc, ring.Checkpoint(), activeOf(infos, keys.UseSig)}
}

// wantSame fails unless the ring is the same, to the byte, and its key still signs.
func (p ringPicture) wantSame(t *testing.T) {
	t.Helper()
	now := picture(t, p.path)
	if !bytes.Equal(now.doc, p.doc) || now.checkpoint != p.checkpoint || now.active.ID != p.active.ID || !now.active.HasPrivate {
		t.Errorf("the ring was at %v with %s active, and is at %v with %s", p.checkpoint, p.active.ID, now.checkpoint, now.active.ID)
	}
}

// wantChanged fails unless the ring had exactly this many writes and has another active key.
func (p ringPicture) wantChanged(t *testing.T, writes uint64) {
	t.Helper()
	now := picture(t, p.path)
	if now.checkpoint.Generation != p.checkpoint.Generation+writes || now.active.ID == p.active.ID || !now.active.HasPrivate {
		t.Errorf("the ring was at %v with %s active, and is at %v with %s; want %d generations more and another key",
			p.checkpoint, p.active.ID, now.checkpoint, now.active.ID, writes)
	}
}

// wantSound fails unless the ring is whole and has at most most new generations, of which only the
// last one has another active key. It returns their number. A killed process leaves at most one
// temporary file, and no key in the clear.
func (p ringPicture) wantSound(t *testing.T, most uint64) (writes uint64, leftover bool) {
	t.Helper()
	// Only before the first Load: that finishes the write and removes the temporary file.
	leftover = wantRingFiles(t, p.path)
	if leftover {
		doc, err := os.ReadFile(p.path + ".tmp")
		must(t, err)
		for _, clear := range []string{`"d"`, `"kty"`, `"keys"`, p.active.ID} {
			if strings.Contains(string(doc), clear) {
				t.Errorf("the temporary file holds %s in the clear", clear)
			}
		}
	}
	w := &witness{t: t, kids: map[string]keyring.KeyInfo{}}
	ring := openRing(t, p.path)
	w.look(ring)
	w.checkLog(ring)
	wantFiles(t, filepath.Dir(p.path), "ring", "ring.lock")
	now := picture(t, p.path)
	writes = now.checkpoint.Generation - p.checkpoint.Generation
	if writes > most || writes == 0 && now.checkpoint != p.checkpoint {
		t.Errorf("the ring was at %v and is at %v, want %d generations more at most", p.checkpoint, now.checkpoint, most)
	}
	if changed := now.active.ID != p.active.ID; changed != (writes == most) || !now.active.HasPrivate {
		t.Errorf("after %d of %d writes the active key is another: %v", writes, most, changed)
	}
	return writes, leftover
}

// restore puts the ring back as it was.
func (p ringPicture) restore(t *testing.T) {
	t.Helper()
	must(t, os.WriteFile(p.path, p.doc, 0o600))
}
