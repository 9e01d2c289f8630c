package cli

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// commandSeeds are command lines that reach each verb and most flags, with their standard input: a
// file of the stand, or a text.
var commandSeeds = []struct{ line, stdin string }{
	{"", ""}, {"-h", ""}, {"help seal", ""}, {"seal --help", ""}, {"version", ""}, {"completion bash", ""}, {"sael claims", ""}, {"keys", ""}, {"keys lst", ""},
	{"seal claims", ""}, {"seal", "claims"}, {"seal -", `{"a":1,"a":2}`}, {"seal --iss id --aud api --sub u --ttl 15m --pad 256", "{}"},
	{"seal --typ JWT --replicate iss,aud,sub --allow-readable sub claims", ""}, {"seal --replicate sub claims", ""}, {"seal --ttl 90d claims", ""},
	{"seal --to jwks claims", ""}, {"seal --to key claims", ""}, {"seal --to jwks:email claims", ""}, {"seal --to https:jwks claims", ""},
	{"seal --selective --visible scope --allow-readable sub,email claims", ""}, {"seal --selective --visible scope,email claims", ""},
	{"seal --selective --allow-readable sub --to email=jwks --to *=jwks --aud a --aud b", `{"iss":"id","email":"ada.quillwood@example.com","n":84.50}`},
	{"seal --init --ring new claims", ""}, {"seal --init --ring new --kek-file new.kek claims", ""}, {"seal --init --ring new --iss other claims", ""},
	{"seal --selective --to *,a=jwks claims", ""}, {"seal --selective --to =jwks claims", ""}, {"seal --selective --to jwks:a claims", ""}, {"seal --exp 5 claims", ""}, {"seal claims claims", ""},
	{"open --iss id --aud api token", ""}, {"open --iss id --aud api", "token"}, {"open --iss id --aud api --explain --trust jwks token", ""},
	{"open --iss id --aud api --insecure-at 2026-01-31T12:00:00Z --explain token", ""}, {"open --iss id --aud other --explain token", ""}, {"open --iss id token", ""},
	{"open --iss id --aud api --require email,sub --typ sealed+jwt token", ""}, {"open --iss id --aud api --selective --explain part", ""},
	{"open --iss id --aud api --selective --visible-only --trust jwks part", ""}, {"open --iss id --aud api --selective --require scope part", ""},
	{"open --iss id --aud api --explain part", ""}, {"open --iss id --aud api --trust key token", ""}, {"open --iss id --aud api --explain log", ""},
	{"inspect token", ""}, {"inspect -o json part", ""}, {"inspect", "part"}, {"inspect kek", ""}, {"inspect -ojson", "eyJhbGciOiJub25lIn0.e30."},
	{"scan log", ""}, {"scan -o json --show-values log", ""}, {"scan", "log"}, {"scan ring", ""}, {"scan .", ""}, {"scan", "\x1f\x8b"},
	{"keys init", ""}, {"keys init --ring new --kek-file new.kek --use sig --sig EdDSA --sig-period 30d", ""}, {"keys init --ring new --token-lifetime 0s", ""},
	{"keys list", ""}, {"keys list -o json", ""}, {"keys list --ring claims", ""}, {"keys list --kek-file claims", ""}, {"keys list --passphrase-file kek", ""},
	{"keys check", ""}, {"keys check -o json", ""}, {"keys check -o prometheus --grace 0", ""}, {"keys check -o json --ring nosuch", ""}, {"keys log", ""}, {"keys log -o json", ""}, {"keys export --use sig", ""}, {"keys export --use", ""},
	{"keys rotate --dry-run -o json", ""}, {"keys rotate --now --use enc --insecure-skip-window", ""}, {"keys rotate --now", ""}, {"keys rotate", ""},
	{"keys import key --use enc", ""}, {"keys import --state retired --alg ECDH-ES+A256KW", "key"}, {"keys import --use sig", "key"}, {"keys import jwks", ""},
	{"keys import jwks --state retired", ""}, {"keys import pem --state retired", ""}, {"keys import cert", ""}, {"open --iss id --aud api --trust pem token", ""},
	{"open --iss id --aud api --explain --trust pem token", ""}, {"open --iss id --aud api --trust cert token", ""}, {"seal --to cert claims", ""}, {"seal --to pem claims", ""},
	{"keys import --state active --insecure-skip-window", "key"}, {"keys import --state active", "key"}, {"keys import kek", ""},
	{"keys revoke --all --dry-run", ""}, {"keys revoke --all --erase --reason stolen", ""}, {"keys revoke unknown", ""}, {"keys revoke --reason  x", ""},
	{"keys policy show", ""}, {"keys policy show -o json", ""}, {"keys policy set --token-lifetime 30m --leeway 1m", ""}, {"keys policy set --enc ES256", ""},
	{"keys policy set --cache-age 3650d --dry-run", ""}, {"keys rewrap --add-kek-file new.kek", ""}, {"keys rewrap --add-kek-file new --drop-others --drop-this", ""},
	{"jwks", ""}, {"jwks fetch", ""}, {"jwks fetch jwks", ""}, {"jwks fetch --issuer id", ""}, {"jwks fetch --timeout 1s -o jwks http:jwks", ""},
	{"seal --to email=http:localhost --selective claims", ""}, {"open --trust https:jwks --timeout 0s --iss id --aud api token", ""},
	{"keys rewrap --drop-others", ""}, {"keys rewrap --drop-this", ""}, {"keys list --ring new", ""}, {"keys list --ring= ", ""}, {"seal --unknwon", ""}, {"seal -xyz", ""},
}

