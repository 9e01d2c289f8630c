package peers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A scan writes SARIF that the schema of SARIF 2.1.0 accepts, whatever the findings are.
func TestScanSARIF(t *testing.T) {
	schema := sarifSchema(t)
	command := buildCommand(t)
	exposing := compactJWS(`{"email":"ada@example.com","name":"Ada Quillwood","ip":"203.0.113.7","deep":{"phone":"+442079460958"}}`)
	clean := compactJWS(`{"iss":"https://id.example.com","scope":"read"}`)
	tooLong := compactJWS(`{"email":"` + strings.Repeat("x", 3<<20) + `"}`)
	for name, tt := range map[string]struct {
		files map[string]string
		args  []string // after the flags; if there are none, the folder
		stdin string
		found bool
		lacks bool // something could not be read
	}{
		"an empty folder":  {},
		"a clean folder":   {files: map[string]string{"a.log": "nothing\n", "b.log": clean}},
		"a folder":         {files: map[string]string{"a.log": "one\n" + exposing + " " + exposing, "sub/b c#%ü.log": "é😀 " + exposing, "bin": "\x00\x01"}, found: true},
		"a limit":          {files: map[string]string{"a.log": tooLong}, found: true, lacks: true},
		"no such file":     {args: []string{"no such é.log"}, lacks: true},
		"and no such file": {files: map[string]string{"a.log": exposing}, args: []string{"a.log", "nosuch"}, found: true, lacks: true},
		"standard input":   {args: []string{"-"}, stdin: "x\n" + exposing, found: true},
		"no input":         {args: []string{"-"}},
		"a file by itself": {files: map[string]string{"a.log": exposing}, args: []string{"a.log"}, found: true},
		"a quoted claim":   {files: map[string]string{"a.log": compactJWS(`{"a\u0000\"<\u2028😀":{"email":"x"}}`)}, found: true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, text := range tt.files {
				path := filepath.Join(folder, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if tt.args == nil {
				tt.args = []string{folder}
			}
			cmd := exec.CommandContext(t.Context(), command, append([]string{"scan", "-o", "sarif"}, tt.args...)...)
			cmd.Dir, cmd.Stdin = folder, strings.NewReader(tt.stdin)
			out, err := cmd.Output()
			if found := err != nil && cmd.ProcessState.ExitCode() == 6; found != tt.found || !found && (err != nil) != tt.lacks {
				t.Fatalf("%v: %s", err, out)
			}
			log, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(log); err != nil {
				t.Errorf("%v\n%.2000s", err, out)
			}
			if n := len(results(t, out)); (n > 0) != tt.found {
				t.Errorf("%d results", n)
			}
			if done := bytes.Contains(out, []byte(`"executionSuccessful":true}`)); done == tt.lacks {
				t.Errorf("executionSuccessful is %v", done)
			}
		})
	}
}

// Columns count UTF-16 code units, and the run names that unit.
func TestScanSARIFColumns(t *testing.T) {
	command := buildCommand(t)
	exposing := compactJWS(`{"email":"ada@example.com"}`)
	for before, column := range map[string]int{"": 1, "abc ": 5, "é ": 3, "日本語 ": 5, "😀 ": 4, "\uFEFFé ": 3} {
		cmd := exec.CommandContext(t.Context(), command, "scan", "-o", "sarif")
		cmd.Stdin = strings.NewReader(before + exposing + "\n")
		out, _ := cmd.Output() // status 6
		list := results(t, out)
		if len(list) != 1 || list[0].Locations[0].PhysicalLocation.Region.StartColumn != column {
			t.Errorf("%q: %+v, want column %d", before, list, column)
		}
		if !bytes.Contains(out, []byte(`"columnKind":"utf16CodeUnits"`)) {
			t.Errorf("no columnKind in %s", out)
		}
	}
}

// The schema refuses a faulty SARIF log, so the tests above can fail.
func TestSARIFSchemaRefuses(t *testing.T) {
	schema := sarifSchema(t)
	for name, text := range map[string]string{
		"no version":                    `{"runs":[]}`,
		"another version":               `{"version":"2.0.0","runs":[]}`,
		"no tool":                       `{"version":"2.1.0","runs":[{"results":[]}]}`,
		"no message":                    `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"ruleId":"a"}]}]}`,
		"an unknown level":              `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"level":"bad","message":{"text":"a"}}]}]}`,
		"an unknown name":               `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"reslts":[]}]}`,
		"an invocation without its end": `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"invocations":[{}]}]}`,
		"a column of 0": `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"message":{"text":"a"},` +
			`"locations":[{"physicalLocation":{"region":{"startLine":1,"startColumn":0}}}]}]}]}`,
		"not a URI": `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"message":{"text":"a"},` +
			`"locations":[{"physicalLocation":{"artifactLocation":{"uri":"%zz"}}}]}]}]}`,
	} {
		log, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(log) == nil {
			t.Errorf("%s: the schema takes %s", name, text)
		}
	}
}

func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("sarif/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// buildCommand returns the path of a new sealjwt.
func buildCommand(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sealjwt")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/sealjwt")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func compactJWS(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf("%s.%s.%s", encode([]byte(`{"alg":"ES256"}`)), encode([]byte(claims)), encode([]byte("signature")))
}

type sarifResult struct {
	Locations []struct {
		PhysicalLocation struct {
			Region struct{ StartColumn int }
		}
	}
}

func results(t *testing.T, log []byte) []sarifResult {
	t.Helper()
	var l struct {
		Runs []struct{ Results []sarifResult }
	}
	if err := json.Unmarshal(log, &l); err != nil || len(l.Runs) != 1 {
		t.Fatalf("%v: %.500s", err, log)
	}
	return l.Runs[0].Results
}
