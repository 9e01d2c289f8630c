package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// The volume of the ring became read-only. keys check says so before a step is due: in words, in
// JSON and as a metric.
func TestCheckOfAReadOnlyVolume(t *testing.T) {
	p := newPod(t)
	p.volume("data")
	p.volume("etc")
	p.env = []string{"SEALJWT_KEK_FILE=" + p.path("etc/kek")}
	p.must("", "keys", "init")
	for _, c := range []struct{ format, writable, not string }{
		{"text", "memory: durable\n", "\nwritable: no\nmemory: durable\n"},
		{"json", `"writable":true`, `"writable":false`},
		{"prometheus", "\nsealjwt_ring_writable 1\n", "\nsealjwt_ring_writable 0\n"},
	} {
		for want, mode := range map[string]os.FileMode{c.writable: os.ModeSetgid | 0o770, c.not: 0o555} {
			p.do(os.Chmod(p.path("data"), mode))
			stdout, stderr, code := p.run("", "keys", "check", "-o", c.format)
			if code != console.ExitDone || !strings.Contains(stdout, want) || strings.Contains(stdout, "writable: no") && want != c.not {
				t.Errorf("%s with mode %o: exit code %d, %s", c.format, mode, code, stdout)
			}
			if warned := strings.Contains(stderr, "warning: a rotation or a revocation could not be written: "); warned != (want == c.not) {
				t.Errorf("%s with mode %o: %s", c.format, mode, stderr)
			}
		}
	}
	p.do(os.Chmod(p.path("data"), 0o755))
}
