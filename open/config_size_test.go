package open_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// No configuration of any package has more than ten fields, because a reader has to know all of
// them.
func TestConfigSize(t *testing.T) {
	t.Parallel()
	const most = 10
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() {
			if name == "testdata" || len(name) > 2 && strings.HasPrefix(name, ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for name, fields := range configurations(file) {
			if found++; fields > most {
				t.Errorf("%s: %s has %d fields, and %d are allowed", path, name, fields, most)
			}
		}
		return nil
	})
	if err != nil || found < 10 {
		t.Errorf("%d configurations found: %v", found, err)
	}
}

// configurations returns the exported structs of a file that a caller fills to configure
// something, with the number of their fields.
func configurations(file *ast.File) map[string]int {
	found := make(map[string]int)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !spec.Name.IsExported() {
			return true
		}
		name := spec.Name.Name
		fields, isStruct := spec.Type.(*ast.StructType)
		switch {
		case !isStruct:
		case strings.HasSuffix(name, "Config"), strings.HasSuffix(name, "Recipient"), name == "Issuer", name == "Limits", name == "Target":
			for _, f := range fields.Fields.List {
				found[name] += len(f.Names)
			}
		}
		return true
	})
	return found
}
