package deploy

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

type rule struct{ Alert, Expr string }

// alerts returns the rules of the alarms.
func alerts(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	readYAML(t, files+"/alerts.yaml", &file)
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) == 0 {
		t.Fatalf("%+v", file)
	}
	return file.Groups[0].Rules
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// promtool runs alerts.yaml of this folder. It has each alert in a test of its own, where the alert
// first is silent and then fires, and in a test where all is well.
func TestAlertsAreTested(t *testing.T) {
	var file struct {
		Tests []struct {
			Name  string
			Cases []struct {
				Alert  string `json:"alertname"`
				Expect []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	readYAML(t, "alerts.yaml", &file)
	fires := map[string][]bool{} // by test and alert
	for _, test := range file.Tests {
		for _, c := range test.Cases {
			key := test.Name + ": " + c.Alert
			fires[key] = append(fires[key], len(c.Expect) > 0)
		}
	}
	for _, r := range alerts(t) {
		if !slices.Equal(fires["all is well: "+r.Alert], []bool{false}) || !slices.Equal(fires[r.Alert+": "+r.Alert], []bool{false, true}) {
			t.Errorf("%s is not tested", r.Alert)
		}
	}
}

var (
	selector  = regexp.MustCompile(`(sealjwt_\w+)(?:\{(\w+="\w+")\})?`)
	metricsAt = regexp.MustCompile(`"msg":"serving metrics","url":"([^"]+)"`)
)

// A server that has just started exports every series on which there is an alarm: an alarm on a
// series that does not exist never fires.
func TestAlertsHaveSeries(t *testing.T) {
	dir := t.TempDir()
	sealjwt := command(t)
	run := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), sealjwt, args...)
		cmd.Env = []string{"HOME=" + dir, "SEALJWT_RING=" + filepath.Join(dir, "ring"), "SEALJWT_KEK_FILE=" + filepath.Join(dir, "kek")}
		return cmd
	}
	if out, err := run("keys", "init").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	server := run("jwks", "serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0")
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Wait()
	defer server.Process.Kill()
	url := ""
	for lines := bufio.NewScanner(stderr); url == "" && lines.Scan(); {
		if match := metricsAt.FindStringSubmatch(lines.Text()); match != nil {
			url = match[1]
		}
	}
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range alerts(t) {
		names := selector.FindAllStringSubmatch(r.Expr, -1)
		if len(names) == 0 {
			t.Errorf("%s has no series", r.Alert)
		}
		for _, name := range names {
			if !slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
				return name[2] == "" && strings.HasPrefix(line, name[1]+" ") || name[2] != "" && strings.HasPrefix(line, name[1]+"{") && strings.Contains(line, name[2])
			}) {
				t.Errorf("%s: there is no %s in\n%s", r.Alert, name[0], text)
			}
		}
	}
}
