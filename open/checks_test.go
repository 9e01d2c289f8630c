package open_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checks.md lists every check of this package, and of the keys that decrypt and verify for it. For
// each it names a test of this package that fails when the check is deleted. The test here reads
// the source, and fails if the list and the source differ. With SEALJWT_LONG=1 each check is
// deleted in turn and its test is run.
const checksFile = "checks.md"

// keysFolder is package keys. Its checks have "keys." before their function.
const keysFolder = "../keys"

// keysFiles lists the files of package keys that judge tokens. The functions after each file name
// do not judge them: they are for a sender, or for foreign keys.
var keysFiles = map[string][]string{
	"content.go":    {"mode", "newGCM", "newCBC"},
	"header.go":     nil,
	"management.go": {"send", "wrapKey"},
	"publicset.go":  {"newPublicSet", "EncryptionKey", "noEncryptionKey", "MarshalJSON"},
	"recipient.go":  nil,
	"sign.go":       {"Sign", "sign", "cutElement", "fillInteger"},
}

// check is one condition that makes Open refuse a token, or New a configuration. Each side of a ||
// b is one. The entries of some lists of names are checks, too.
type check struct {
	id       string // function: condition, or list: entry
	lo, hi   int    // bytes in the file from which and to which the condition or entry stands
	position token.Position
	entry    bool
}

// checkedLists names the lists whose entries are checks.
var checkedLists = []string{"refusedMembers", "knownMembers", "registeredNames", "foreignClaims"}

// sourceChecks returns the checks of a file: the conditions before a return of a refusal, and the
// entries of those lists.
func sourceChecks(t *testing.T, path string) []check {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []check
	add := func(in string, e ast.Expr, entry bool) {
		var text bytes.Buffer
		printer.Fprint(&text, set, e)
		id := in + ": " + strings.Join(strings.Fields(text.String()), " ")
		found = append(found, check{id, set.Position(e.Pos()).Offset, set.Position(e.End()).Offset, set.Position(e.Pos()), entry})
	}
	for _, d := range file.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			list, ok := n.(*ast.ValueSpec)
			if ok && slices.Contains(checkedLists, list.Names[0].Name) {
				for _, entry := range list.Values[0].(*ast.CompositeLit).Elts {
					add(list.Names[0].Name, entry, true)
				}
			}
			return true
		})
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		name := f.Name.Name
		if folder, file := filepath.Split(path); filepath.Clean(folder) == keysFolder {
			if slices.Contains(keysFiles[file], name) {
				continue
			}
			name = "keys." + name
		}
		for _, cond := range conditions(f) {
			for _, operand := range operands(cond) {
				add(name, operand, false)
			}
		}
	}
	return found
}

// conditions returns the conditions in a function before a return of a refusal.
func conditions(f *ast.FuncDecl) (found []ast.Expr) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.IfStmt:
			if refuses(s.Body.List) {
				found = append(found, s.Cond)
			}
		case *ast.CaseClause:
			if refuses(s.Body) {
				found = append(found, s.List...)
			}
		}
		return true
	})
	return found
}

// operands returns both sides of a || b.
func operands(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == token.LOR {
		return append(operands(b.X), operands(b.Y)...)
	}
	return []ast.Expr{e}
}

