package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// A scan of a folder with many files writes one SARIF log. It has all members that the schema of
// SARIF 2.1.0 requires (sections 3.13, 3.14, 3.18, 3.19, 3.27 to 3.30, 3.49), and a rule for each
// result.
func TestScanWritesSARIF(t *testing.T) {
	files := 200
	if os.Getenv("SEALJWT_LONG") != "" {
		files = 10_000
	}
	folder := t.TempDir()
	exposed := compact(someHeader, `{"email":"ada@example.com","user":{"name":"Ada"},"ip":"203.0.113.7"}`, "signature")
	for i := range files {
		name := filepath.Join(folder, fmt.Sprintf("d%d", i%10), fmt.Sprintf("a file %d.log", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("one\n "+exposed+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := scanned(t, strings.NewReader(""), "-o", "sarif", folder)
	if code != console.ExitPolicy || strings.Contains(stdout+stderr, "ada@") || strings.Contains(stdout+stderr, "203.0") || strings.Contains(stdout+stderr, "eyJ") {
		t.Fatalf("exit code %d, %.500s", code, stdout)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID, Level string
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &log); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name == "" {
		t.Fatalf("%v, %+v", err, log)
	}
	rules := make(map[string]bool)
	for _, r := range log.Runs[0].Tool.Driver.Rules {
		if r.ID == "" || rules[r.ID] {
			t.Errorf("rule %q twice, or without id", r.ID)
		}
		rules[r.ID] = true
	}
	uris := make(map[string]int)
	for _, r := range log.Runs[0].Results {
		if !rules[r.RuleID] || r.Level != "warning" || r.Message.Text == "" || len(r.Locations) != 1 || len(r.PartialFingerprints) != 1 {
			t.Fatalf("%+v", r)
		}
		at := r.Locations[0].PhysicalLocation
		if at.Region.StartLine != 2 || at.Region.StartColumn != 2 || strings.Contains(at.ArtifactLocation.URI, " ") {
			t.Fatalf("%+v", at)
		}
		uris[at.ArtifactLocation.URI]++
	}
	if len(uris) != files || len(log.Runs[0].Results) != 3*files || len(rules) != 3 {
		t.Errorf("%d files, %d results, %d rules", len(uris), len(log.Runs[0].Results), len(rules))
	}
}

// A URI of a file is absolute on each system (RFC 8089).
func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{
		"/var/log/app.log": "file:///var/log/app.log", "C:/logs/app.log": "file:///C:/logs/app.log", "c:/a b#?.log": "file:///c:/a%20b%23%3F.log",
		"//server/logs/app.log": "file://server/logs/app.log",
	} {
		if got := fileURI(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for name, want := range map[string]string{"-": "stdin", "a b/c": "a%20b/c", "C:log": "./C:log"} {
		if got := wholeFile(name).Physical.Artifact.URI; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Each rule has help of its own: a limit is nothing that a person seals.
func TestSARIFHelp(t *testing.T) {
	for input, want := range map[string]string{"\x1f\x8b\x08": helpLimit, compact(someHeader, `{"email":"ada@example.com"}`, "s"): helpReadable} {
		_, stdout, _ := scanned(t, strings.NewReader(input), "-o", "sarif")
		if strings.Count(stdout, `"help":{"text":`) != 1 || !strings.Contains(stdout, `"help":{"text":"`+want+`"}`) {
			t.Error(stdout)
		}
	}
}
