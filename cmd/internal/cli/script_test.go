package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

const scripts = "../../../testdata/script/*.txtar"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sealjwt": func() { Main(options) }})
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob(scripts)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts at %s (%v)", scripts, err)
	}
	if runtime.GOOS == "windows" {
		files = slices.DeleteFunc(files, makesRing)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		Setup:               setup,
		Condition:           condition,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   cmdExits,
			"partly":  cmdPartly,
			"reports": cmdReports,
			"secrets": cmdSecrets,
			"hidden":  cmdHidden,
			"big":     cmdBig,
			"damage":  cmdDamage,
			"cut":     cmdCut,
			"mode":    cmdMode,
			"kid":     cmdKid,
			"newkey":  cmdNewKey,
			"forge":   cmdForge,
			"served":  cmdServed,
			"logged":  cmdLogged,
			"site":    cmdSite,
			"aged":    cmdAged,
			"copyof":  cmdCopyOf,
			"newcert": cmdNewCert,
			"feed":    cmdFeed,
		},
	})
}

// makesRing reports whether a script makes a ring in a file.
func makesRing(script string) bool {
	text, err := os.ReadFile(script)
	return err == nil && (bytes.Contains(text, []byte("keys init")) || bytes.Contains(text, []byte("--init")))
}

// setup gives every script an empty HOME and the claims files.
func setup(env *testscript.Env) error {
	claims, err := filepath.Abs("../../../testdata/claims")
	if err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("NO_PROXY", "*")
	env.Setenv("CLAIMS", claims)
	env.Setenv("WHO", "--iss=https://id.example.com")
	env.Setenv("ME", "--aud=https://api.example.com")
	env.Values[secretsKey{}] = &[]string{}
	return os.Mkdir(home, 0o700)
}

func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "devfull":
		_, err := os.Stat("/dev/full")
		return err == nil, nil
	}
	return false, errors.New("unknown condition")
}

// cmdExits runs a command and checks its exit code. For every code but 0 it checks all duties of a
// refusal: nothing on stdout, one line on stderr that holds no secret, and no file created, changed
// or removed. Only the code for a due step comes with a result.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	code := refusal(ts, args)
	if code == 0 {
		return
	}
	switch out := ts.ReadFile("stdout"); {
	case code == console.ExitDue && !strings.HasSuffix(out, "\n"):
		ts.Fatalf("something is due, and stdout does not say what: %q", out)
	case code != console.ExitDue && out != "":
		ts.Fatalf("a refusal with a result on stdout: %q", out)
	}
}

// cmdReports runs a command whose stdout a program reads, also after a failure. It checks all that
// exits checks, except that stdout is not empty: it has the exit code, as JSON or as a metric, and
// no more facts than the line on stderr.
func cmdReports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: reports code command [args...]")
	}
	code := refusal(ts, args)
	out := ts.ReadFile("stdout")
	if slices.Contains(args, "prometheus") {
		if !strings.HasSuffix(out, fmt.Sprintf("\nsealjwt_check_exit_code %d\n", code)) {
			ts.Fatalf("exit code %d, and the metrics are %q", code, out)
		}
		return
	}
	var report struct {
		Error    string
		ExitCode int `json:"exit_code"`
	}
	ts.Check(json.Unmarshal([]byte(out), &report))
	if report.ExitCode != code || ts.ReadFile("stderr") != "sealjwt: "+report.Error+"\n" {
		ts.Fatalf("exit code %d with %q and %q", code, out, ts.ReadFile("stderr"))
	}
}

// refusal runs a command, checks its exit code and stderr, and checks that no file has changed.
func refusal(ts *testscript.TestScript, args []string) (code int) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	before := snapshot(ts)
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	if code == 0 {
		return
	}
	checkErrorLine(ts, code, errorLine(ts, args))
	if after := snapshot(ts); after != before {
		ts.Fatalf("a refusal that wrote something:\n%s\nbefore:\n%s", after, before)
	}
	return code
}

// errorLine returns the error on stderr as all verbs but one write it. The verb jwks serve writes
// it to its log.
func errorLine(ts *testscript.TestScript, args []string) string {
	text := ts.ReadFile("stderr")
	if !slices.Contains(args, "serve") || !strings.HasPrefix(text, "{") {
		return text
	}
	var last struct {
		Level, Msg, Error string
		ExitCode          int `json:"exit_code"`
	}
	ts.Check(json.Unmarshal([]byte(text), &last)) // of one line
	if line := strings.TrimSuffix(text, "\n"); last.Level != "ERROR" || last.Msg != "ended" || strconv.Itoa(last.ExitCode) != args[0] || console.Printable(line) != line {
		ts.Fatalf("the log ends with %q", text)
	}
	return "sealjwt: " + last.Error + "\n"
}

// cmdPartly runs a command that does a part of its work. It checks the exit code and all lines on
// stderr.
func cmdPartly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: partly code command [args...]")
	}
	exit, ok := errors.AsType[*exec.ExitError](ts.Exec(args[1], args[2:]...))
	if !ok || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("%v, want exit code %s", exit, args[0])
	}
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		checkErrorLine(ts, exit.ExitCode(), line)
	}
}

func checkErrorLine(ts *testscript.TestScript, code int, text string) {
	line, terminated := strings.CutSuffix(text, "\n")
	switch {
	case !terminated || strings.Contains(line, "\n"):
		ts.Fatalf("an error that is not one line: %q", text)
	case !strings.HasPrefix(line, "sealjwt: "):
		ts.Fatalf("an error that does not begin with the name of the command: %q", line)
	case console.Printable(line) != line:
		ts.Fatalf("an error with control characters: %q", line)
	case code != console.ExitUsage && strings.Contains(line, "--help"):
		ts.Fatalf("an error that is not a usage error and mentions --help: %q", line)
	case len(line) > 500:
		ts.Fatalf("an error of %d bytes: %q", len(line), line)
	}
	for _, s := range *secretsOf(ts) {
		if strings.Contains(line, s) {
			ts.Fatalf("an error that holds the secret %q: %q", s, line)
		}
	}
}

// cmdKid puts the kid of the newest key of a use and a state into a variable: kid VARIABLE USE
// STATE. The environment names the ring.
func cmdKid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: kid variable use state")
	}
	ts.Check(ts.Exec("sealjwt", "keys", "list", "-o", "json"))
	keys, err := readList([]byte(ts.ReadFile("stdout")))
	ts.Check(err)
	for _, k := range slices.Backward(keys) {
		if string(k.Use) == args[1] && string(k.State) == args[2] {
			ts.Setenv(args[0], k.ID)
			return
		}
	}
	ts.Fatalf("no %s %s key in %s", args[2], args[1], ts.ReadFile("stdout"))
}
