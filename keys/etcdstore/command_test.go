package etcdstore_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// fleet is the command sealjwt-fleet with a home folder of its own.
type fleet struct{ program, home string }

func newFleet(t *testing.T) fleet {
	t.Helper()
	f := fleet{filepath.Join(t.TempDir(), "sealjwt-fleet"), t.TempDir()}
	build := exec.Command("go", "build", "-o", f.program, ".")
	build.Dir = filepath.Join("..", "..", "cmd", "sealjwt-fleet")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return f
}

// run runs the command with a store file of this text, and wants an exit code.
func (f fleet) run(t *testing.T, connection string, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	storeFile := filepath.Join(f.home, "store")
	if err := os.WriteFile(storeFile, []byte(connection+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), f.program, args...)
	c.Env = append(os.Environ(), "HOME="+f.home, "SEALJWT_STORE_FILE="+storeFile)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); c.ProcessState == nil || c.ProcessState.ExitCode() != code {
		t.Fatalf("%v: %v, want exit code %d: %s", args, err, code, &errs)
	}
	return out.String(), errs.String()
}

// The command sealjwt-fleet works on a ring in etcd as on a file, and moves one there and back.
func TestFleetCommand(t *testing.T) {
	t.Parallel()
	f, c, dir := newFleet(t), newCluster(t), t.TempDir()
	run := func(code int, args ...string) (stdout, stderr string) {
		t.Helper()
		return f.run(t, "http://"+strings.Join(c.clients, ",http://"), code, args...)
	}
	run(5, "keys", "list", "--ring", "etcd:/idp/ring")
	run(0, "keys", "init", "--ring", "etcd:/idp/ring")
	run(5, "keys", "init", "--ring", "etcd:/idp/ring")
	run(0, "keys", "policy", "set", "--leeway", "2m", "--ring", "etcd:/idp/ring")
	if out, _ := run(0, "keys", "check", "--ring", "etcd:/idp/ring"); !strings.Contains(out, "memory: durable") {
		t.Errorf("keys check: %s", out)
	}
	servers := slices.Sorted(slices.Values(c.clients))
	place := "etcd://" + strings.Join(servers, ",") + "/%2Fidp%2Fring" // as the documentation writes it
	seen, _, err := filestore.NewMemory(place, filepath.Join(f.home, ".config", "sealjwt", "kek.seen")).Load(t.Context())
	if err != nil || seen == (keyring.Checkpoint{}) {
		t.Errorf("a service does not know at %s what the command has seen: %v, %v", place, seen, err)
	}
	list, _ := run(0, "keys", "export", "--ring", "etcd:/idp/ring")
	file := filepath.Join(dir, "ring")
	run(0, "keys", "copy", "--from", "etcd:/idp/ring", "--to", file)
	if _, said := run(5, "keys", "list", "--ring", "etcd:/idp/ring"); !strings.Contains(said, "moved to "+file) {
		t.Errorf("the old place: %s", said)
	}
	run(0, "keys", "copy", "--from", file, "--to", "etcd:/idp/ring")
	if back, _ := run(0, "keys", "export", "--ring", "etcd:/idp/ring"); back != list {
		t.Errorf("the ring has changed:\n%s\n%s", list, back)
	}
}
