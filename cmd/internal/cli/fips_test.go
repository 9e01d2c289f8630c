package cli

import (
	"bytes"
	"crypto/fips140"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// fipsHome returns an empty HOME. The commands in it run with FIPS 140-3 enforced.
func fipsHome(t *testing.T) (home string) {
	t.Helper()
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	home = t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "SEALJWT_RING", "SEALJWT_KEK_FILE", "SEALJWT_PASSPHRASE_FILE"} {
		t.Setenv(name, "")
	}
	return home
}

const fipsClaims = "../../../testdata/claims/userinfo.json"

var fipsWho = []string{"open", "--iss", "https://id.example.com", "--aud", "https://api.example.com"}

func fipsPipe(t *testing.T, seal []string, open ...string) {
	t.Helper()
	token, _ := runOK(t, "", slices.Concat([]string{"seal"}, seal, []string{fipsClaims})...)
	runOK(t, token, "inspect")
	out, _ := runOK(t, token, slices.Concat(fipsWho, open)...)
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, `"email":"ada@example.com"`) {
		t.Errorf("%v: %q came out", seal, out)
	}
}

// The commands of the README work with every suite that an operator can choose, and so do the
// commands that change the ring later.
func TestFIPSCommand(t *testing.T) {
	home := fipsHome(t)
	fipsPipe(t, []string{"--init"})
	runOK(t, "", "keys", "rotate")
	runOK(t, "", "keys", "rotate", "--now", "--insecure-skip-window")
	fipsPipe(t, nil)
	runOK(t, "", "keys", "check")
	for _, k := range listed(t) {
		if k.State == keyring.Active && k.Use == keys.UseSig {
			runOK(t, "", "keys", "revoke", k.ID, "--reason", "compromised")
		}
	}
	fipsPipe(t, nil)
	for _, suites := range [][]string{{"EdDSA", "ECDH-ES+A256KW"}, {"RS256", "RSA-OAEP-256"}, {"PS256", "ECDH-ES"}} {
		runOK(t, "", "keys", "policy", "set", "--sig", suites[0], "--enc", suites[1])
		// The staged keys still have the former suite.
		for range 2 {
			runOK(t, "", "keys", "rotate", "--now", "--insecure-skip-window")
		}
		fipsPipe(t, nil)
	}
	for file, alg := range map[string]string{"rsa.pem": "RS256", "p256.pem": "ES256", "ed25519.pem": "EdDSA"} {
		runOK(t, "", "keys", "import", "../../../testdata/keys/"+file, "--alg", alg)
	}
	public, _ := runOK(t, "", "keys", "export")
	jwks := filepath.Join(home, "jwks")
	if err := os.WriteFile(jwks, []byte(public), 0o600); err != nil {
		t.Fatal(err)
	}
	fipsPipe(t, []string{"--to", jwks}, "--trust", jwks)
	runOK(t, "", "keys", "log")
}

// A command that cannot work in this mode says so and names an alternative. It makes no file.
func TestFIPSRefused(t *testing.T) {
	home := fipsHome(t)
	const instead, insteadOAEP = "use ECDH-ES or ECDH-ES+A256KW, which are on P-256", "does not allow SHA-1, which RSA-OAEP is made with; use RSA-OAEP-256"
	for _, c := range []struct {
		want string
		args []string
	}{
		{instead, []string{"keys", "init", "--enc", "ECDH-ES/X25519"}},
		{instead, []string{"keys", "import", "../../../testdata/keys/x25519.pem"}},
		{insteadOAEP, []string{"keys", "init", "--enc", "RSA-OAEP"}},
		{insteadOAEP, []string{"keys", "import", "../../../testdata/keys/rsa.pem", "--alg", "RSA-OAEP"}},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), c.args, strings.NewReader(""), &out, &errs)
		if code != console.ExitKey || out.Len() != 0 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: exit code %d: %s", c.args, code, errs.String())
		}
	}
	if _, err := os.Stat(filepath.Join(home, ".local", "share", "sealjwt", "ring")); err == nil {
		t.Error("there is a ring")
	}
}

// Commands work with a passphrase, and with one KEK beside another.
func TestFIPSPassphrase(t *testing.T) {
	home := fipsHome(t)
	phrase := filepath.Join(home, "phrase")
	if err := os.WriteFile(phrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runOK(t, "", "keys", "init", "--passphrase-file", phrase)
	runOK(t, "", "keys", "rotate", "--passphrase-file", phrase)
	fipsPipe(t, []string{"--passphrase-file", phrase}, "--passphrase-file", phrase)
	wrong := filepath.Join(home, "wrong")
	if err := os.WriteFile(wrong, []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"keys", "list", "--passphrase-file", wrong}, strings.NewReader(""), &out, &errs); code != console.ExitKey || out.Len() > 0 {
		t.Errorf("another passphrase: exit code %d: %s", code, errs.String())
	}
}
