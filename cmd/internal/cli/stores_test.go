package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A command without drivers does not open a database as a file, and makes no file.
func TestStoresOfTheFleet(t *testing.T) {
	needsRing(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	for place, want := range map[string]string{
		"postgres:idp": "install sealjwt-fleet", "mysql:idp": "install sealjwt-fleet", "sqlite:/var/lib/idp.db": "install sealjwt-fleet",
		"etcd:idp": "install sealjwt-fleet", "postgres:": "install sealjwt-fleet",
		"vault:idp": "write ./vault:idp for a file", "https://db.example.com/idp": "no store called https", "postgresql:idp": "no store called postgresql", "s3:": "no store called s3",
	} {
		for _, args := range [][]string{{"keys", "init"}, {"keys", "list"}, {"keys", "accept"}, {"keys", "rotate", "--dry-run"}, {"keys", "rewrap", "--drop-others"}} {
			var out, errs bytes.Buffer
			code := run(t.Context(), append(args, "--ring", place), strings.NewReader(""), &out, &errs)
			if code != console.ExitUsage || !strings.Contains(errs.String(), want) {
				t.Errorf("%v, %s: exit code %d: %s", args, place, code, errs.String())
			}
		}
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("%v was made (%v)", entries, err)
	}
	folder := filepath.Join(home, "postgres:files")
	if _, errs := runOK(t, "", "keys", "init", "--ring", folder+"/ring"); !strings.Contains(errs, "created the ring "+folder) {
		t.Errorf("a file with a colon in its path: %s", errs)
	}
	t.Chdir(home)
	if _, errs := runOK(t, "", "keys", "init", "--ring", "./vault:idp"); !strings.Contains(errs, "created the ring ./vault:idp") {
		t.Errorf("a file with a colon in its name: %s", errs)
	}
}

// memStores returns options with which rings are in memory.
func memStores(opened *[]string) Options {
	rings := make(map[string]keyring.Store)
	return Options{
		Name: "sealjwt-fleet",
		Stores: map[string]OpenStore{"mem": func(_ context.Context, name, connection string) (keyring.Store, string, error) {
			*opened = append(*opened, name+" with "+connection)
			if rings[name] == nil {
				rings[name] = keyring.NewMemStore()
			}
			return rings[name], "mem://" + name, nil
		}},
		Extend: func(a *App, root *cobra.Command) {
			keys, _, _ := root.Find([]string{"keys"})
			keys.AddCommand(&cobra.Command{Use: "count", RunE: func(cmd *cobra.Command, _ []string) error {
				ring, err := a.Ring(cmd.Context())
				if err != nil {
					return err
				}
				infos, err := ring.Keys(cmd.Context())
				a.Say("%d keys", len(infos))
				return err
			}})
		},
	}
}

// Another command adds a store and a verb. Every verb works with its rings. The memory refuses a
// ring that was set back.
func TestStoresOfAnotherCommand(t *testing.T) {
	needsRing(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	connection := filepath.Join(home, "connection")
	if err := os.WriteFile(connection, []byte("user:hunter2@db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var opened []string
	options := memStores(&opened)
	try := func(code int, stdin string, args ...string) (out, errs string) {
		t.Helper()
		var o, e bytes.Buffer
		if got := Run(t.Context(), options, args, strings.NewReader(stdin), &o, &e); got != code {
			t.Fatalf("%v: exit code %d, want %d: %s", args, got, code, &e)
		}
		for line := range strings.Lines(e.String()) {
			if !strings.HasPrefix(line, "sealjwt-fleet: ") || strings.Contains(line, "hunter2") {
				t.Errorf("%v says %q", args, line)
			}
		}
		return o.String(), e.String()
	}
	ring := []string{"--ring", "mem:idp", "--store-file", connection}
	with := func(args ...string) []string { return append(args, ring...) }
	try(console.ExitDone, "", with("keys", "init")...)
	token, _ := try(console.ExitDone, `{"iss":"a","aud":"b","email":"mina@example.com"}`, with("seal")...)
	if claims, _ := try(console.ExitDone, token, with("open", "--iss", "a", "--aud", "b")...); !strings.Contains(claims, "mina@example.com") {
		t.Errorf("opened %q", claims)
	}
	if _, said := try(console.ExitDone, "", with("keys", "count")...); said != "sealjwt-fleet: 4 keys\n" {
		t.Errorf("said %q", said)
	}
	try(console.ExitDone, "", with("keys", "rotate", "--dry-run")...)
	if out, _ := try(console.ExitDone, "", with("keys", "check")...); !strings.Contains(out, "memory: durable") {
		t.Errorf("keys check: %s", out)
	}
	for _, what := range opened {
		if what != "idp with user:hunter2@db" {
			t.Errorf("opened %s", what)
		}
	}
	options.Stores = memStores(&opened).Stores // an empty database
	if _, said := try(console.ExitKey, "", with("keys", "list")...); !strings.Contains(said, "sealjwt-fleet keys accept --ring mem:idp --store-file "+connection) {
		t.Errorf("a ring that is gone: %s", said)
	}
	try(console.ExitUsage, "", "keys", "list", "--ring", "mem:")
	try(console.ExitUsage, "", "keys", "list", "--ring", "file", "--store-file", connection)
	if err := os.Chmod(connection, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, said := try(console.ExitKey, "", with("keys", "list")...); !strings.Contains(said, "is open to others") {
		t.Errorf("a connection that others read: %s", said)
	}
}
