//go:build unix

package filestore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// The test binary runs itself as a process that works on a ring. With ringRole set it plays that
// one of roles on the ring at ringPath, and prints a line for every acknowledged change.
const (
	ringRole = "FILESTORE_TEST_ROLE"
	ringPath = "FILESTORE_TEST_RING"

	// Some roles read these.
	ringSlot   = "FILESTORE_TEST_SLOT"   // the counter that this process advances
	ringLimit  = "FILESTORE_TEST_LIMIT"  // how many bytes the process can write to a file
	ringUser   = "FILESTORE_TEST_USER"   // the user that root becomes first
	ringKeyID  = "FILESTORE_TEST_KID"    // the key to revoke
	ringNoSync = "FILESTORE_TEST_NOSYNC" // "file" or "folder" is not synced
)

// long reports whether the tests run in their long form.
var long = os.Getenv("SEALJWT_LONG") != ""

// roles are the tasks of such a process. Each gets the ring and a writer for its acknowledgements.
var roles = map[string]func(context.Context, *keyring.Ring, io.Writer) error{
	"rotate":           rotateForEver,
	"run":              runForEver,
	"count":            countForEver,
	"import and count": importAndCount,
	"rotate once":      rotateOnce,
	"revoke once":      revokeOnce,
}

func init() {
	role := os.Getenv(ringRole)
	if role == "" {
		return
	}
	if strings.HasSuffix(role, "once") {
		signal.Ignore(syscall.SIGXFSZ)
	} else {
		go func() {
			io.Copy(io.Discard, os.Stdin) // until the parent has ended
			os.Exit(0)
		}()
	}
	if err := runRole(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runRole(role string) error {
	if name := os.Getenv(ringUser); name != "" && os.Geteuid() == 0 {
		uid, err := strconv.Atoi(name)
		if err := errors.Join(err, syscall.Setuid(uid)); err != nil {
			return err
		}
	}
	s := New(os.Getenv(ringPath))
	switch os.Getenv(ringNoSync) {
	case "file":
		s.ops.sync = func(*os.File) error { return nil }
	case "folder":
		s.ops.syncDir = func(*os.File) error { return nil }
	}
	ring, err := keyring.Open(context.Background(), keyring.Config{Store: newPinned(s), KEK: testKEK()})
	if err != nil {
		return err
	}
	if text := os.Getenv(ringLimit); text != "" {
		limit, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return err
		}
		var both syscall.Rlimit
		setLimit(&both, limit)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &both); err != nil {
			return err
		}
	}
	return roles[role](context.Background(), ring, os.Stdout)
}

// pinned is a Store that makes all system calls on one thread. strace counts the calls of each
// thread separately, and a Ring calls its Store from a new goroutine each time.
type pinned struct {
	store *Store
	calls chan func()
}

func newPinned(s *Store) pinned {
	p := pinned{s, make(chan func())}
	go func() {
		runtime.LockOSThread()
		for call := range p.calls {
			call()
		}
	}()
	return p
}

func (p pinned) Load(ctx context.Context) (doc []byte, version string, err error) {
	p.wait(func() { doc, version, err = p.store.Load(ctx) })
	return doc, version, err
}

func (p pinned) Swap(ctx context.Context, prev string, doc []byte) (version string, err error) {
	p.wait(func() { version, err = p.store.Swap(ctx, prev, doc) })
	return version, err
}

func (p pinned) wait(call func()) {
	done := make(chan struct{})
	p.calls <- func() { defer close(done); call() }
	<-done
}

func setLimit(l *syscall.Rlimit, n uint64) {
	// Some systems have signed fields.
	fmt.Sscan(fmt.Sprint(n), &l.Cur)
	fmt.Sscan(fmt.Sprint(n), &l.Max)
}

