// Package zerocall calls the API of a package with zero values and nil, for tests: a caller's
// mistake must be an error and not a panic in the first request.
package zerocall

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// API is what Check calls.
type API struct {
	Folder    string           // of the package's source
	Functions map[string]any   // each exported function by its name
	Receivers map[string][]any // values of each exported type, first the zero one
	Context   func() context.Context
}

// Check calls every exported function of the package, and every exported method of its
// types on each receiver. It fails for a panic, and for a function or a type that is not in
// the API.
func Check(t *testing.T, api API) {
	t.Helper()
	functions, types := declared(t, api.Folder)
	for _, name := range functions {
		f, ok := api.Functions[name]
		if !ok {
			t.Errorf("the function %s is not called", name)
			continue
		}
		api.call(t, name, reflect.ValueOf(f))
	}
	for _, name := range types {
		receivers, ok := api.Receivers[name]
		if !ok {
			t.Errorf("the methods of %s are not called", name)
			continue
		}
		for i, r := range receivers {
			v := reflect.ValueOf(r)
			if v.Kind() != reflect.Pointer {
				p := reflect.New(v.Type())
				p.Elem().Set(v)
				v = p
			}
			if i == 0 {
				v = reflect.New(v.Type().Elem())
			}
			for m := range v.NumMethod() {
				api.call(t, fmt.Sprintf("%s %d: %s", name, i, v.Type().Method(m).Name), v.Method(m))
			}
		}
	}
}

// call calls f with each combination of its arguments.
func (api API) call(t *testing.T, name string, f reflect.Value) {
	t.Helper()
	combinations := [][]reflect.Value{nil}
	for i := range f.Type().NumIn() {
		var longer [][]reflect.Value
		for _, c := range combinations {
			for _, v := range api.values(f.Type().In(i)) {
				longer = append(longer, append(slices.Clone(c), v))
			}
		}
		combinations = longer
	}
	for _, args := range combinations {
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s%v panics: %v", name, args, p)
				}
			}()
			if f.Type().IsVariadic() {
				f.CallSlice(args)
			} else {
				f.Call(args)
			}
		}()
	}
}

// values returns the zero value of a type, nil where it can be nil, and what is empty.
func (api API) values(of reflect.Type) []reflect.Value {
	zero := reflect.Zero(of)
	switch {
	case of == reflect.TypeFor[context.Context]():
		return []reflect.Value{reflect.ValueOf(api.Context())}
	case of.Kind() == reflect.Pointer:
		return []reflect.Value{zero, reflect.New(of.Elem())}
	case of.Kind() == reflect.Slice:
		return []reflect.Value{zero, reflect.MakeSlice(of, 0, 0), reflect.MakeSlice(of, 1, 1)}
	case of.Kind() == reflect.String:
		return []reflect.Value{zero, reflect.ValueOf("0").Convert(of)}
	case of.Kind() == reflect.Uint8:
		return []reflect.Value{zero, reflect.ValueOf(uint8(255)).Convert(of)}
	}
	return []reflect.Value{zero}
}

// declared returns the exported functions of the package, and its exported types that are
// no interfaces.
func declared(t *testing.T, folder string) (functions, types []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					functions = append(functions, d.Name.Name)
				}
			case *ast.GenDecl:
				types = append(types, exportedTypes(d)...)
			}
		}
	}
	if len(functions) == 0 {
		t.Fatal("no functions found")
	}
	return functions, types
}

func exportedTypes(d *ast.GenDecl) (names []string) {
	for _, s := range d.Specs {
		if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
			if _, isInterface := s.Type.(*ast.InterfaceType); !isInterface {
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}
