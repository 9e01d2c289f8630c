package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// started is a process of the command.
type started struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// startOf starts the command in a home, in a process of its own.
func startOf(t *testing.T, home, stdin string, args ...string) *started {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &started{cmd: &exec.Cmd{Path: exe, Args: append([]string{"sealjwt"}, args...), Env: []string{"HOME=" + home}, Stdin: strings.NewReader(stdin)}}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// end waits for the process, and returns its exit code.
func (p *started) end() int {
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// Three processes start at once in an empty home. One makes the first ring. The others use it if
// they seal, and otherwise say that it exists. Every token opens.
func TestStartsAtOnce(t *testing.T) {
	needsRing(t)
	rounds := 3
	if os.Getenv("SEALJWT_LONG") != "" {
		rounds = 50
	}
	if text := os.Getenv("SEALJWT_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	const issuer, audience = "--iss=https://id.example.com", "--aud=https://api.example.com"
	for name, c := range map[string]struct {
		args   []string
		others int // the exit code of the processes that did not make the ring
	}{
		"keys init":   {[]string{"keys", "init"}, console.ExitKey},
		"seal --init": {[]string{"seal", "--init", issuer, audience}, console.ExitDone},
	} {
		t.Run(name, func(t *testing.T) {
			for range rounds {
				home := t.TempDir()
				var all []*started
				for range 3 {
					all = append(all, startOf(t, home, `{"email":"mina@example.com"}`, c.args...))
				}
				made := 0
				for _, p := range all {
					code, says := p.end(), p.stderr.String()
					switch {
					case code == console.ExitDone && strings.Contains(says, "created the ring "):
						made++
					case code != c.others || code == console.ExitKey && !strings.Contains(says, "there is a ring already"):
						t.Errorf("exit code %d, want %d: %s", code, c.others, says)
					}
					if strings.Contains(says, "warning") {
						t.Errorf("stderr %s", says)
					}
					if c.others != console.ExitDone {
						continue
					}
					opened := startOf(t, home, p.stdout.String(), "open", issuer, audience)
					if code := opened.end(); code != console.ExitDone || !strings.Contains(opened.stdout.String(), "mina@example.com") {
						t.Errorf("a token does not open: exit code %d, %s", code, &opened.stderr)
					}
				}
				if made != 1 {
					t.Errorf("%d processes made the ring", made)
				}
				check := startOf(t, home, "", "keys", "check")
				if code := check.end(); code != console.ExitDone || !strings.HasSuffix(check.stdout.String(), "memory: durable\n") {
					t.Errorf("keys check: exit code %d, %s%s", code, &check.stdout, &check.stderr)
				}
				wantNames(t, filepath.Join(home, ".config/sealjwt"), "kek", "kek.seen", "kek.seen.lock")
				wantNames(t, filepath.Join(home, ".local/share/sealjwt"), "ring", "ring.lock")
			}
			t.Logf("%d starts of 3 processes", rounds)
		})
	}
}

// lateStore has no ring at the first look. Another process makes the ring right after that.
type lateStore struct {
	keyring.Store
	looks int
}

func (s *lateStore) Load(ctx context.Context) (doc []byte, version string, err error) {
	if s.looks++; s.looks == 1 {
		return nil, "", keyring.ErrNoRing
	}
	return s.Store.Load(ctx)
}

// The ring is absent at the first look and present at the second. It opens.
func TestRingMadeMeanwhile(t *testing.T) {
	path := newHome(t)
	a := &App{Console: console.New("sealjwt", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))}
	memory, err := a.memory(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.openStore(t.Context(), &lateStore{Store: filestore.New(path)}, path, memory); err != nil {
		t.Error(err)
	}
}

// wantNames fails unless a folder has exactly these files.
func wantNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("%s holds %q, want %q", folder, names, want)
	}
}