// isTame keeps a command inside its folder and off the network. It leaves out the commands that
// take a second: RSA keys are slow to make, and passphrases are slow on purpose. It also leaves out
// completions, which are the work of cobra.
func isTame(line string) bool {
	has := func(word string) bool { return strings.Contains(line, word) }
	makesRSA := (has("RS256") || has("PS256") || has("RSA-OAEP")) && !has("import")
	derives := has("passphrase") && (has("init") || has("rewrap"))
	serves := has("jwks") && has("serve")
	// Without a slash there is no URL, and nothing is fetched.
	return !has("/") && !serves && !has("..") && !has("__complete") && !makesRSA && !derives
}

// FuzzCommandLine runs any command line, whose words are split at each space, with any
// standard input, in a folder with a ring and a file of each kind.
func FuzzCommandLine(f *testing.F) {
	needsRing(f)
	s := newStand(f)
	for _, seed := range commandSeeds {
		if data, ok := s.files[seed.stdin]; ok {
			f.Add(seed.line, data)
			continue
		}
		f.Add(seed.line, []byte(seed.stdin))
	}
	f.Fuzz(func(t *testing.T, line string, stdin []byte) {
		if !isTame(line) {
			return
		}
		args := []string{}
		if line != "" {
			args = strings.Split(line, " ")
		}
		t.Chdir(s.dir)
		var out, errs bytes.Buffer
		code := run(t.Context(), args, bytes.NewReader(stdin), &out, &errs)
		checkStreams(t, line, code, out.String(), errs.String())
		for _, secret := range s.secrets {
			// A user who types a secret, or pipes a key in to see it, knows it already.
			if strings.Contains(out.String()+errs.String(), secret) && !strings.Contains(line, secret) {
				t.Fatalf("sealjwt %q prints a key: %s%s", args, out.String(), errs.String())
			}
		}
		for _, private := range s.private {
			if strings.Contains(errs.String(), private) && !strings.Contains(line, private) {
				t.Fatalf("sealjwt %q shows a claim or a token on stderr: %s", args, errs.String())
			}
		}
		if s.look(t) == s.state {
			return
		}
		// A check with a result also saves a checkpoint of the ring.
		if code != console.ExitDone && code != console.ExitDue {
			t.Fatalf("sealjwt %q: exit code %d, and it has written something:\n%sbefore:\n%s", args, code, s.look(t), s.state)
		}
		s.restore(t)
	})
}

// checkStreams checks what every command owes to scripts and to terminals.
func checkStreams(t *testing.T, line string, code int, out, errs string) {
	t.Helper()
	if code < console.ExitDone || code > console.ExitDue {
		t.Fatalf("exit code %d", code)
	}
	hasResult := code == console.ExitDone || code == console.ExitPolicy && strings.Contains(line, "scan") || code == console.ExitDue && strings.Contains(line, "check") ||
		strings.Contains(line, "keys check") && regexp.MustCompile(fmt.Sprintf(`(?m)"exit_code":%d}$|^sealjwt_check_exit_code %[1]d$`, code)).MatchString(out)
	if !hasResult && out != "" {
		t.Fatalf("exit code %d with a result on stdout: %q", code, out)
	}
	if code != console.ExitDone && errs == "" {
		t.Fatalf("exit code %d, and nothing on stderr", code)
	}
	for line := range strings.Lines(errs) {
		text, whole := strings.CutSuffix(line, "\n")
		if !whole || !strings.HasPrefix(text, "sealjwt: ") || console.Printable(text) != text {
			t.Fatalf("exit code %d with %q on stderr", code, errs)
		}
	}
}
