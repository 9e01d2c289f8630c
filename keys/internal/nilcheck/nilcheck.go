// Package nilcheck finds a nil pointer inside an interface, which is not equal to nil.
package nilcheck

import "reflect"

// IsNil reports whether v is nil or holds a nil pointer or a nil function. Constructors refuse such
// a v: otherwise a nil *Ring in a configuration would cause a panic in the first request.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	}
	return false
}
