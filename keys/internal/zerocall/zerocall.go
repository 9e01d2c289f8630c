// Package zerocall calls the API of a package with zero values and nil, for tests: a caller's
// mistake must be an error and not a panic in the first request.
package zerocall

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// API lists everything that Check calls.
type API struct {
	Folder    string           // the folder of the package's source
	Functions map[string]any   // each exported function by its name
	Receivers map[string][]any // values of each exported type, first the zero one
	Context   func() context.Context

	// Panics are the functions whose documentation says that they panic: helpers for tests and for
	// the start of a program. The panic must be a text that begins with the package's name.
	Panics []string

	// Excluded are the functions that Check does not call, and why.
	Excluded map[string]string
}

// Check calls every exported function of the package that is not Excluded, and every exported
// method of its types, except interfaces, on a nil pointer, on the zero value and on the other
// values in Receivers. It fails for a panic that Panics does not allow, and for a function or a
// type that is not in the API.
//
// A method that returns an error must return one for a nil pointer, and nothing else; only
// MarshalJSON need not. A method that a type has by value is not called on a nil pointer: Go
// panics before the method begins.
func Check(t *testing.T, api API) {
	t.Helper()
	functions, types := declared(t, api.Folder)
	for _, name := range functions {
		f, ok := api.Functions[name]
		switch {
		case ok:
			api.call(t, name, reflect.ValueOf(f))
		case api.Excluded[name] == "":
			t.Errorf("the function %s is not called", name)
		}
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
				api.callNil(t, name, v.Type())
			}
			for m := range v.NumMethod() {
				api.call(t, fmt.Sprintf("%s %d: %s", name, i, v.Type().Method(m).Name), v.Method(m))
			}
		}
	}
}

// callNil calls the methods of a nil pointer.
func (api API) callNil(t *testing.T, name string, pointer reflect.Type) {
	t.Helper()
	for m := range pointer.NumMethod() {
		method := pointer.Method(m)
		if _, byValue := pointer.Elem().MethodByName(method.Name); byValue {
			continue
		}
		for _, out := range api.call(t, fmt.Sprintf("%s nil: %s", name, method.Name), reflect.Zero(pointer).Method(m)) {
			last := len(out) - 1
			// encoding/json writes null for a nil pointer, and does not call MarshalJSON.
			if last < 0 || out[last].Type() != reflect.TypeFor[error]() || method.Name == "MarshalJSON" {
				continue
			}
			if out[last].IsNil() || slices.ContainsFunc(out[:last], func(v reflect.Value) bool { return !v.IsZero() }) {
				t.Errorf("%s nil: %s returns %v, want an error and nothing else", name, method.Name, out)
			}
		}
	}
}

// call calls f with each combination of the values of its arguments, and returns the results of
// each call.
func (api API) call(t *testing.T, name string, f reflect.Value) (results [][]reflect.Value) {
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
				p := recover()
				if text, ok := p.(string); ok && slices.Contains(api.Panics, name) && strings.HasPrefix(text, filepath.Base(api.Folder)+": ") {
					return
				}
				if p != nil {
					t.Errorf("%s%v panics: %v", name, args, p)
				}
			}()
			call := f.Call
			if f.Type().IsVariadic() {
				call = f.CallSlice
			}
			out := call(args)
			for _, v := range out {
				use(v)
			}
			results = append(results, out)
		}()
	}
	return results
}

// use serves a request with a handler that was returned, and ranges over a sequence.
func use(v reflect.Value) {
	if !v.CanInterface() {
		return
	}
	if middleware, ok := v.Interface().(func(http.Handler) http.Handler); ok {
		v = reflect.ValueOf(middleware(nil))
	}
	if h, ok := v.Interface().(http.Handler); ok {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer token")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if v.Kind() == reflect.Func && v.Type().CanSeq2() {
		for range v.Seq2() {
		}
	}
}

// values returns the arguments to try for a parameter of a type: the zero value, which is nil for
// some types, and for others values that are nearly empty. For a context.Context it returns the
// result of api.Context.
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

// declared returns the exported functions of the package, and its exported types that are not
// interfaces.
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
