package system_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shown are the exceptions: types that show a canary, with the way and the reason.
var shown = map[string]struct {
	ways []string
	why  string
}{
	"seal.Claims": {[]string{wayHidden, wayField, wayGob, wayXML},
		"the caller fills its exported fields: who names one wants it, and where fmt calls no methods it cannot be kept from them"},
	"sessions.Session": {[]string{wayHidden, wayField, wayGob, wayXML}, "likewise: the page of an application shows it to its user"},
	"sessions.Device":  {[]string{wayHidden, wayField, wayGob, wayXML}, "likewise"},
	"opentest.Issuer":  {[]string{wayHidden, wayField, wayGob, wayXML}, "likewise; its key is one that nothing trusts"},
	"opentest.Target":  {[]string{wayHidden, wayField, wayGob}, "likewise; XML takes no functions"},
}

// No exported type of any package shows a key, a KEK or a claim, however a program prints it.
func TestEveryTypeIsRedacted(t *testing.T) {
	t.Parallel()
	if race {
		t.Skip("prints for minutes under the race detector, and shares nothing")
	}
	secrets, samples := redactionSamples(t)
	sampled := make(map[string]bool)
	leaks := make(map[string]bool) // "type: way" of the exceptions
	renderings := 0
	for _, s := range samples {
		sampled[path.Join(s.typ.PkgPath(), s.typ.Name())] = true
		for r := range s.renderings {
			renderings++
			spelling := secrets.find(r.text)
			if spelling == "" {
				continue
			}
			if slices.Contains(shown[s.typ.String()].ways, r.way) {
				leaks[s.typ.String()+": "+r.way] = true
				continue
			}
			t.Errorf("%v: %s, %s shows %.60q in %.400q", s, r.way, r.how, spelling, r.text)
			break
		}
	}
	for typ, s := range shown {
		for _, way := range s.ways {
			if !leaks[typ+": "+way] {
				t.Errorf("%s does not come out by %s: strike it from the exceptions", typ, way)
			}
		}
	}
	declared := declaredTypes(t)
	for _, typ := range declared {
		if !sampled[typ] {
			t.Errorf("there is no sample of %s", typ)
		}
	}
	t.Logf("%d exported types, %d samples, %d renderings, %d spellings of secrets", len(declared), len(samples), renderings, secrets.size())
}

func (f finder) size() int {
	n := 0
	for _, spellings := range f.byFirst {
		n += len(spellings)
	}
	return n
}

// declaredTypes returns the exported types of all packages of the module that can be imported, with
// the paths of their packages. It reads the source, so it misses none.
func declaredTypes(t *testing.T) []string {
	t.Helper()
	var types []string
	packages := 0
	err := filepath.WalkDir("../../..", func(folder string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); name == "testdata" || name == "internal" || len(name) > 2 && strings.HasPrefix(name, ".") {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil && folder != "../../.." {
			return fs.SkipDir // another module with tests of its own
		}
		files, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		before := len(types)
		for _, file := range files {
			if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, file.Name()), nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			if f.Name.Name == "main" {
				return nil
			}
			types = append(types, exportedTypes(f, filepath.ToSlash(strings.TrimPrefix(folder, "../../../")))...)
		}
		if len(types) > before {
			packages++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages < 8 || len(types) < 40 {
		t.Fatalf("only %d types found, in %d packages", len(types), packages)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

const modulePath = "github.com/sealjwt/sealjwt"

// exportedTypes returns the types that a file of a package declares, with the path of the package.
func exportedTypes(f *ast.File, folder string) (names []string) {
	for _, decl := range f.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.TYPE {
			continue
		}
		for _, spec := range group.Specs {
			typ := spec.(*ast.TypeSpec)
			if !typ.Name.IsExported() {
				continue
			}
			name := path.Join(modulePath, folder, typ.Name.Name)
			if other, ok := typ.Type.(*ast.SelectorExpr); ok && typ.Assign.IsValid() { // reflect uses the other name
				name = path.Join(imported(f, fmt.Sprint(other.X)), other.Sel.Name)
			}
			names = append(names, name)
		}
	}
	return names
}

// imported returns the path of the package that a file imports under a name.
func imported(f *ast.File, name string) string {
	for _, i := range f.Imports {
		if p := strings.Trim(i.Path.Value, `"`); path.Base(p) == name {
			return p
		}
	}
	return name
}