// rotateForEver does every step as soon as it is due.
func rotateForEver(ctx context.Context, ring *keyring.Ring, acks io.Writer) error {
	for {
		step, err := ring.Rotate(ctx)
		if isSlow(err) {
			continue
		}
		if err != nil {
			return err
		}
		if step.Action == keyring.Nothing {
			time.Sleep(rand.N(20 * time.Millisecond))
			continue
		}
		acknowledge(acks, ring, step)
	}
}

func runForEver(ctx context.Context, ring *keyring.Ring, acks io.Writer) error {
	var failed error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ring.Run(ctx, func(step keyring.Step, err error) {
		switch {
		case isSlow(err): // Run looks again
		case err != nil:
			failed = err
			stop()
		default:
			acknowledge(acks, ring, step)
		}
	})
	return failed
}

// isSlow reports whether a look or a change ran out of time and wrote nothing. Then the machine,
// its disk or the other processes are slow, and the ring is not at fault.
func isSlow(err error) bool {
	return !errors.Is(err, keyring.ErrUnknownOutcome) && (errors.Is(err, ErrLocked) || errors.Is(err, context.DeadlineExceeded))
}

// patiently calls f again while the machine is too slow for it.
func patiently(f func() error) error {
	for {
		if err := f(); !isSlow(err) {
			return err
		}
	}
}

func acknowledge(acks io.Writer, ring *keyring.Ring, step keyring.Step) {
	fmt.Fprintln(acks, acknowledgement(step, ring.Checkpoint()))
}

// acknowledgement returns the line for a step that the generation of mark or an earlier one holds.
func acknowledgement(step keyring.Step, mark keyring.Checkpoint) string {
	return fmt.Sprint(step.Action, " ", step.KeyID, " ", mark.Ring+"/"+pair(mark))
}

// rotateOnce changes the active key: in one write if its successor is staged, and otherwise in two.
// Rotate would first record a look.
func rotateOnce(ctx context.Context, ring *keyring.Ring, acks io.Writer) error {
	step, err := ring.RotateNow(ctx, keys.UseSig)
	if err == nil {
		acknowledge(acks, ring, step)
	}
	return err
}

func revokeOnce(ctx context.Context, ring *keyring.Ring, acks io.Writer) error {
	touched, err := ring.Revoke(ctx, keyring.Revocation{KeyID: os.Getenv(ringKeyID), Reason: "compromised"})
	if err == nil {
		fmt.Fprintln(acks, "revoked", len(touched))
	}
	return err
}

// processes holds the processes that work on one ring.
type processes struct {
	t    *testing.T
	path string

	mu  sync.Mutex
	all []*process
	wg  sync.WaitGroup
}

type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer // closing it tells the process to end
	name   string
	acks   []string
	killed bool
}

func newProcesses(t *testing.T, path string) *processes {
	ps := &processes{t: t, path: path}
	t.Cleanup(ps.killAll)
	return ps
}

// environment returns the environment of a process with a role. more holds pairs of name and value.
func environment(role, path string, more ...string) []string {
	env := append(os.Environ(), ringRole+"="+role, ringPath+"="+path)
	for i := 0; i < len(more); i += 2 {
		env = append(env, more[i]+"="+more[i+1])
	}
	return env
}

func (ps *processes) start(role string, more ...string) *process {
	ps.t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), name: role}
	p.cmd.Env = environment(role, ps.path, more...)
	stderr := new(bytes.Buffer)
	p.cmd.Stderr = stderr
	var err error
	p.stdin, err = p.cmd.StdinPipe()
	must(ps.t, err)
	stdout, err := p.cmd.StdoutPipe()
	must(ps.t, err)
	must(ps.t, p.cmd.Start())
	ps.mu.Lock()
	ps.all = append(ps.all, p)
	ps.mu.Unlock()
	ps.wg.Go(func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			ps.mu.Lock()
			p.acks = append(p.acks, lines.Text())
			ps.mu.Unlock()
		}
		err := p.cmd.Wait()
		ps.mu.Lock()
		defer ps.mu.Unlock()
		if !p.killed {
			ps.t.Errorf("%s ended by itself: %v: %s", p.name, err, stderr)
		}
	})
	return p
}

