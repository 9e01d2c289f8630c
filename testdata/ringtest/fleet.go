package ringtest

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Fleet is a number of processes that share rings.
type Fleet struct {
	t    testing.TB
	open Opener
	key  []byte
	wg   sync.WaitGroup
}

// NewFleet returns a fleet without processes, with a new KEK.
func NewFleet(t testing.TB, open Opener) *Fleet {
	f := &Fleet{t: t, open: open, key: make([]byte, 32)}
	rand.Read(f.key)
	t.Cleanup(f.wg.Wait)
	return f
}

// KEK returns the KEK of every ring of the fleet.
func (f *Fleet) KEK() keyring.KEK {
	f.t.Helper()
	kek, err := keyring.NewKEK(f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	return kek
}

// Create makes a ring at a place. It does so in this process.
func (f *Fleet) Create(place string, policy keyring.Policy) *keyring.Ring {
	f.t.Helper()
	store, err := f.open(place)
	if err != nil {
		f.t.Fatal(err)
	}
	ring, err := keyring.Create(f.t.Context(), keyring.Config{Store: store, KEK: f.KEK(), Policy: policy})
	if err != nil {
		f.t.Fatal(err)
	}
	return ring
}

// Process is a process of a fleet.
type Process struct {
	cmd      *exec.Cmd
	commands chan string
	finish   func()
	lines    chan line     // its output; closed when it has ended
	ended    chan struct{} // closed when it has ended
}

// line is a line of a process.
type line struct {
	word string // the first word
	rest string
}

// Options configures a process.
type Options struct {
	Memory string        // path of its memory; empty: it has none
	Name   string        // name of the ring in that memory, such as postgres:idp
	Seal   time.Duration // how often it seals a token; zero: never
}

// Start starts a process with the ring at a place.
func (f *Fleet) Start(place string, o Options) *Process {
	f.t.Helper()
	p := &Process{cmd: exec.Command(os.Args[0]), commands: make(chan string, 1000), lines: make(chan line, 1000), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), envPlace+"="+place, envKEK+"="+hex.EncodeToString(f.key), envMemory+"="+o.Memory, envName+"="+o.Name, envSeal+"=")
	if o.Seal > 0 {
		p.cmd.Env = append(p.cmd.Env, envSeal+"="+o.Seal.String())
	}
	p.cmd.Stderr = os.Stderr
	stdin, err1 := p.cmd.StdinPipe()
	stdout, err2 := p.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, p.cmd.Start()); err != nil {
		f.t.Fatal(err)
	}
	finished := make(chan struct{})
	p.finish = sync.OnceFunc(func() { close(finished) })
	f.wg.Go(func() {
		defer stdin.Close()
		for {
			select {
			case command := <-p.commands:
				io.WriteString(stdin, command)
			case <-finished:
				return
			case <-p.ended:
				return
			}
		}
	})
	f.wg.Go(func() {
		defer close(p.ended)
		defer close(p.lines)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			p.lines <- line{word, rest}
		}
		p.cmd.Wait()
	})
	f.t.Cleanup(func() {
		p.Kill()
		for range p.lines { // the lines that it had printed
		}
	})
	return p
}

// Kill ends the process like kill -9.
func (p *Process) Kill() { p.cmd.Process.Kill() }

// Finish lets the process end by itself.
func (p *Process) Finish() { p.finish() }

// Tell gives the process a command. A dead process does not get it.
func (p *Process) Tell(words ...any) {
	select {
	case p.commands <- fmt.Sprintln(words...):
	case <-p.ended:
	}
}

// Expect waits for a line of the process that begins with word, and returns the rest of that line.
// It skips other lines.
func (p *Process) Expect(t testing.TB, word string) (rest string) {
	t.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case l, more := <-p.lines:
			if l.word == word {
				return l.rest
			}
			if !more || l.word == "failed" {
				t.Fatalf("a process has ended before it said %q: %s", word, l.rest)
			}
		case <-end:
			t.Fatalf("a process has not said %q for a minute", word)
		}
	}
}

// Look makes a process load its ring. It returns ok, or the error. The error begins with rollback
// if it is one.
func (p *Process) Look(t testing.TB) string {
	t.Helper()
	p.Tell("look")
	return p.Expect(t, "looked")
}

// Result waits for a process that has just started. It returns ready, or the reason why the process
// has ended.
func (p *Process) Result(t testing.TB) string {
	t.Helper()
	for l := range p.lines {
		switch l.word {
		case "ready":
			return l.word
		case "failed":
			return l.rest
		}
	}
	t.Fatal("a process has said nothing")
	return ""
}
