//go:build unix

package cli

import (
	"bytes"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Another process keeps the ring locked. The command waits as long as its context allows. Its error
// names the process, and says that the key is still good. The wait runs on the clock of synctest,
// which stands still during a computation, so no machine is too slow for it.
func TestLockedRing(t *testing.T) { synctest.Test(t, testLockedRing) }

func testLockedRing(t *testing.T) {
	path := newHome(t)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := lock.WriteAt([]byte("4711\n"), 0); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"keys", "revoke", listed(t)[0].ID}, "sealjwt: NOT REVOKED, nothing was changed: "},
		{[]string{"keys", "revoke", "--all"}, "sealjwt: NOT REVOKED, nothing was changed: "},
		{[]string{"keys", "rotate", "--now", "--insecure-skip-window"}, "sealjwt: "},
		{[]string{"keys", "policy", "set", "--leeway", "2m"}, "sealjwt: "},
		{[]string{"keys", "rewrap", "--drop-others"}, "sealjwt: "},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		start := time.Now()
		var out, errs bytes.Buffer
		code := run(ctx, c.args, strings.NewReader(""), &out, &errs)
		cancel()
		if code != console.ExitIO || out.Len() > 0 || time.Since(start) != time.Second {
			t.Errorf("%v: exit code %d after %v, stdout %q", c.args, code, time.Since(start), out.String())
		}
		if text := errs.String(); !strings.HasPrefix(text, c.want) || !strings.Contains(text, "process 4711 holds "+path+".lock") {
			t.Errorf("%v: %s", c.args, text)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the ring was changed (%v)", err)
	}
	// A command that only looks does not wait.
	runOK(t, "", "keys", "check")
	runOK(t, "", "keys", "revoke", "--all", "--dry-run")
}

// The clock of a host is years behind, so the dates of the ring are in the future. keys check says
// that a clock is wrong, for each key. The clock of synctest begins in the year 2000.
func TestCheckTellsOfWrongClocks(t *testing.T) {
	newHome(t, "--use", "sig")
	if out, errs := runOK(t, "", "keys", "check", "-o", "json"); strings.Contains(out+errs, "clock") {
		t.Errorf("all clocks are right: %s%s", out, errs)
	}
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"keys", "check", "-o", "json", "--grace", "0"}, strings.NewReader(""), &out, &errs)
		if n := strings.Count(errs.String(), "warning: a clock is wrong, of this host or of another, and holds the rotation up: the sig key "); n != 2 || code != console.ExitDue {
			t.Errorf("exit code %d, stderr %s", code, errs.String())
		}
		if n := strings.Count(out.String(), `"date":"20`); n != 2 || !strings.Contains(out.String(), `"wrong_clocks":[{"kid":"`) {
			t.Errorf("stdout %s", out.String())
		}
	})
}

// A step fails. The output still shows the steps that were done before it.
func TestFailureAfterAStep(t *testing.T) {
	newHome(t)
	var out, errs bytes.Buffer
	a := &App{Console: console.New("sealjwt", strings.NewReader(""), &out, &errs)}
	ring, err := a.openCopy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := rotateFlags{uses: []keys.Use{keys.UseSig}, now: true, skip: true}
	result := rotation{Did: []keyring.Step{}}
	if err := a.rotateNow(ctx, ring, f, &result); err != nil || len(result.Did) != 1 {
		t.Fatalf("%v, %v", result.Did, err)
	}
	cancel()
	err = result.run(ctx, ring, f.uses)
	if err == nil || len(result.Did) != 1 {
		t.Fatalf("%v, %v", result.Did, err)
	}
	if err := a.finish(ctx, ring, f, result, err); err == nil {
		t.Error("the error is gone")
	}
	want := "activate the sig key " + result.Did[0].KeyID + ", retire " + result.Did[0].Retires + "\n"
	if out.String() != want {
		t.Errorf("stdout %q, want %q", out.String(), want)
	}
}

// A dry run makes keys that never exist. Its output must not name them.
func TestRehearsedKeysHaveNoName(t *testing.T) {
	r := rotation{
		DryRun: true,
		Did: []keyring.Step{
			{Action: keyring.Stage, Use: keys.UseSig, KeyID: "new"},
			{Action: keyring.Activate, Use: keys.UseSig, KeyID: "new", Retires: "old"},
			{Action: keyring.MarkDue, Use: keys.UseSig, KeyID: "old"},
		},
		Next: keyring.Step{Action: keyring.Activate, Use: keys.UseSig, KeyID: "new", Retires: "old"},
	}
	r.forgetRehearsed()
	text := string(r.Text())
	if strings.Contains(text, "key new") || !strings.Contains(text, "next: activate the new sig key, retire old at") ||
		!strings.Contains(text, "would: record that the wait of the sig key old is over\n") {
		t.Errorf("%s", text)
	}
}
