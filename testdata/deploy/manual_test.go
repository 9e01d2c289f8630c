package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The manual says in which order the files are used: Kubernetes and systemd refuse each step whose
// predecessor is missing. It names the flags that an operator needs.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../cmd/sealjwt/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(manual), "\n## Run it\n")
	text, _, _ = strings.Cut(text, "\n## ")
	if !ok {
		t.Fatal("the manual does not say how to run it")
	}
	for name, steps := range map[string][]string{
		"systemd": {
			"sealjwt-run /usr/local/sbin/", "sealjwt.sysusers /etc/sysusers.d/", "*.service *.timer /etc/systemd/system/", "\nsystemd-sysusers",
			"\nsystemctl daemon-reload", "/etc/sealjwt\n", ">/etc/sealjwt/kek", "\nsealjwt-run keys init", "\nsystemctl enable --now sealjwt-jwks.service sealjwt-rotate.timer\n",
		},
		"Kubernetes": {
			"create namespace identity\n", "create secret generic sealjwt-kek --from-file=kek\n", "-f secret.yaml", "-f volumes.yaml", "-f init.yaml",
			"job/sealjwt-init\n", "-f jwks.yaml", "-f rotate.yaml",
		},
		"systemd later":    {"`sealjwt-run keys list`", "`sealjwt-run keys revoke ", "`sealjwt-run keys accept`"},
		"Kubernetes later": {"exec deploy/sealjwt-jwks -- /sealjwt keys list"},
		"monitoring":       {"keys rotate --quiet", "--metrics-addr", "-o prometheus", "alerts.yaml", "-o json", "--grace", "--log text"},
	} {
		rest := text
		for _, step := range steps {
			if _, rest, ok = strings.Cut(rest, step); !ok {
				t.Errorf("%s: %q is missing, or stands too early", name, step)
				break
			}
		}
	}
	for _, pattern := range []string{"kubernetes/*.yaml", "systemd/sealjwt-run", "alerts.yaml"} {
		paths, err := filepath.Glob(filepath.Join(files, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s (%v)", pattern, err)
		}
		for _, path := range paths {
			if !strings.Contains(text, filepath.Base(path)) {
				t.Errorf("the manual does not name %s", path)
			}
		}
	}
}

// The example of keys check for a textfile collector replaces the file in one step, also when the check
// fails: the collector would read half of a file that is written in place.
func TestTextfile(t *testing.T) {
	sealjwt := command(t)
	help, err := exec.Command(sealjwt, "keys", "check", "--help").Output()
	example := regexp.MustCompile(`(?m)^  sealjwt (keys check -o prometheus >.*)$`).FindSubmatch(help)
	if err != nil || example == nil {
		t.Fatalf("%v: %s", err, help)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "sealjwt.prom")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", `"$0" `+string(example[1]), sealjwt)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir) // it has no ring
	out, err := cmd.CombinedOutput()
	after, bad := os.Stat(path)
	if bad != nil {
		t.Fatal(bad)
	}
	text, bad := os.ReadFile(path)
	if bad != nil || !strings.HasSuffix(string(text), "\nsealjwt_check_exit_code 5\n") || os.SameFile(before, after) {
		t.Errorf("%s: %v %v: %s, written in place: %t: %s", example[1], err, bad, out, os.SameFile(before, after), text)
	}
}
