package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// options are the options of the command sealjwt.
var options = Options{Name: "sealjwt"}

// run calls Run for the command sealjwt.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return Run(ctx, options, args, stdin, stdout, stderr)
}

// describe calls Describe of a console that repeats no flags.
func describe(err error) (code int, text string) {
	return console.New("sealjwt", nil, nil, nil).Describe(err)
}

// runOK runs the command in this process and wants exit code 0.
func runOK(t *testing.T, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs); code != console.ExitDone {
		t.Fatalf("sealjwt %s: exit code %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return out.String(), errs.String()
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1s": time.Second, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute,
		"30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "3650d": longestLifetime,
	} {
		var l lifetime
		if err := l.Set(text); err != nil || time.Duration(l) != want {
			t.Errorf("%s: %v, %v; want %v", text, time.Duration(l), err, want)
		}
	}
	for _, text := range []string{
		"", "d", "30", "-1m", "1d-1h", "0", "0s", "500ms", "1.5s", "1m500ms", "3651d", "99999d", "1e3d", "+1d",
		"1d1d", "1d 2h", "1D", "15 m", "9223372036854775807h",
	} {
		l := lifetime(7 * time.Second)
		if err := l.Set(text); err == nil || l != lifetime(7*time.Second) {
			t.Errorf("%q was taken for %v", text, time.Duration(l))
		}
	}
}

func TestLifetimeText(t *testing.T) {
	for d, want := range map[time.Duration]string{15 * time.Minute: "15m", 30 * time.Second: "30s", time.Hour: "1h0m"} {
		if got := (*lifetime)(&d).String(); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

func TestInstants(t *testing.T) {
	want := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "1769860800"} {
		var at instant
		if err := at.Set(text); err != nil || !at.time.Equal(want) || !at.given {
			t.Errorf("%s: %v, %v", text, at.time, err)
		}
	}
	for _, text := range []string{"", "now", "2026-01-31", "2026-01-31 12:00:00", "-1", "1.5", "253402300800", "0x10"} {
		var at instant
		if err := at.Set(text); err == nil || at.given {
			t.Errorf("%q was taken for %v", text, at.time)
		}
	}
}

func TestPosition(t *testing.T) {
	data := []byte("{\n  \"ä\": 1,\n\n}")
	for offset, want := range map[int][2]int{0: {1, 1}, 1: {1, 2}, 2: {2, 1}, 7: {2, 5}, len(data): {4, 2}, 99: {4, 2}} {
		if line, column := position(data, offset); line != want[0] || column != want[1] {
			t.Errorf("offset %d: %d:%d, want %v", offset, line, column, want)
		}
	}
}

// If the ring could never be written, it could not be read again either. The error says that it may
// hold the revocation.
func TestNotRevoked(t *testing.T) {
	for want, err := range map[string]error{
		"NOT REVOKED, nothing was changed: ":                  keyring.ErrUnreadable,
		"it is not known whether it was REVOKED, try again: ": fmt.Errorf("an earlier write: %w", keyring.ErrNotDurable),
	} {
		if _, text := describe(notRevoked(err)); !strings.HasPrefix(text, want) || strings.Contains(text, "keys list") {
			t.Errorf("%v: %s", err, text)
		}
	}
}

// If stdout cannot be written, the command does not report success.
func TestResultThatCannotBeWritten(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"version"}, strings.NewReader(""), brokenWriter{}, &errs); code != console.ExitIO {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errs.String(), "could not be written") {
		t.Errorf("stderr: %s", errs.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// Input that breaks off is an error, and its beginning does not count as the whole.
func TestInputThatCannotBeRead(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	var out, errs bytes.Buffer
	stdin := io.MultiReader(strings.NewReader(`{"iss":"a","aud":"b"}`), brokenReader{})
	if code := run(t.Context(), []string{"seal", "--init"}, stdin, &out, &errs); code != console.ExitIO || out.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("line dropped") }

// A name with characters that move the cursor or reverse the text is escaped in messages.
func TestMessagesAreEscaped(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	var out, errs bytes.Buffer
	run(t.Context(), []string{"inspect", "no\x1b[2Jsuch\n\u202efile"}, strings.NewReader(""), &out, &errs)
	if want := `cannot read no\u001b[2Jsuch\u000a\u202efile: `; !strings.Contains(errs.String(), want) {
		t.Errorf("stderr: %q", errs.String())
	}
}

// An empty value of a text flag is refused, so the test needs all text flags.
func TestTextFlagsAreAll(t *testing.T) {
	root := (&App{Console: console.New("sealjwt", nil, nil, nil), openers: map[string]OpenStore{"mem": nil}}).command()
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, line := range strings.Split(c.LocalFlags().FlagUsages(), "\n") {
			match := longFlag.FindStringSubmatch(line)
			if match == nil {
				continue
			}
			if f := c.Flag(match[1]); strings.HasPrefix(f.Value.Type(), "string") && !slices.Contains(textFlags, f.Name) {
				t.Errorf("--%s of %s is not among the text flags", f.Name, c.CommandPath())
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
}

// No script can test this, because a ring needs 35 years to reach half its size.
func TestFullWarning(t *testing.T) {
	for full, want := range map[float64]string{0: "", 0.4999: "", 0.5: "warning: the ring is 50 % full", 0.994: "warning: the ring is 99 % full", 1: "warning: the ring is 100 % full"} {
		if got := fullWarning(full); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%v: %q, want %q", full, got, want)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m30s", 24 * time.Hour: "1d", 720 * time.Hour: "30d",
		25*time.Hour + 2*time.Minute: "1d1h2m", 24*time.Hour + time.Second: "1d1s",
	} {
		got := console.Duration(d)
		if again, err := parseDuration(got); got != want || err != nil || again != d {
			t.Errorf("%v is written %s and read as %v (%v)", d, got, again, err)
		}
	}
}
