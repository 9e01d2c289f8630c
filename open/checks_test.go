package open_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
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

// checks.md lists every check of this package with a test that fails when it is
// deleted. The source is read here, so that a check that is not in the list, and a
// list that is not of this source, is a failure; with SEALJWT_LONG=1 each check is
// deleted in turn and its test is run.
const checksFile = "checks.md"

// check is one condition that makes Open refuse a token or New a configuration; of
// a || b each side is one.
type check struct {
	id       string // function: condition
	lo, hi   int    // of the condition in its file, bytes
	position token.Position
}

// sourceChecks finds the checks of a file: the conditions in front of what returns a
// refusal.
func sourceChecks(t *testing.T, path string) []check {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []check
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		add := func(cond ast.Expr) {
			for _, operand := range operands(cond) {
				var text bytes.Buffer
				printer.Fprint(&text, set, operand)
				id := f.Name.Name + ": " + strings.Join(strings.Fields(text.String()), " ")
				found = append(found, check{id, set.Position(operand.Pos()).Offset, set.Position(operand.End()).Offset, set.Position(operand.Pos())})
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch s := n.(type) {
			case *ast.IfStmt:
				if refuses(f.Name.Name, s.Body.List) {
					add(s.Cond)
				}
			case *ast.CaseClause:
				if refuses(f.Name.Name, s.Body) {
					for _, cond := range s.List {
						add(cond)
					}
				}
			}
			return true
		})
	}
	return found
}

// operands are the sides of a || b.
func operands(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == token.LOR {
		return append(operands(b.X), operands(b.Y)...)
	}
	return []ast.Expr{e}
}

// refuses reports whether the statements end in the return of an error, of false, or,
// in a function that names a problem, of the text that does.
func refuses(function string, body []ast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	r, ok := body[len(body)-1].(*ast.ReturnStmt)
	if !ok || len(r.Results) == 0 {
		return false
	}
	problem := strings.HasSuffix(strings.ToLower(function), "problem")
	switch last := r.Results[len(r.Results)-1].(type) {
	case *ast.CallExpr:
		name, _ := last.Fun.(*ast.Ident)
		return name != nil && strings.HasPrefix(name.Name, "refuse") || isCall(last, "fmt", "Errorf") || problem && isCall(last, "fmt", "Sprintf")
	case *ast.Ident:
		return last.Name == "err" || last.Name == "failed" || last.Name == "false" || strings.HasPrefix(last.Name, "Err")
	case *ast.BasicLit:
		return problem && last.Kind == token.STRING
	}
	return false
}

func isCall(c *ast.CallExpr, pkg, name string) bool {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// allChecks are those of all files, with the ids that occur twice numbered.
func allChecks(t *testing.T) map[string][]check {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	all := make(map[string][]check)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || path == "errors.go" || path == "token.go" { // which come after
			continue
		}
		checks := sourceChecks(t, path)
		for i, c := range checks {
			if seen[c.id]++; seen[c.id] > 1 {
				checks[i].id += fmt.Sprintf(" #%d", seen[c.id])
			}
		}
		all[path] = checks
	}
	if len(seen) < 50 {
		t.Fatalf("only %d checks found", len(seen))
	}
	return all
}

// listed is a row of the table.
type listed struct{ promise, tests string }

var tableRow = regexp.MustCompile("^\\| (.*) \\| `(.*)` \\| (.*) \\|$")

// listedChecks reads the table; what a test name column holds is a list of names, or
// "none: " and the reason.
func listedChecks(t *testing.T) map[string]listed {
	t.Helper()
	data, err := os.ReadFile(checksFile)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]listed)
	for _, line := range strings.Split(string(data), "\n") {
		m := tableRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		id := strings.ReplaceAll(m[2], `\|`, "|")
		if _, twice := rows[id]; twice {
			t.Errorf("%s: %q stands there twice", checksFile, id)
		}
		rows[id] = listed{m[1], m[3]}
	}
	return rows
}

// TestChecksAreListed: the table and the source are the same.
func TestChecksAreListed(t *testing.T) {
	t.Parallel()
	rows := listedChecks(t)
	for _, checks := range allChecks(t) {
		for _, c := range checks {
			row, ok := rows[c.id]
			if !ok {
				t.Errorf("%v: not in %s: %s", c.position, checksFile, c.id)
			} else if row.promise == "" || row.tests == "" {
				t.Errorf("%v: no promise or no test: %s", c.position, c.id)
			}
			delete(rows, c.id)
		}
	}
	for id := range rows {
		t.Errorf("%s: there is no such check: %s", checksFile, id)
	}
}

// mutant is a test binary of this package in which one check can be switched off by
// its number.
type mutant struct{ binary string }

const mutantVariable = "SEALJWT_WITHOUT_CHECK"

// build rewrites every condition c into c && checked(n).
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
			text = slices.Concat(text[:c.lo], fmt.Appendf(nil, "(checked(%d) && (%s))", n, text[c.lo:c.hi]), text[c.hi:])
		}
		overlay[absolute(t, path)] = write(t, dir, path, text)
	}
	overlay[absolute(t, "checked.go")] = write(t, dir, "checked.go", []byte(`package open

import (
	"os"
	"strconv"
)

var without, _ = strconv.Atoi(os.Getenv("`+mutantVariable+`"))

func checked(n int) bool { return n != without }
`))
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
