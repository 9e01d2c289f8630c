package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
)

// writesOf returns how many of its writes a move has made.
func writesOf(t *testing.T, from, to string) (n int) {
	t.Helper()
	for _, path := range []string{from, to} {
		doc, _, err := filestore.New(path).Load(t.Context())
		switch {
		case errors.Is(err, keyring.ErrNoRing):
		case err != nil:
			t.Fatal(err)
		case path == to && ringmove.Check(doc) == nil:
			n += 2
		case path == to, ringmove.Check(doc) != nil:
			n++
		}
	}
	return n
}

// isLive reports whether a ring in a file can be used.
func isLive(t *testing.T, path string, kek keyring.KEK) bool {
	t.Helper()
	_, err := keyring.Open(t.Context(), keyring.Config{Store: filestore.New(path), KEK: kek})
	if err != nil && !errors.Is(err, ringmove.ErrMoved) && !errors.Is(err, keyring.ErrNoRing) {
		t.Error(err)
	}
	return err == nil
}

// killAt kills a process at a moment or as soon as it has come far enough, unless it ends before
// that. It returns the exit code, which is -1 for a process that was killed.
func killAt(p *started, ended <-chan int, moment <-chan time.Time, isFar func() bool) int {
	for !isFar() {
		select {
		case code := <-ended:
			return code
		case <-moment:
			p.cmd.Process.Kill()
			return <-ended
		default:
			runtime.Gosched()
		}
	}
	p.cmd.Process.Kill()
	return <-ended
}

// The system kills the process that copies a ring: after its first, its second or its third write,
// or at any other moment. At most one ring lives then. The same command ends the move, and the
// ring lives at its new place only.
func TestCopyKilled(t *testing.T) {
	needsRing(t)
	rounds := 24
	if os.Getenv("SEALJWT_LONG") != "" {
		rounds = 400
	}
	home := t.TempDir()
	place := func(n int) string { return filepath.Join(home, fmt.Sprint(n), "ring") }
	if p := startOf(t, home, "", "keys", "init", "--ring", place(0)); p.end() != console.ExitDone {
		t.Fatal(&p.stderr)
	}
	ring, err := os.ReadFile(place(0))
	if err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.KEKFile(filepath.Join(home, ".config/sealjwt/kek"))
	if err != nil {
		t.Fatal(err)
	}
	stopped, whole := make(map[int]int), time.Second
	for n := range rounds {
		from, to := place(n), place(n+1)
		args := []string{"keys", "copy", "--from", from, "--to", to}
		began := time.Now()
		p := startOf(t, home, "", args...)
		ended := make(chan int, 1)
		go func() { ended <- p.end() }()
		var moment <-chan time.Time // nil never comes
		if n%4 == 0 {
			moment = time.After(rand.N(whole))
		}
		code := killAt(p, ended, moment, func() bool { return n%4 > 0 && writesOf(t, from, to) >= n%4 })
		if code == console.ExitDone {
			whole = time.Since(began)
		} else if code != -1 {
			t.Fatalf("exit code %d: %s", code, &p.stderr)
		} else {
			stopped[writesOf(t, from, to)]++
		}
		if isLive(t, from, kek) && isLive(t, to, kek) {
			t.Fatal("two rings live")
		}
		again := startOf(t, home, "", args...)
		if code := again.end(); code != console.ExitDone || strings.Contains(again.stderr.String(), "warning") {
			t.Fatalf("the same command: exit code %d: %s", code, &again.stderr)
		}
		if isLive(t, from, kek) || !isLive(t, to, kek) {
			t.Fatal("the ring does not live at its new place only")
		}
		if now, err := os.ReadFile(to); err != nil || string(now) != string(ring) {
			t.Fatalf("the ring is another one: %v", err)
		}
	}
	t.Logf("kills after so many writes: %v", stopped)
}
