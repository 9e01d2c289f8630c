package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// showing are the functions that may take the text of an error, because they show it to a person.
// Any other function could search or cut the
// text, and would fail without a sign when a library words an error differently. errors.Is and
// errors.AsType decide instead.
var showing = []string{"Say", "forgets", "Warn", "Error", "Sprintf"}

// plainSource drops the names of packages, decides nothing, and cuts each text only at its front.
const plainSource = "../console/plain.go"

// The command neither searches nor cuts the text of an error.
func TestNoErrorTextIsSearched(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || filepath.ToSlash(file) == plainSource {
			continue
		}
		seen++
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range searchedErrors(parsed) {
			t.Errorf("%s: the text of an error is searched, cut or compared; ask with errors.Is or errors.AsType", set.Position(at))
		}
	}
	if seen < 130 {
		t.Errorf("only %d files were read", seen)
	}
}

// The check finds each way to search a text.
func TestSearchedErrors(t *testing.T) {
	for body, want := range map[string]int{
		`strings.Contains(err.Error(), "x")`:                         1,
		`strings.Cut(strings.ToLower(err.Error()), "x")`:             2,
		`text := err.Error(); strings.HasPrefix(text, "x")`:          1,
		`var text = "a" + err.Error(); strings.HasPrefix(text, "x")`: 1,
		`if text := err.Error(); pattern.MatchString(text) { f() }`:  1,
		`f(f.err.Error())`:                                            1,
		`if err.Error() == "x" { f() }`:                               1,
		`switch err.Error() { case "x": }`:                            1,
		`_ = err.Error()[3:]`:                                         1,
		`text := err.Error(); _ = text[3:]`:                           1,
		`strings.Contains(fmt.Sprint(err), "x")`:                      1,
		`text := fmt.Sprintf("%v", err); strings.Contains(text, "x")`: 1,
		`a.Say("%s", console.Plain(err))`:                             0,
		`text := "a: " + err.Error(); a.Say("%s", text)`:              0,
		`errors.Is(err, target)`:                                      0,
		`strings.Contains(name, "x")`:                                 0,
		`text := fmt.Sprintf("%d", n); strings.Contains(text, "x")`:   0,
		`text := console.Plain(err); strings.Contains(text, "x")`:     1,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", "package main\nfunc _() {"+body+"}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := searchedErrors(parsed); len(got) != want {
			t.Errorf("%s: %d places, want %d", body, len(got), want)
		}
	}
}

// searchedErrors returns the places where the text of an error is an operand of a comparison, of a
// switch or of an index, or an argument of a function outside showing.
func searchedErrors(file *ast.File) (places []token.Pos) {
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		texts := errorTexts(fn.Body)
		check := func(operands ...ast.Expr) {
			for _, x := range operands {
				if x != nil && isErrorText(x, texts) {
					places = append(places, x.Pos())
				}
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if !slices.Contains(showing, lastOf(calleeOf(n))) {
					check(n.Args...)
				}
			case *ast.BinaryExpr:
				if n.Op != token.ADD {
					check(n.X, n.Y)
				}
			case *ast.SwitchStmt:
				check(n.Tag)
			case *ast.SliceExpr:
				check(n.X)
			case *ast.IndexExpr:
				check(n.X)
			case *ast.RangeStmt:
				check(n.X)
			}
			return true
		})
	}
	return places
}

// errorTexts returns the variables of a function that hold the text of an error.
func errorTexts(body *ast.BlockStmt) map[string]bool {
	texts := make(map[string]bool)
	note := func(left ast.Expr, right ast.Expr) {
		if name, ok := left.(*ast.Ident); ok && isErrorText(right, texts) {
			texts[name.Name] = true
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i := range min(len(n.Lhs), len(n.Rhs)) {
				note(n.Lhs[i], n.Rhs[i])
			}
		case *ast.ValueSpec:
			for i := range min(len(n.Names), len(n.Values)) {
				note(n.Names[i], n.Values[i])
			}
		}
		return true
	})
	return texts
}

// isErrorText reports whether an expression holds the text of an error: x.Error(), a variable with
// such a text, or a function or + that makes a text from one.
func isErrorText(x ast.Expr, texts map[string]bool) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return texts[x.Name]
	case *ast.ParenExpr:
		return isErrorText(x.X, texts)
	case *ast.BinaryExpr:
		return x.Op == token.ADD && (isErrorText(x.X, texts) || isErrorText(x.Y, texts))
	case *ast.CallExpr:
		callee := calleeOf(x)
		if strings.HasSuffix(callee, ".Error") && len(x.Args) == 0 || lastOf(callee) == "Plain" {
			return true
		}
		for _, arg := range x.Args {
			name, isName := arg.(*ast.Ident)
			if isErrorText(arg, texts) || isName && name.Name == "err" && strings.HasPrefix(callee, "fmt.Sprint") {
				return true
			}
		}
	}
	return false
}

// lastOf returns the last name of a callee: Cut of strings.Cut.
func lastOf(callee string) string { return callee[strings.LastIndexByte(callee, '.')+1:] }

// calleeOf returns the name of a called function in the spelling of the source, such as
// strings.Cut.
func calleeOf(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		switch x := f.X.(type) {
		case *ast.Ident:
			return x.Name + "." + f.Sel.Name
		case *ast.SelectorExpr:
			if base, ok := x.X.(*ast.Ident); ok {
				return base.Name + "." + x.Sel.Name + "." + f.Sel.Name
			}
		}
		return "." + f.Sel.Name
	}
	return ""
}
