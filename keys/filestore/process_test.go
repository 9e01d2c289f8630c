//go:build unix

package filestore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// The test binary runs itself as a writer: with writerPath set it appends
// writerCount ids to that ring, each with a swap of its own, and prints an id
// when it was acknowledged.
const (
	writerPath  = "FILESTORE_TEST_PATH"
	writerCount = "FILESTORE_TEST_COUNT"

	writers = 4
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		if err := write(path, os.Getenv(writerCount)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if folder := os.Getenv(startPath); folder != "" {
		if err := start(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(seenPath); path != "" {
		if err := saveGenerations(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func write(path, count string) error {
	var n int
	if _, err := fmt.Sscan(count, &n); err != nil {
		return err
	}
	s := New(path)
	for i := range n {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if err := appendID(s, id); err != nil {
			return fmt.Errorf("append %s: %w", id, err)
		}
		fmt.Println(id)
	}
	return nil
}

func appendID(s *Store, id string) error {
	for {
		doc, version, err := s.Load(context.Background())
		if err != nil && !errors.Is(err, keyring.ErrNoRing) {
			return err
		}
		_, err = s.Swap(context.Background(), version, append(doc, id+"\n"...))
		if !errors.Is(err, keyring.ErrConflict) && !isSlow(err) {
			return err
		}
	}
}

// fleet runs writer processes on one ring and collects what they acknowledge.
type fleet struct {
	t     *testing.T
	path  string
	count int // updates of each writer

	mu     sync.Mutex
	acks   []string
	killed map[*exec.Cmd]bool
	wg     sync.WaitGroup
}

func (f *fleet) start() *exec.Cmd {
	f.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerPath+"="+f.path, fmt.Sprintf("%s=%d", writerCount, f.count))
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	must(f.t, err)
	must(f.t, cmd.Start())
	f.wg.Go(func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			f.mu.Lock()
			f.acks = append(f.acks, lines.Text())
			f.mu.Unlock()
		}
		err := cmd.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if err != nil && !f.killed[cmd] {
			f.t.Errorf("a writer failed: %v: %s", err, stderr)
		}
	})
	return cmd
}

func (f *fleet) kill(cmd *exec.Cmd) {
	f.mu.Lock()
	f.killed[cmd] = true
	f.mu.Unlock()
	cmd.Process.Kill()
}

func (f *fleet) ackCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.acks)
}

// check compares the ring with the acknowledged ids. Each of them must be there, and no id twice. A
// writer may have been killed between its swap and its acknowledgement, so others allows ids
// without one.
func (f *fleet) check(others bool) {
	f.t.Helper()
	doc, _, err := New(f.path).Load(f.t.Context())
	must(f.t, err)
	seen := map[string]int{}
	for id := range strings.Lines(string(doc)) {
		seen[strings.TrimSpace(id)]++
	}
	for _, id := range f.acks {
		if seen[id] == 0 {
			f.t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	for id, n := range seen {
		if n > 1 {
			f.t.Errorf("%s is there %d times", id, n)
		}
	}
	if !others && len(seen) != len(f.acks) {
		f.t.Errorf("%d updates in the ring, %d acknowledged", len(seen), len(f.acks))
	}
}

func TestProcesses(t *testing.T) {
	f := &fleet{t: t, path: newStore(t).path, count: 50}
	for range writers {
		f.start()
	}
	f.wg.Wait()
	if len(f.acks) != writers*f.count {
		t.Errorf("%d updates were acknowledged, want %d", len(f.acks), writers*f.count)
	}
	f.check(false)
	wantFiles(t, filepath.Dir(f.path), "ring", "ring.lock")
}

// Writers are killed at random while a reader watches.
func TestKilledProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	// A hundred processes make no more updates than fit into a ring, however fast they are.
	f := &fleet{t: t, path: newStore(t).path, count: 1000, killed: map[*exec.Cmd]bool{}}
	cmds := map[*exec.Cmd]bool{}
	for range writers {
		cmds[f.start()] = true
	}
	for f.ackCount() == 0 { // the ring exists from now on
		time.Sleep(time.Millisecond)
	}

	ctx, stop := context.WithCancel(t.Context())
	var reader sync.WaitGroup
	reader.Go(func() { watch(ctx, t, f.path) })

	kills := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); kills++ {
		time.Sleep(time.Duration(20+rand.IntN(60)) * time.Millisecond)
		cmd := slices.Collect(maps.Keys(cmds))[rand.IntN(len(cmds))]
		f.kill(cmd)
		delete(cmds, cmd)
		cmds[f.start()] = true
	}
	for cmd := range cmds {
		f.kill(cmd)
	}
	f.wg.Wait()
	stop()
	reader.Wait()

	f.check(true)
	wantModes(t, filepath.Dir(f.path), map[string]fs.FileMode{"ring": 0o600, "ring.lock": 0o600})
	must(t, appendID(New(f.path), "last")) // a lock that was left behind would stop this
	wantFiles(t, filepath.Dir(f.path), "ring", "ring.lock")
	t.Logf("%d acknowledged updates, %d kills", len(f.acks), kills)
}

// watch loads the ring again and again. Each ring must begin with the ring before it: no load sees
// a torn file or an older ring. There is at most one temporary file.
func watch(ctx context.Context, t *testing.T, path string) {
	s := New(path)
	var last []byte
	for ctx.Err() == nil {
		doc, _, err := s.Load(context.Background())
		if err != nil {
			t.Errorf("Load while writers are killed: %v", err)
			return
		}
		if !bytes.HasPrefix(doc, last) || !bytes.HasSuffix(doc, []byte("\n")) {
			t.Errorf("a ring of %d bytes does not continue the one of %d bytes before it", len(doc), len(last))
			return
		}
		last = doc
		names, err := filepath.Glob(path + "*")
		if err != nil || len(names) > 3 {
			t.Errorf("files %q (%v), want ring, ring.lock and ring.tmp at most", names, err)
		}
	}
}