// expect allows the process to end from now on.
func (ps *processes) expect(p *process) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p.killed = true
}

func (ps *processes) kill(p *process) {
	ps.expect(p)
	p.cmd.Process.Kill()
	p.stdin.Close()
}

func (ps *processes) killAll() {
	ps.mu.Lock()
	all := ps.all
	ps.mu.Unlock()
	for _, p := range all {
		ps.kill(p)
	}
	ps.wg.Wait()
}

// countAcks returns how many lines a process has printed so far.
func (ps *processes) countAcks(p *process) int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return len(p.acks)
}

// acknowledged returns all lines of all processes. Call it after they have ended.
func (ps *processes) acknowledged() []string {
	var all []string
	for _, p := range ps.all {
		all = append(all, p.acks...)
	}
	return all
}

// once runs a process with a role to its end.
func once(t *testing.T, role, path string, more ...string) (acks string, err error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = environment(role, path, more...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return string(out), errors.New(strings.TrimSpace(stderr.String()))
	}
	must(t, err)
	return string(out), nil
}

func testKEK() keyring.KEK {
	kek, err := keyring.NewKEK(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	return kek
}

// hasty returns a policy by which the next step is always due.
func hasty() keyring.Policy {
	const tick = time.Nanosecond
	return keyring.Policy{
		TokenLifetime: tick, Leeway: tick, ClockSkew: tick, CacheAge: tick, PublishLag: tick, SnapshotAge: tick, MaxAge: tick,
		Sig: keyring.UsePolicy{Period: 20 * tick}, Enc: keyring.UsePolicy{Period: 20 * tick},
	}
}

func createRing(t *testing.T, s *Store, p keyring.Policy) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Create(t.Context(), keyring.Config{Store: s, KEK: testKEK(), Policy: p})
	must(t, err)
	return ring
}

// openRing opens the ring without a checkpoint, like a process that starts on a new host.
func openRing(t *testing.T, path string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(t.Context(), keyring.Config{Store: New(path), KEK: testKEK()})
	must(t, err)
	return ring
}

// openSince opens the ring like a process that has seen this checkpoint.
func openSince(ctx context.Context, s *Store, seen keyring.Checkpoint) (*keyring.Ring, error) {
	memory := seenMemory(seen)
	return keyring.Open(ctx, keyring.Config{Store: s, KEK: testKEK(), Memory: &memory})
}

// seenMemory is the [keyring.Memory] of one process.
type seenMemory keyring.Checkpoint

func (m *seenMemory) Load(context.Context) (keyring.Checkpoint, []keyring.Checkpoint, error) {
	return keyring.Checkpoint(*m), nil, nil
}

func (m *seenMemory) Save(_ context.Context, newest keyring.Checkpoint) error {
	*m = seenMemory(newest)
	return nil
}

// importNew imports a new signing key and returns its kid.
func importNew(ctx context.Context, ring *keyring.Ring, state keyring.State) (kid string, err error) {
	data, err := jwk.Generate("ES256")
	if err != nil {
		return "", err
	}
	kids, err := ring.Import(ctx, data, keys.Hint{Suite: keys.ES256}, state)
	return strings.Join(kids, " "), err
}

// wantRingFiles fails if the folder has more than the ring, its lock and one temporary file, or if
// other users may read one of them. It reports whether there is a temporary file.
func wantRingFiles(t *testing.T, path string) (leftover bool) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	must(t, err)
	for _, name := range names {
		info, err := os.Lstat(name)
		switch {
		case name != path && name != path+".lock" && name != path+".tmp":
			t.Errorf("there is %s, want the ring, its lock and one temporary file at most", name)
		case errors.Is(err, fs.ErrNotExist): // renamed meanwhile
		case err != nil:
			t.Error(err)
		case info.Mode() != 0o600:
			t.Errorf("%s has mode %v, want 0600", name, info.Mode())
		}
		leftover = leftover || name == path+".tmp"
	}
	return leftover
}
