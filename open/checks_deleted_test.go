package open_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutant is a test binary of this package and package keys. A number switches one check off.
type mutant struct{ binary string }

const mutantVariable = "SEALJWT_WITHOUT_CHECK"

// build rewrites every condition c into c && checked(n), and every entry e of a list into listed(n,
// e), which returns another text.
func build(t *testing.T, all map[string][]check) (m mutant, numbers map[string]int) {
	t.Helper()
	dir := t.TempDir()
	overlay := make(map[string]string)
	numbers = make(map[string]int)
	for path, checks := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(checks, func(a, b check) int { return b.lo - a.lo })
		for _, c := range checks {
			n := len(numbers) + 1
			numbers[c.id] = n
			format := "(checked(%d) && (%s))"
			if c.entry {
				format = "listed(%d, %s)"
			}
			text = slices.Concat(text[:c.lo], fmt.Appendf(nil, format, n, text[c.lo:c.hi]), text[c.hi:])
		}
		overlay[absolute(t, path)] = write(t, dir, strings.ReplaceAll(path, string(filepath.Separator), "-"), text)
	}
	for pkg, folder := range map[string]string{"open": ".", "keys": keysFolder} {
		overlay[absolute(t, filepath.Join(folder, "checked.go"))] = write(t, dir, "checked-"+pkg+".go", []byte("package "+pkg+checkedSource))
	}
	replace, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	m = mutant{filepath.Join(dir, "open.test")}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", m.binary, "-overlay", write(t, dir, "overlay.json", replace), ".").CombinedOutput()
	if err != nil {
		t.Fatalf("the mutant cannot be built: %v\n%s", err, out)
	}
	return m, numbers
}

// checkedSource is added to the files of a mutant package.
const checkedSource = `

import (
	"os"
	"strconv"
)

var without, _ = strconv.Atoi(os.Getenv("` + mutantVariable + `"))

func checked(n int) bool { return n != without }

func listed(n int, name string) string {
	if checked(n) {
		return name
	}
	return "not " + name
}
`

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs tests without one check, or with all checks if without is 0. It reports whether they
// passed.
func (m mutant) run(t *testing.T, tests string, without int) (passed bool, out []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), m.binary, "-test.short", "-test.failfast", "-test.run", tests, "-test.timeout", "100s")
	cmd.Env = append(os.Environ(), mutantVariable+"="+strconv.Itoa(without), "SEALJWT_LONG=")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err == nil, out
}

// pattern returns the -run pattern for names of tests and of classes of TestBattery.
func pattern(names string) string {
	parts := strings.Split(strings.ReplaceAll(names, "`", ""), ", ")
	for i, part := range parts {
		parts[i] = "^" + strings.ReplaceAll(part, "/", "$/^") + "$"
	}
	return strings.ReplaceAll(strings.Join(parts, "|"), "+", `\+`)
}

var failedTest = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// search looks for a test that fails without a check: first in the battery, and then in all tests.
func (m mutant) search(t *testing.T, without int) string {
	t.Helper()
	for _, tests := range []string{"^TestBattery$/./^ES256_ECDH-ES$", "^TestBattery$", "."} {
		passed, out := m.run(t, tests, without)
		if passed {
			continue
		}
		for _, name := range slices.Backward(failedTest.FindAllSubmatch(out, -1)) {
			if test := string(name[1]); strings.HasPrefix(test, "TestBattery/") && strings.Count(test, "/") == 3 {
				return "`" + test + "`"
			}
		}
		if name := failedTest.FindSubmatch(out); name != nil {
			return "`" + string(name[1]) + "`"
		}
	}
	return ""
}

// TestChecksAreTested deletes each check and runs the test that the table names. With -update it
// searches for another test if the named one does not fail or does not exist.
func TestChecksAreTested(t *testing.T) {
	if os.Getenv("SEALJWT_LONG") == "" {
		t.Skip("set SEALJWT_LONG=1 to delete every check in turn")
	}
	lines, rows := listedChecks(t)
	matched := matchChecks(rows, sortedChecks(t))
	m, numbers := build(t, allChecks(t))
	good := make(map[string]func() bool)
	for _, r := range rows {
		if tests := pattern(r.tests); good[tests] == nil {
			good[tests] = sync.OnceValue(func() bool {
				passed, out := m.run(t, tests, 0)
				passed = passed && !bytes.Contains(out, []byte("no tests to run"))
				if !passed && !*writeChecks {
					t.Errorf("%s fails, or is not there, with all checks in place:\n%s", r.tests, out)
				}
				return passed
			})
		}
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, 2)
	deleted := 0
	for _, r := range rows {
		c, ok := matched[r.line]
		if !ok || strings.HasPrefix(r.tests, "none: ") {
			continue
		}
		deleted++
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			tests := pattern(r.tests)
			if good[tests]() {
				if passed, _ := m.run(t, tests, numbers[c.id]); !passed {
					return
				}
			}
			if *writeChecks {
				if other := m.search(t, numbers[c.id]); other != "" {
					lines[r.line] = c.row(r.promise, other)
					return
				}
			}
			t.Errorf("%s: %s passes without it", c.id, r.tests)
		})
	}
	group.Wait()
	t.Logf("%d checks deleted in turn", deleted)
	if *writeChecks {
		writeLines(t, lines)
	}
}
