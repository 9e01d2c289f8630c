package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A step that is due is not an alarm during the grace. The alarm begins when the grace is over, and
// not before.
func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newHome(t, "--use", "sig")
		next := func() (code int, out string) {
			var stdout, stderr bytes.Buffer
			code = run(t.Context(), []string{"keys", "check"}, strings.NewReader(""), &stdout, &stderr)
			return code, stdout.String()
		}
		a := &App{Console: console.New("sealjwt", nil, nil, new(bytes.Buffer))}
		ring, err := a.openRing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		step, _, err := ring.NextStep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			after time.Duration
			code  int
			text  string
		}{
			{-time.Second, console.ExitDone, "nothing is due\n"},
			{0, console.ExitDone, "no alarm before "},
			{defaultGrace - 1, console.ExitDone, ", in the grace of 30m\n"},
			{defaultGrace, console.ExitDue, "due since "},
		} {
			time.Sleep(time.Until(step.At.Add(c.after)))
			if code, out := next(); code != c.code || !strings.Contains(out, c.text) {
				t.Errorf("after %v: exit code %d, want %d and %q: %s", c.after, code, c.code, c.text, out)
			}
		}
	})
}

// Every state of a key has a series for each use, and so has every kind of memory.
func TestHealthMetrics(t *testing.T) {
	writable := false
	h := health{
		Due: true, Overdue: 1900, Grace: 1800, Next: keyring.Step{Action: keyring.Stage, At: time.Unix(1796040000, 0)}, Full: 0.5,
		Memory: seenProcess, Writable: &writable, Clocks: []wrongClock{{KeyID: "a secret"}}, ExitCode: console.ExitDue,
		keys: []keyring.KeyInfo{{ID: "k", Use: "sig", State: keyring.Revoked, Reason: "a secret"}, {ID: "l", Use: "sig", State: keyring.Revoked}},
	}
	text := string(metrics.Text(h.metrics()...))
	for _, line := range []string{
		"sealjwt_check_exit_code 7", `sealjwt_keys{use="sig",state="revoked"} 2`, `sealjwt_keys{use="enc",state="staged"} 0`,
		"sealjwt_step_overdue_seconds 1900", "sealjwt_step_grace_seconds 1800", "sealjwt_next_step_timestamp_seconds 1796040000",
		"sealjwt_ring_full_ratio 0.5", "sealjwt_wrong_clocks 1", "sealjwt_ring_writable 0",
		`sealjwt_memory{kind="durable"} 0`, `sealjwt_memory{kind="process"} 1`, `sealjwt_memory{kind="none"} 0`,
	} {
		if !slices.Contains(strings.Split(text, "\n"), line) {
			t.Errorf("there is no line %s in\n%s", line, text)
		}
	}
	if strings.Count(text, "\nsealjwt_keys{") != 10 || strings.Contains(text, "secret") {
		t.Errorf("%s", text)
	}
	promtool(t, text)
}

// A store can be written, cannot be written, or cannot say.
func TestHealthOfStores(t *testing.T) {
	h := new(health)
	if err := h.lookAtStore(t.Context(), keyring.NewMemStore()); err != nil || h.Writable != nil || len(h.warnings) != 0 {
		t.Errorf("%v, %+v", err, h)
	}
	for _, want := range []error{nil, fs.ErrPermission} {
		h := new(health)
		err := h.lookAtStore(t.Context(), struct {
			keyring.Store
			writable
		}{writable: writable{want}})
		if err != nil || *h.Writable != (want == nil) || h.unwritable != want {
			t.Errorf("%v: %v, %+v", want, err, h)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.lookAtStore(ctx, struct {
		keyring.Store
		writable
	}{writable: writable{ctx.Err()}}); !errors.Is(err, ctx.Err()) {
		t.Errorf("%v, want that the check failed", err)
	}
}

// writable is a store with this answer.
type writable struct{ err error }

func (w writable) Writable(context.Context) error { return w.err }

// promtool checks metrics with the tool of Prometheus. If the tool is missing, the test is skipped,
// and in continuous integration it fails.
func promtool(t *testing.T, text string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("SEALJWT_PROMTOOL") == "require" {
			t.Fatal(err)
		}
		t.Log("promtool is not installed")
		return
	}
	check := exec.Command(path, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v: %s\n%s", err, out, text)
	}
}
