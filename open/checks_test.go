package open_test

import (
	"bytes"
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

// checks.md lists every check of this package, and of the keys that decrypt and verify
// for it, with a test of this package that fails when the check is deleted. The source is
// read here, so that a check that is not in the list, and a list that is not of this
// source, is a failure; with SEALJWT_LONG=1 each check is deleted in turn and its test is
// run.
const checksFile = "checks.md"

// keysFolder is package keys. Its checks have "keys." before their function.
const keysFolder = "../keys"

// keysFiles are the files of package keys that judge tokens. The functions behind each do
// not: they are for a sender, or for other parties' keys.
var keysFiles = map[string][]string{
	"content.go":    {"mode", "newGCM", "newCBC"},
	"header.go":     nil,
	"management.go": {"send", "wrapKey"},
	"publicset.go":  {"newPublicSet", "EncryptionKey", "noEncryptionKey", "MarshalJSON"},
	"recipient.go":  nil,
	"sign.go":       {"Sign", "sign", "cutElement", "fillInteger"},
}

// check is one condition that makes Open refuse a token or New a configuration; of
// a || b each side is one. The entries of some lists of names are checks, too.
type check struct {
	id       string // function: condition, or list: entry
	lo, hi   int    // of the condition or entry in its file, bytes
	position token.Position
	entry    bool
}

// checkedLists are the lists whose entries are checks.
var checkedLists = []string{"refusedMembers", "knownMembers", "registeredNames", "foreignClaims"}

// sourceChecks finds the checks of a file: the conditions in front of what returns a
// refusal, and the entries of those lists.
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

// conditions are those in a function in front of what returns a refusal.
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

// operands are the sides of a || b.
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

// allChecks are those of all files, with the ids that occur twice numbered.
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

// TestListedTestsExist: whatever test the list names is there.
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
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(list, -1) {
		if !bytes.Contains(source, []byte("func "+string(name[1])+"(")) {
			t.Errorf("%s: there is no %s", checksFile, name[1])
		}
	}
}
