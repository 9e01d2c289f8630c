// Package nilcheck finds the nil that an interface hides.
package nilcheck

import "reflect"

// IsNil reports whether v is nil or holds a nil pointer or function. A constructor
// refuses both: a nil *Ring in a configuration would panic in the first request.
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
