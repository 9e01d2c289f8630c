package stores

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/testdata/ringtest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// The command opens a ring on a server with TLS and a password, and on no other server.
func TestFleetTLS(t *testing.T) {
	beside(t)
	const password = "hunter2-Zq9"
	ca, another := ringtest.NewCA(t), ringtest.NewCA(t)
	named, unnamed := servers.Loopback(), servers.Loopback()
	cert, key := ca.Server(t, named)
	s := servers.PostgreSQLTLS(t, cert, key, named+","+unnamed)
	s.PostgreSQLUser(t, "idp", password)
	f := newFleet(t)
	open := func(code int, address string, args ...string) string {
		t.Helper()
		storeFile := filepath.Join(t.TempDir(), "store")
		text := strings.NewReplacer("CA", ca.File(t), "OTHER", another.File(t), "PW", password).Replace(address)
		if err := os.WriteFile(storeFile, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, said := f.run(t, code, "", append(args, "--ring", "postgres:idp", "--store-file", storeFile)...)
		if strings.Contains(said, password) {
			t.Errorf("%s: the text shows the password: %s", address, said)
		}
		return said
	}
	good := "postgres://idp:PW@" + named + "/idp?sslmode=verify-full&sslrootcert=CA"
	open(0, good, "keys", "init")
	open(0, good, "keys", "list")
	for address, want := range map[string]string{
		"postgres://idp:PW@" + named + "/idp?sslmode=verify-full&sslrootcert=OTHER":   "certificate signed by unknown authority",
		"postgres://idp:PW@" + named + "/idp?sslmode=verify-full":                     "certificate signed by unknown authority",
		"postgres://idp:PW@" + unnamed + "/idp?sslmode=verify-full&sslrootcert=CA":    "certificate is valid for " + named + ", not " + unnamed,
		"postgres://idp:PW@" + named + "/idp?sslmode=disable":                         "no encryption",
		"postgres://idp:another@" + named + "/idp?sslmode=verify-full&sslrootcert=CA": "password authentication failed",
	} {
		if said := open(1, address, "keys", "list"); !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %s", address, said, want)
		}
	}
	// A name that is not of this machine.
	for _, mode := range []string{"require", "verify-ca&sslrootcert=CA", "prefer"} {
		if said := open(6, "postgres://idp:PW@db.example.com/idp?sslmode="+mode, "keys", "list"); !strings.Contains(said, "add sslmode=verify-full") {
			t.Errorf("sslmode=%s: %s", mode, said)
		}
	}
}
