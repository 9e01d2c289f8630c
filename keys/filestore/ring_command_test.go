//go:build unix

package filestore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// roundsVariable sets the rounds of a long test, for a proof that takes hours.
const roundsVariable = "SEALJWT_ROUNDS"

func roundsOr(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv(roundsVariable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// commandRing is a ring on which processes of the command work.
type commandRing struct {
	t                  *testing.T
	command, ring, kek string
	usual              time.Duration // how long a process takes
}

func newCommandRing(t *testing.T) *commandRing {
	t.Helper()
	dir := t.TempDir()
	c := &commandRing{t: t, command: filepath.Join(dir, "sealjwt"), ring: newStore(t).path, kek: filepath.Join(dir, "etc", "kek"), usual: time.Second}
	must(t, command("go", "build", "-o", c.command, "github.com/sealjwt/sealjwt/cmd/sealjwt"))
	must(t, os.Mkdir(filepath.Dir(c.kek), 0o700))
	must(t, os.WriteFile(c.kek, bytes.Repeat([]byte{7}, 32), 0o600)) // the bytes of testKEK
	return c
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// rotated is a process that was told to rotate the ring.
type rotated struct {
	stdout, stderr bytes.Buffer
	killed, slow   bool
	err            error
	took           time.Duration
}

// rotate starts n processes at once, and returns when all have ended. With kill each is killed at a
// random moment. Without it each is killed after a minute: on a slow machine a step is always due,
// and the process would never end.
func (c *commandRing) rotate(n int, kill bool) []*rotated {
	c.t.Helper()
	var all []*rotated
	var wg sync.WaitGroup
	for range n {
		p, delay := new(rotated), time.Minute
		if kill {
			delay = rand.N(c.usual)
		}
		all = append(all, p)
		cmd := exec.Command(c.command, "--ring", c.ring, "--kek-file", c.kek, "keys", "rotate", "-o", "json")
		cmd.Env, cmd.Stdout, cmd.Stderr = []string{"HOME=" + filepath.Dir(c.kek)}, &p.stdout, &p.stderr
		began := time.Now()
		must(c.t, cmd.Start())
		timer := time.AfterFunc(delay, func() { cmd.Process.Kill() })
		wg.Go(func() {
			p.err = cmd.Wait()
			timer.Stop()
			p.took = time.Since(began)
			status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
			p.killed = status.Signaled()
			// The machine is slow, as in isSlow, or the outcome of a write is unknown: the write
			// may have happened.
			p.slow = status.ExitStatus() == 1 && (strings.Contains(p.stderr.String(), "has not answered for ") ||
				strings.Contains(p.stderr.String(), "locked by another writer"))
		})
	}
	wg.Wait()
	return all
}

// steps returns the steps that the process acknowledged. A process prints them when it ends.
func (p *rotated) steps(t *testing.T) []keyring.Step {
	t.Helper()
	if p.err != nil && !p.killed && !p.slow {
		t.Errorf("keys rotate ended by itself: %v: %s", p.err, &p.stderr)
		return nil
	}
	var result struct{ Did []keyring.Step }
	if err := json.Unmarshal(p.stdout.Bytes(), &result); err != nil && !p.killed && !p.slow {
		t.Errorf("keys rotate printed %q: %v", &p.stdout, err)
	}
	return result.Did
}

// Eight processes of the command rotate one ring at once, round after round. Each is killed at a
// random moment. In every tenth round none is killed, and the ring advances by exactly the
// acknowledged steps.
func TestRingCommandKilled(t *testing.T) {
	if !long {
		t.Skip("builds the command: set SEALJWT_LONG=1")
	}
	const rotators, factor = 8, 4
	rounds := roundsOr(t, 25)
	c := newCommandRing(t)
	ring := createRing(t, New(c.ring), brisk(factor))
	began := time.Now()
	w := &witness{t: t, kids: map[string]keyring.KeyInfo{}}
	w.look(ring)
	kills, ended, slow, leftovers, exact := 0, 0, 0, 0, 0
	var acks []string
	var seen keyring.Checkpoint // the memory beside the key file has it
	for round := 0; round < rounds && !t.Failed(); round++ {
		kill, before := round%10 != 0, ring.Checkpoint()
		all := c.rotate(rotators, kill)
		if wantRingFiles(t, c.ring) {
			leftovers++
		}
		w.look(ring)
		now, acknowledged, killed, late := ring.Checkpoint(), 0, 0, 0
		for _, p := range all {
			for _, step := range p.steps(t) {
				acks = append(acks, acknowledgement(step, now))
				acknowledged++
			}
			switch {
			case p.killed:
				killed++
				continue
			case p.slow:
				late++
				continue
			}
			ended++
			if !kill { // processes that outran a kill were quick
				c.usual = (7*c.usual + p.took) / 8
			}
		}
		kills, slow = kills+killed, slow+late
		whole := killed+late == 0 // every process printed its steps
		moved := int(now.Generation - before.Generation)
		if moved < acknowledged || whole && moved != acknowledged {
			t.Errorf("round %d: the ring went from %v to %v, and %d steps were acknowledged by %d processes, of which %d were killed",
				round, before, now, acknowledged, rotators, killed)
		}
		here, _, err := NewMemory(c.ring, c.kek+".seen").Load(t.Context())
		if err != nil || here.Generation < seen.Generation || here.Generation > now.Generation || whole && moved > 0 && here != now {
			t.Errorf("round %d: the memory went from %v to %v (%v), and the ring is at %v", round, seen, here, err, now)
		}
		seen = here
		if whole {
			exact++
		}
		wantFiles(t, filepath.Dir(c.ring), "ring", "ring.lock")
		wantFiles(t, filepath.Dir(c.kek), "kek", "kek.seen", "kek.seen.lock")
	}
	lasted := time.Since(began)
	ring = openRing(t, c.ring)
	w.look(ring)
	w.checkAcks(acks, ring)
	w.checkLog(ring)
	w.checkHistory(New(c.ring))
	rotations := w.checkWindows(brisk(factor))
	for use, n := range rotations {
		if most := int(lasted/(380*factor*time.Millisecond)) + 1; n > most {
			t.Errorf("%d rotations of use %s in %v, want %d at most", n, use, lasted, most)
		}
	}
	t.Logf("%d rounds of %d processes in %v: %d killed, %d ended by themselves, %d were too slow, %d rounds exact; generation %d, %d steps acknowledged, "+
		"rotations %v, %d keys; %d rounds left a temporary file", rounds, rotators, lasted.Round(time.Second), kills, ended, slow, exact,
		ring.Checkpoint().Generation, len(acks), rotations, len(w.kids), leftovers)
}
