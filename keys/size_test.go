package keys_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A reader learns a package by its exported names and its files. Both have a budget.
func TestPackageSize(t *testing.T) {
	for dir, maxNames := range map[string]int{".": 100, "keyring": 142} {
		const maxFiles, minLines, maxLines = 16, 60, 250
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
		if len(paths) == 0 || len(paths) > maxFiles {
			t.Errorf("%s has %d files, want 1 to %d", dir, len(paths), maxFiles)
		}
		var names []string
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(source, []byte("\n")); n < minLines || n > maxLines {
				t.Errorf("%s has %d lines, want %d to %d", path, n, minLines, maxLines)
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				names = append(names, exportedNames(d)...)
			}
		}
		if len(names) > maxNames {
			slices.Sort(names)
			t.Errorf("%s has %d exported names, want at most %d: %s", dir, len(names), maxNames, strings.Join(names, " "))
		}
		t.Logf("%s: %d exported names in %d files", dir, len(names), len(paths))
	}
}

// exportedNames returns the exported types, functions, constants and variables that d
// declares, and the exported methods and fields of exported types. Methods that a type
// has from an unexported embedded type have no names of their own.
func exportedNames(d ast.Decl) (names []string) {
	add := func(prefix string, ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() {
				names = append(names, prefix+id.Name)
			}
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver, exported := receiverOf(d)
		if exported {
			add(receiver, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				add("", s.Names...)
			case *ast.TypeSpec:
				add("", s.Name)
				if !s.Name.IsExported() {
					continue
				}
				for _, member := range membersOf(s.Type) {
					add(s.Name.Name+".", member.Names...)
				}
			}
		}
	}
	return names
}

// receiverOf returns the type of a method, with a dot, and whether it is exported. A
// function has no receiver, and counts as one of an exported type.
func receiverOf(d *ast.FuncDecl) (name string, exported bool) {
	if d.Recv == nil {
		return "", true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	if !ok {
		return "", false
	}
	return id.Name + ".", id.IsExported()
}

// membersOf returns the fields of a struct, or the methods of an interface.
func membersOf(typ ast.Expr) []*ast.Field {
	switch typ := typ.(type) {
	case *ast.StructType:
		return typ.Fields.List
	case *ast.InterfaceType:
		return typ.Methods.List
	}
	return nil
}
