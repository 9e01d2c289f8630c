package stores

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// fleet is the command sealjwt-fleet in a home folder of its own.
type fleet struct {
	program, home string
}

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

// run runs the command and wants an exit code.
func (f fleet) run(t *testing.T, code int, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), f.program, args...)
	c.Env = append(os.Environ(), "HOME="+f.home)
	c.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); c.ProcessState == nil || c.ProcessState.ExitCode() != code {
		t.Fatalf("%v: %v, want exit code %d: %s", args, err, code, &errs)
	}
	return out.String(), errs.String()
}

// sessions has the command list and end the sessions of an issuer.
func (f fleet) sessions(t *testing.T, e engine, kind, dsn, storeFile string) {
	t.Helper()
	args := func(verb string, more ...string) []string {
		return append([]string{"sessions", verb, "--store", kind, "--store-file", storeFile, "--iss", testIssuer, "--sub", "u-42"}, more...)
	}
	if _, said := f.run(t, 5, "", args("list")...); !strings.Contains(said, "holds no sessions") {
		t.Errorf("without sessions: %s", said)
	}
	kek := need(keyring.KEKFile(filepath.Join(f.home, ".config", "sealjwt", "kek")))
	registry := need(sessions.New(sessions.Config{Issuer: testIssuer, Store: e.open(t, dsn), KEK: kek, TokenLifetime: testLifetime}))
	var refresh [2]string
	for i, name := range []string{"Phone", "Laptop"} {
		_, token, err := registry.Start(t.Context(), "u-42", sessions.Device{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		refresh[i] = token
	}
	if out, _ := f.run(t, 0, "", args("list")...); !strings.Contains(out, "Phone") || !strings.Contains(out, "Laptop") {
		t.Errorf("sessions list: %s", out)
	}
	f.run(t, 0, "", args("end-all")...)
	for _, token := range refresh {
		if _, _, err := registry.Refresh(t.Context(), token); !errors.Is(err, sessions.ErrEnded) {
			t.Errorf("a refresh after the end: %v", err)
		}
	}
}

// shares checks that a service finds what the command has seen, at the place that package sqlstore
// describes.
func (f fleet) shares(t *testing.T, connection, kind string, check []string) {
	t.Helper()
	out, _ := f.run(t, 0, "", check...)
	var said struct{ Place string }
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatal(err)
	}
	place := map[string]string{
		"postgres": `host=(\S+) user=\S+ dbname=(\S+) search_path=(\S+)`, "mysql": `root@unix\((.+)\)/(.+)`, "sqlite": `(.+)`,
	}[kind]
	form := map[string]string{"postgres": "postgres://$1:5432/$2/$3/idp", "mysql": "mysql://$1/$2/idp", "sqlite": "sqlite://$1/idp"}[kind]
	want := regexp.MustCompile("^"+place+"$").ReplaceAllString(connection, form)
	if said.Place != want {
		t.Errorf("the command calls the ring %s, want %s", said.Place, want)
	}
	seen, _, err := filestore.NewMemory(want, filepath.Join(f.home, ".config", "sealjwt", "kek.seen")).Load(t.Context())
	if err != nil || seen == (keyring.Checkpoint{}) {
		t.Errorf("a service does not know what the command has seen: %v, %v", seen, err)
	}
}

// The command works on a ring in each database as on a file, and moves one there and on.
func TestFleetCommand(t *testing.T) {
	f := newFleet(t)
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		kind, text := e.name, place(t)
		switch kind {
		case "SQLite":
			kind, text = "sqlite", filepath.Join(t.TempDir(), "rings.db")
		case "MariaDB":
			kind = "mysql"
		default:
			kind = "postgres"
		}
		f := fleet{f.program, t.TempDir()}
		storeFile := filepath.Join(t.TempDir(), "store")
		if err := os.WriteFile(storeFile, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := func(name string, args ...string) []string {
			return append(args, "--ring", kind+":"+name, "--store-file", storeFile)
		}
		f.run(t, 5, "", at("idp", "keys", "list")...)
		f.run(t, 0, "", at("idp", "keys", "init")...)
		f.run(t, 5, "", at("idp", "keys", "init")...)
		f.run(t, 0, "", at("idp", "keys", "policy", "set", "--leeway", "2m")...)
		token, _ := f.run(t, 0, `{"iss":"https://id","aud":"https://api","email":"mina@example.com"}`, at("idp", "seal")...)
		if claims, _ := f.run(t, 0, token, at("idp", "open", "--iss", "https://id", "--aud", "https://api")...); !strings.Contains(claims, "mina@example.com") {
			t.Errorf("opened %s", claims)
		}
		if out, _ := f.run(t, 0, "", at("idp", "keys", "check")...); !strings.Contains(out, "memory: durable") {
			t.Errorf("keys check: %s", out)
		}
		f.shares(t, text, kind, at("idp", "keys", "check", "-o", "json"))
		list, _ := f.run(t, 0, "", at("idp", "keys", "export")...)

		file := filepath.Join(t.TempDir(), "ring")
		f.run(t, 0, "", "keys", "copy", "--from", kind+":idp", "--to", file, "--store-file", storeFile)
		if _, said := f.run(t, 5, "", at("idp", "keys", "list")...); !strings.Contains(said, "moved to "+file) {
			t.Errorf("the old place: %s", said)
		}
		f.run(t, 0, "", "keys", "copy", "--from", file, "--to", kind+":new", "--store-file", storeFile)
		if moved, _ := f.run(t, 0, "", at("new", "keys", "export")...); moved != list {
			t.Errorf("the ring has changed:\n%s\n%s", list, moved)
		}
		dsn := text
		if kind == "sqlite" {
			dsn = servers.SQLiteFile(text)
		}
		f.sessions(t, e, kind, dsn, storeFile)
	})
}
