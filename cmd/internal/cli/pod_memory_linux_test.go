package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// readOnly makes a folder read-only for the user of the pod.
func (p *pod) readOnly(name string) {
	p.t.Helper()
	p.do(os.Chmod(p.path(name), 0o555))
	p.t.Cleanup(func() { os.Chmod(p.path(name), 0o755) })
}

// wantMemory checks how keys check describes the memory, and the warnings on stderr.
func (p *pod) wantMemory(want, warning string) {
	p.t.Helper()
	stdout, stderr, code := p.run("", "keys", "check")
	if code != console.ExitDone || !strings.HasSuffix(stdout, "memory: "+want+"\n") || (warning == "") != (stderr == "") || !strings.Contains(stderr, warning) {
		p.t.Errorf("exit code %d, %q and %q; want memory: %s and %q", code, stdout, stderr, want, warning)
	}
}

// wantRollback revokes all keys, restores the earlier ring, and checks that it is refused.
func (p *pod) wantRollback() {
	p.t.Helper()
	ring := p.path("data/ring")
	old, err := os.ReadFile(ring)
	p.do(err)
	p.must("", "keys", "revoke", "--all")
	now, err := os.ReadFile(ring)
	p.do(err, os.WriteFile(ring, old, 0o600))
	p.refused("the ring was rolled back", "keys", "list")
	p.refused("the ring was rolled back", "keys", "export")
	p.do(os.WriteFile(ring, now, 0o600))
}

// The key file is a mounted secret, so no file can be written beside it. Without another place for
// the memory every verb warns of that. With another place a ring that was set back is refused.
func TestMemoryOfAMountedSecret(t *testing.T) {
	p := newPod(t)
	p.volume("data")
	p.volume("state")
	p.secret("secret", kekText, 0o440, p.group)
	p.readOnly("secret")
	p.env = []string{"SEALJWT_KEK_FILE=" + p.path("secret/kek")}
	nowhere := "warning: no file remembers which rings were seen, since the folder of " + p.path("secret/kek.seen") + " cannot be written"
	if _, stderr, code := p.run("", "keys", "init"); code != console.ExitDone || strings.Count(stderr, nowhere) != 1 {
		t.Fatalf("exit code %d and %q, want %q once", code, stderr, nowhere)
	}
	p.wantMemory("none", nowhere)
	for _, place := range []string{"SEALJWT_SEEN_FILE=" + p.path("state/seen"), "XDG_STATE_HOME=" + p.path("state"), "HOME=" + p.path("state/home")} {
		t.Run(strings.SplitN(place, "=", 2)[0], func(t *testing.T) {
			p := *p
			p.t, p.env = t, append(p.env, place)
			p.wantMemory("durable", "")
			p.remount("state", 0o660) // as at the next start of the pod
			p.wantRollback()
		})
	}
}

// The folder of the key file was writable once. The memory beside the key file still counts, and
// moves to the state folder.
func TestMemoryOfAFolderThatBecameReadOnly(t *testing.T) {
	p := newPod(t)
	p.volume("data")
	p.volume("etc")
	p.volume("state")
	p.env = []string{"SEALJWT_KEK_FILE=" + p.path("etc/kek")}
	p.must("", "keys", "init")
	old, err := os.ReadFile(p.path("data/ring"))
	p.do(err)
	p.must("", "keys", "policy", "set", "--leeway", "2m")
	now, err := os.ReadFile(p.path("data/ring"))
	p.do(err)
	p.readOnly("etc")
	p.wantMemory("process", "warning: no file remembers")

	p.do(os.WriteFile(p.path("data/ring"), old, 0o600))
	p.refused("the ring was rolled back", "keys", "list")
	p.env = append(p.env, "XDG_STATE_HOME="+p.path("state"))
	p.refused("the ring was rolled back", "keys", "list")
	p.do(os.WriteFile(p.path("data/ring"), now, 0o600))
	p.wantRollback()
	p.wantMemory("durable", "")

	// A damaged memory in a read-only folder cannot be made anew.
	p.env = p.env[:1]
	p.do(os.WriteFile(p.path("etc/kek.seen"), nil, 0o600))
	p.wantMemory("none", "the file is empty: a ring that was set back is not noticed: mend the file, or name another with --seen-file")
}
