//go:build unix

package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The test binary runs itself as a service that starts: with startPath set it waits until
// its standard input ends, opens or creates the ring in that folder, and prints the kid
// that it signs with.
const startPath = "FILESTORE_TEST_START"

func start(folder string) error {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	ring, err := OpenOrCreate(context.Background(), filepath.Join(folder, "ring"), filepath.Join(folder, "kek"))
	if err != nil {
		return err
	}
	set, err := ring.PrivateKeys(context.Background())
	if err != nil {
		return err
	}
	key, err := set.SigningKey()
	if err != nil {
		return err
	}
	fmt.Println(key.ID())
	return nil
}

// starter is a process that has been started and waits at its gate.
type starter struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// newStarters starts n processes that open or create the ring in a folder.
func newStarters(t *testing.T, folder string, n int) (all []*starter, open func()) {
	t.Helper()
	return newGated(t, n, func(int) []string { return []string{startPath + "=" + folder} })
}

// newGated starts n processes, each with its variables. All of them wait for open before they look
// at a file.
func newGated(t *testing.T, n int, variables func(i int) []string) (all []*starter, open func()) {
	t.Helper()
	gate, opener, err := os.Pipe()
	must(t, err)
	defer gate.Close()
	for i := range n {
		s := &starter{cmd: exec.Command(os.Args[0])}
		s.cmd.Env = append(os.Environ(), variables(i)...)
		s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = gate, &s.stdout, &s.stderr
		must(t, s.cmd.Start())
		all = append(all, s)
	}
	return all, func() { opener.Close() }
}

// Three processes of a service start at once on an empty folder. None fails, and all sign with the
// same key.
func TestProcessesStart(t *testing.T) {
	rounds := 5
	if long {
		rounds = 100
	}
	failures := 0
	for range rounds {
		folder := filepath.Join(t.TempDir(), "new")
		all, open := newStarters(t, folder, 3)
		open()
		kids := map[string]bool{}
		for _, s := range all {
			if err := s.cmd.Wait(); err != nil {
				failures++
				t.Errorf("a process failed to start: %v: %s", err, &s.stderr)
				continue
			}
			kids[strings.TrimSpace(s.stdout.String())] = true
		}
		if len(kids) > 1 {
			t.Errorf("the processes sign with %d keys", len(kids))
		}
		wantFiles(t, folder, "kek", "kek.seen", "kek.seen.lock", "ring", "ring.lock")
	}
	t.Logf("%d failures in %d starts of 3 processes", failures, rounds)
}

// Processes that start are killed at any moment, also between the KEK and the ring. The next start
// succeeds, and the one after it finds the same ring.
func TestKilledStarts(t *testing.T) {
	rounds := 5
	if long {
		rounds = 200
	}
	states := map[string]int{}
	usual := 40 * time.Millisecond // how long a start takes
	for range rounds {
		folder := t.TempDir()
		all, open := newStarters(t, folder, 2)
		open()
		time.Sleep(rand.N(2 * usual))
		for _, s := range all {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
		states[left(t, folder)]++
		var kids []string
		for range 2 {
			next, open := newStarters(t, folder, 1)
			open()
			began := time.Now()
			if err := next[0].cmd.Wait(); err != nil {
				t.Fatalf("after a kill that left %s: %v: %s", left(t, folder), err, &next[0].stderr)
			}
			kids = append(kids, next[0].stdout.String())
			usual = (3*usual + time.Since(began)) / 4
		}
		if kids[0] != kids[1] {
			t.Errorf("two starts sign with %q", kids)
		}
	}
	t.Logf("the kills left %v", states)
}

// left tells which of the two files a folder has.
func left(t *testing.T, folder string) string {
	t.Helper()
	var names []string
	for _, name := range []string{"kek", "ring"} {
		switch _, err := os.Stat(filepath.Join(folder, name)); {
		case err == nil:
			names = append(names, name)
		case !errors.Is(err, os.ErrNotExist):
			t.Error(err)
		}
	}
	return strings.Join(names, " and ")
}
