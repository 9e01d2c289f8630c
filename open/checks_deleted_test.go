package open_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutant is a test binary of this package, with package keys, in which one check can be
// switched off by its number.
type mutant struct{ binary string }

const mutantVariable = "SEALJWT_WITHOUT_CHECK"

// build rewrites every condition c into c && checked(n), and every entry e of a list
// into listed(n, e), which is another text.
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

// checkedSource is what a mutant package has besides its own files.
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

// run runs tests without one check, 0 for with all, and reports whether they passed.
func (m mutant) run(t *testing.T, tests string, without int) (passed bool, out []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), m.binary, "-test.short", "-test.failfast", "-test.run", tests, "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), mutantVariable+"="+strconv.Itoa(without), "SEALJWT_LONG=")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err == nil, out
}

// TestChecksAreTested deletes every check and runs the test that the table names.
func TestChecksAreTested(t *testing.T) {
	if os.Getenv("SEALJWT_LONG") == "" {
		t.Skip("set SEALJWT_LONG=1 to delete every check in turn")
	}
	all := allChecks(t)
	rows := listedChecks(t)
	m, numbers := build(t, all)
	var group sync.WaitGroup
	slots := make(chan struct{}, 2)
	deleted, good := 0, make(map[string]func() bool)
	for id, n := range numbers {
		names := strings.ReplaceAll(rows[id].tests, "`", "")
		if strings.HasPrefix(names, "none: ") {
			continue
		}
		deleted++
		pattern := "^(" + strings.ReplaceAll(names, ", ", "|") + ")$"
		if good[pattern] == nil {
			good[pattern] = sync.OnceValue(func() bool {
				passed, out := m.run(t, pattern, 0)
				passed = passed && !bytes.Contains(out, []byte("no tests to run"))
				if !passed {
					t.Errorf("%s fails, or is not there, with all checks in place:\n%s", names, out)
				}
				return passed
			})
		}
		isGood := good[pattern]
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if !isGood() {
				return
			}
			if passed, _ := m.run(t, pattern, n); passed {
				t.Errorf("%s: %s passes without it", id, names)
			}
		})
	}
	group.Wait()
	t.Logf("%d checks deleted in turn", deleted)
}
