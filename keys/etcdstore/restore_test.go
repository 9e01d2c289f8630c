package etcdstore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// snapshot saves a snapshot of the cluster as etcdctl does, and returns its path.
func snapshot(t *testing.T, client *clientv3.Client) string {
	t.Helper()
	r, err := client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := filepath.Join(t.TempDir(), "snapshot")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// restore stops all servers and starts them from a snapshot, in new folders.
func (c *cluster) restore(t *testing.T, snapshot string, flags ...string) {
	t.Helper()
	for _, n := range c.nodes {
		n.kill()
	}
	for _, n := range c.nodes {
		dir := filepath.Join(t.TempDir(), "data")
		args := []string{"restore", snapshot, "--data-dir", dir}
		for _, name := range []string{"--name", "--initial-advertise-peer-urls", "--initial-cluster"} {
			args = append(args, name, n.args[slices.Index(n.args, name)+1])
		}
		if out, err := exec.Command(n.args[0], append(args, flags...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		n.args[slices.Index(n.args, "--data-dir")+1] = dir
		n.start(t)
	}
	c.leader(t)
}

// A restored snapshot takes the ring and the revisions back. A ring that has seen a newer
// generation refuses it. A version from before the restore matches no other document, and a watch
// ends.
func TestRestore(t *testing.T) {
	beside(t)
	for name, flags := range map[string][]string{
		"as it was": nil,
		"bumped":    {"--bump-revision", "1000000000", "--mark-compacted"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			s := newStore(t, newClient(t, c.clients...), "/idp/ring")
			kek, err := keyring.NewKEK([]byte("0123456789abcdefghijklmnopqrstuv"))
			if err != nil {
				t.Fatal(err)
			}
			cfg := keyring.Config{Store: s, KEK: kek}
			if _, err := keyring.Create(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			backup := snapshot(t, newClient(t, c.clients...))

			seen := filepath.Join(t.TempDir(), "seen")
			remembering := cfg
			remembering.Memory = filestore.NewMemory("etcd:/idp/ring", seen)
			ring, err := keyring.Open(t.Context(), remembering)
			if err != nil {
				t.Fatal(err)
			}
			kid := signing(t, ring)
			if _, err := ring.Revoke(t.Context(), keyring.Revocation{KeyID: kid}); err != nil {
				t.Fatal(err)
			}
			doc, before, err := s.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w := watch(t, s)
			w.waitLife(t, time.Time{})

			c.restore(t, backup, flags...)
			t.Logf("the watch ended with %v", w.waitEnd(t, 30*time.Second))
			if _, err := ring.Keys(t.Context()); !errors.Is(err, keyring.ErrRollback) {
				t.Errorf("a ring that runs: %v", err)
			}
			remembering.Memory = filestore.NewMemory("etcd:/idp/ring", seen)
			if _, err := keyring.Open(t.Context(), remembering); !errors.Is(err, keyring.ErrRollback) {
				t.Errorf("a ring that starts: %v", err)
			}
			forgetful, err := keyring.Open(t.Context(), cfg) // as the documentation says
			if err != nil || signing(t, forgetful) != kid {
				t.Errorf("a ring that starts without a memory: %v", err)
			}

			// The revision occurs a second time.
			for range 5 {
				put(t, s, "another document")
				if _, err := s.Swap(t.Context(), before, doc); !errors.Is(err, keyring.ErrConflict) {
					t.Errorf("a swap from a version of before the restore: %v", err)
				}
			}
			again := watch(t, s)
			again.waitLife(t, time.Time{})
		})
	}
}

func signing(t *testing.T, ring *keyring.Ring) string {
	t.Helper()
	all, err := ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.Use == keys.UseSig && k.State == keyring.Active {
			return k.ID
		}
	}
	t.Fatal("no key signs")
	return ""
}

// TestNoMajority stops two of three servers. The store answers with errors, and no ring is made
// or replaced.
func TestNoMajority(t *testing.T) {
	beside(t)
	c := newCluster(t)
	s := newStore(t, newClient(t, c.clients...), "/ring")
	put(t, s, "a ring")
	_, version, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range c.nodes[1:] {
		n.kill()
	}
	for _, limit := range []time.Duration{time.Second, 10 * time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		start := time.Now()
		_, _, loaded := s.Load(ctx)
		_, swapped := s.Swap(ctx, version, []byte("new"))
		cancel()
		took := time.Since(start)
		if loaded == nil || errors.Is(loaded, keyring.ErrNoRing) || swapped == nil || errors.Is(swapped, keyring.ErrConflict) || took > limit+time.Second {
			t.Errorf("Load: %v; Swap: %v; after %v", loaded, swapped, took)
		}
		t.Logf("after %v Load: %v; Swap: %v", took.Round(time.Millisecond), loaded, swapped)
	}
	for _, n := range c.nodes[1:] {
		n.start(t)
	}
	c.leader(t)
	put(t, s, "newer")
}