// refuses reports whether the statements end in the return of an error or of false.
func refuses(body []ast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	r, ok := body[len(body)-1].(*ast.ReturnStmt)
	if !ok || len(r.Results) == 0 {
		return false
	}
	switch last := r.Results[len(r.Results)-1].(type) {
	case *ast.CallExpr:
		name, _ := last.Fun.(*ast.Ident)
		return name != nil && (strings.HasPrefix(name.Name, "refuse") || name.Name == "configError") || isCall(last, "fmt", "Errorf")
	case *ast.Ident:
		return last.Name == "failed" || last.Name == "false" || strings.HasPrefix(strings.ToLower(last.Name), "err")
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

// allChecks returns the checks of all files. If an id occurs twice, it gets a number.
func allChecks(t *testing.T) map[string][]check {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range slices.Sorted(maps.Keys(keysFiles)) {
		paths = append(paths, filepath.Join(keysFolder, file))
	}
	seen := make(map[string]int)
	all := make(map[string][]check)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || path == "errors.go" || path == "token.go" { // these come after the checks
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

// checkRow is a row of the table: a line of checks.md and its cells.
type checkRow struct {
	line                int
	promise, id, tests  string
	function, condition string // of the id, without a number
}

var (
	tableRow    = regexp.MustCompile("^\\| (.*) \\| `(.*)` \\| (.*) \\|$")
	writeChecks = flag.Bool("update", false, "write checks.md anew")
)

// listedChecks reads the table. The column with the test names tests, or says "none: " and the
// reason.
func listedChecks(t *testing.T) (lines []string, rows []checkRow) {
	t.Helper()
	data, err := os.ReadFile(checksFile)
	if err != nil {
		t.Fatal(err)
	}
	lines = strings.Split(string(data), "\n")
	for i, line := range lines {
		if m := tableRow.FindStringSubmatch(line); m != nil {
			id := strings.ReplaceAll(m[2], `\|`, "|")
			function, condition := splitID(id)
			rows = append(rows, checkRow{i, m[1], id, m[3], function, condition})
		}
	}
	return lines, rows
}

var numbered = regexp.MustCompile(` #\d+$`)

// splitID returns the function and the condition of an id.
func splitID(id string) (function, condition string) {
	function, condition, _ = strings.Cut(id, ": ")
	return function, numbered.ReplaceAllString(condition, "")
}

// matchChecks returns the check of each row, by line. Usually a row has the id of its check. If a
// function with checks, or one that a condition calls, was renamed, the row follows it: the
// function has the same conditions under another name, or the same number of conditions under its
// name.
func matchChecks(rows []checkRow, checks []check) map[int]check {
	matched, listed, byID := make(map[int]check), make(map[string]bool), make(map[string]check)
	before, now := make(map[string][]checkRow), make(map[string][]check) // for each function the rows and the checks without a namesake
	for _, c := range checks {
		byID[c.id] = c
	}
	for _, r := range rows {
		if listed[r.id] = true; byID[r.id].id == "" {
			before[r.function] = append(before[r.function], r)
		} else {
			matched[r.line] = byID[r.id]
		}
	}
	for _, c := range checks {
		if function, _ := splitID(c.id); !listed[c.id] {
			now[function] = append(now[function], c)
		}
	}
	claims := make(map[string]int) // rows of several functions may match one check
	for function, old := range before {
		candidates := [][]check{now[function]}
		for _, renamed := range now {
			if slices.EqualFunc(old, renamed, func(r checkRow, c check) bool { _, condition := splitID(c.id); return r.condition == condition }) {
				candidates = append(candidates, renamed)
			}
		}
		candidates = slices.DeleteFunc(candidates, func(cs []check) bool { return len(cs) != len(old) })
		for i, r := range old {
			if len(candidates) == 1 { // otherwise a person has to decide
				matched[r.line] = candidates[0][i]
				claims[candidates[0][i].id]++
			}
		}
	}
	maps.DeleteFunc(matched, func(_ int, c check) bool { return claims[c.id] > 1 })
	return matched
}

// A row follows its check when a function is renamed.
func TestRenamedFunctions(t *testing.T) {
	t.Parallel()
	rows := []checkRow{
		{line: 1, id: "stays: isBad(x)", function: "stays", condition: "isBad(x)"}, {line: 2, id: "stays: err != nil", function: "stays", condition: "err != nil"},
		{line: 3, id: "old: err != nil", function: "old", condition: "err != nil"}, {line: 4, id: "old: n < 2", function: "old", condition: "n < 2"},
		{line: 5, id: "gone: n < 3", function: "gone", condition: "n < 3"},
		{line: 6, id: "a: y", function: "a", condition: "y"}, {line: 7, id: "b: y", function: "b", condition: "y"},
	}
	checks := []check{{id: "c: y"}, {id: "renamed: err != nil"}, {id: "renamed: n < 2"}, {id: "stays: isWorse(x)"}, {id: "stays: err != nil"}, {id: "fresh: n < 4"}}
	got := matchChecks(rows, checks)
	for line, id := range map[int]string{1: "stays: isWorse(x)", 2: "stays: err != nil", 3: "renamed: err != nil", 4: "renamed: n < 2", 5: "", 6: "", 7: ""} {
		if got[line].id != id {
			t.Errorf("row %d is matched with %q, want %q", line, got[line].id, id)
		}
	}
}

// sortedChecks returns the checks of all files, in the order of the files.
func sortedChecks(t *testing.T) (checks []check) {
	all := allChecks(t)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		checks = append(checks, all[path]...)
	}
	return checks
}

// The table and the source agree. With -update the test writes the table again. A row follows its
// check, and the row of a deleted check is removed. A new check stands at the end, and a person has
// to describe it.
func TestChecksAreListed(t *testing.T) {
	lines, rows := listedChecks(t)
	checks := sortedChecks(t)
	matched := matchChecks(rows, checks)
	found := make(map[string]bool)
	var gone []int
	for _, r := range rows {
		c, ok := matched[r.line]
		switch {
		case !ok:
			gone = append(gone, r.line)
			t.Errorf("%s: there is no such check: %s; run this test with -update", checksFile, r.id)
		case r.promise == "" || r.promise == "?" || r.tests == "":
			t.Errorf("%v: %s does not say what %s refuses, or which test needs it", c.position, checksFile, c.id)
		}
		found[c.id] = true
		lines[r.line] = c.row(r.promise, r.tests)
	}
	for _, c := range checks {
		if !found[c.id] {
			t.Errorf("%v: not in %s: %s; run this test with -update", c.position, checksFile, c.id)
			lines = append(lines, c.row("?", "`?`"))
		}
	}
	if !*writeChecks {
		return
	}
	for _, line := range slices.Backward(gone) {
		lines = slices.Delete(lines, line, line+1)
	}
	writeLines(t, lines)
}

// row returns the line of the table.
func (c check) row(promise, tests string) string {
	return fmt.Sprintf("| %s | `%s` | %s |", promise, strings.ReplaceAll(c.id, "|", `\|`), tests)
}

func writeLines(t *testing.T, lines []string) {
	t.Helper()
	if err := os.WriteFile(checksFile, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every test that the table names exists.
func TestListedTestsExist(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	list, err := os.ReadFile(checksFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`(Test\\w+)").FindAllSubmatch(list, -1) {
		if !bytes.Contains(source, []byte("func "+string(name[1])+"(")) {
			t.Errorf("%s: there is no %s", checksFile, name[1])
		}
	}
}
