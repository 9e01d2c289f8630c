//go:build unix

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// The test binary runs itself as a process that remembers a ring: with seenPath set it waits
// until its standard input ends, saves one generation after the other in that memory, and prints
// each that was saved.
const (
	seenPath  = "FILESTORE_TEST_SEEN"
	seenPlace = "FILESTORE_TEST_PLACE" // of the ring
	seenRing  = "FILESTORE_TEST_IDENTITY"

	seenGenerations = 8
)

func seenCheckpoint(generation uint64, ring string) keyring.Checkpoint {
	return keyring.Checkpoint{Generation: generation, Nonce: fmt.Sprint("nonce", generation), Ring: ring}
}

func saveGenerations(path string) error {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	m := NewMemory(os.Getenv(seenPlace), path)
	for g := range uint64(seenGenerations) {
		err := patiently(func() error { return m.Save(context.Background(), seenCheckpoint(g+1, os.Getenv(seenRing))) })
		if err != nil {
			return err
		}
		fmt.Println(g + 1)
	}
	return nil
}

// Processes save at once. No checkpoint is lost, and no process sets another one back. Half of them
// are killed while they save.
func TestMemoryOfManyProcesses(t *testing.T) {
	const n = 8
	rounds := 2
	if long {
		rounds = 50
	}
	place := func(i int) string { return fmt.Sprintf("mem://%d", i) }
	ring := func(i int) string { return fmt.Sprint("ring", i/4) } // each ring is in four places
	kills, usual := 0, time.Second                                // how long a process takes
	for range rounds {
		path := filepath.Join(t.TempDir(), "kek.seen")
		all, open := newGated(t, n, func(i int) []string {
			return []string{seenPath + "=" + path, seenPlace + "=" + place(i), seenRing + "=" + ring(i)}
		})
		open()
		began := time.Now()
		for i, p := range all {
			if i%2 == 1 {
				timer := time.AfterFunc(rand.N(usual), func() { p.cmd.Process.Kill() })
				defer timer.Stop()
			}
		}
		saved := make([]uint64, n) // the last generation that each process acknowledged
		newest := map[string]uint64{}
		for i, p := range all {
			err := p.cmd.Wait()
			if killed := err != nil && p.cmd.ProcessState.ExitCode() == -1; killed {
				kills++
			} else if err != nil {
				t.Fatalf("a process failed: %v: %s", err, &p.stderr)
			}
			for line := range strings.Lines(p.stdout.String()) {
				_, err := fmt.Sscan(line, &saved[i])
				must(t, err)
			}
			newest[ring(i)] = max(newest[ring(i)], saved[i])
		}
		usual = time.Since(began)
		for i := range n {
			m := NewMemory(place(i), path)
			here, rings, err := m.Load(t.Context())
			if known := here.Ring == ring(i); err != nil || !known && saved[i] > 0 || known && here != seenCheckpoint(newest[ring(i)], ring(i)) || len(rings) != n/4 {
				t.Errorf("place %d: %v, %d rings, %v; want generation %d of %s, and %d was saved here", i, here, len(rings), err, newest[ring(i)], ring(i), saved[i])
			}
			must(t, m.Save(t.Context(), seenCheckpoint(2, ring(i)))) // a late process may write this
			if here, _, err := m.Load(t.Context()); err != nil || here != seenCheckpoint(seenGenerations, ring(i)) {
				t.Errorf("place %d was set back to %v (%v)", i, here, err)
			}
			if err := m.Save(t.Context(), seenCheckpoint(9, "another")); !errors.Is(err, keyring.ErrRollback) {
				t.Errorf("another ring at a known place: %v, want ErrRollback", err)
			}
		}
		wantFiles(t, filepath.Dir(path), "kek.seen", "kek.seen.lock")
	}
	t.Logf("%d rounds of %d processes, %d of them killed", rounds, n, kills)
}
