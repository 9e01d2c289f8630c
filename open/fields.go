package open

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// field is a field of a struct, or of a struct that is embedded in it. Its name is the one
// by which encoding/json knows it.
type field struct {
	name   string
	index  []int // as reflect.Value.FieldByIndex takes it
	tagged bool  // the name comes from a json tag
	hidden bool  // another field of the same depth has the name, so encoding/json fills neither
}

// in returns the field of the struct v. If a pointer to an embedded struct on the way is nil, in
// returns the field of an empty struct of that type.
func (f *field) in(v reflect.Value) reflect.Value {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			v = elemOf(v)
		}
		v = v.Field(i)
	}
	return v
}

// fieldLists caches the results of fieldsOf by type. Without it, Claims takes 1.4 times as
// long for a struct of ten fields (BenchmarkClaims).
type fieldLists struct{ known sync.Map }

func (l *fieldLists) of(t reflect.Type) []field {
	if fields, ok := l.known.Load(t); ok {
		return fields.([]field)
	}
	fields := fieldsOf(t)
	l.known.Store(t, fields)
	return fields
}

// fieldsOf returns the fields of a struct type that encoding/json fills. encoding/json
// gives no access to its own list. By its rules, the field that lies least deep wins over
// others of the same name, then the one with a tag, and where several are left, none is
// filled.
func fieldsOf(t reflect.Type) []field {
	all := make(fieldList, 0, t.NumField())
	var visited []reflect.Type
	for level := []embedded{{of: t}}; len(level) > 0; {
		var next []embedded
		for _, e := range level {
			if slices.Contains(visited, e.of) {
				continue
			}
			visited = append(visited, e.of)
			for i := range e.of.NumField() {
				next = all.add(e, i, next)
			}
		}
		level = next
	}
	return slices.DeleteFunc(all, func(f field) bool { return f.hidden })
}

// embedded is a struct whose fields count as fields of the struct around it.
type embedded struct {
	of    reflect.Type
	index []int
	twice bool // the type is embedded more than once at this depth
}

type fieldList []field

// add adds the i-th field of e to l. If the field is an embedded struct without a name in its tag,
// it adds the struct to next, the structs of the next level. It passes over fields that
// encoding/json ignores.
func (l *fieldList) add(e embedded, i int, next []embedded) []embedded {
	f := e.of.Field(i)
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tag := f.Tag.Get("json")
	if tag == "-" || !f.IsExported() && !(f.Anonymous && t.Kind() == reflect.Struct) {
		return next
	}
	name, _, _ := strings.Cut(tag, ",")
	tagged := isName(name)
	if !tagged {
		name = f.Name
	}
	index := append(slices.Clip(e.index), i)
	if tagged || !f.Anonymous || t.Kind() != reflect.Struct {
		l.insert(field{name, index, tagged, e.twice})
		return next
	}
	for i := range next {
		if next[i].of == t {
			next[i].twice = true
			return next
		}
	}
	return append(next, embedded{of: t, index: index})
}

// insert adds f to the list, unless the list has a field of the same name that wins over f by the
// rules of fieldsOf. If neither wins, insert hides the field in the list.
func (l *fieldList) insert(f field) {
	for i := range *l {
		other := &(*l)[i]
		switch {
		case other.name != f.name:
			continue
		case len(other.index) < len(f.index) || other.tagged && !f.tagged:
		case other.tagged == f.tagged:
			other.hidden = true
		default:
			*other = f
		}
		return
	}
	*l = append(*l, f)
}

// isName reports whether encoding/json accepts s, the name in a tag. If it does not, encoding/json
// uses the name of the Go field instead.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
}

// receiver returns the value into which encoding/json decodes when it is given v: it follows
// pointers, and interfaces that hold pointers. If a type on the way has an UnmarshalJSON method,
// receiver returns the zero reflect.Value. If encoding/json stores a new value in an interface,
// receiver returns that interface.
func receiver(v reflect.Value) reflect.Value {
	if v.IsValid() && v.Kind() != reflect.Pointer && v.Type().Name() != "" && v.CanInterface() && reflect.PointerTo(v.Type()).Implements(unmarshaler) {
		return reflect.Value{}
	}
	for {
		if v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer && !v.Elem().IsNil() {
			v = v.Elem()
		}
		switch {
		case v.Kind() != reflect.Pointer:
			return v
		case v.CanInterface() && v.Type().Implements(unmarshaler):
			return reflect.Value{}
		case holdsItself(v):
			return v.Elem()
		}
		v = elemOf(v)
	}
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// holdsItself reports whether v points to an interface that holds v. Following such a pointer
// would never end; encoding/json stops there.
func holdsItself(v reflect.Value) bool {
	return !v.IsNil() && v.Elem().Kind() == reflect.Interface && v.Elem().Elem().Equal(v)
}

// elemOf returns the value that v points to, or the zero value of its type if v is nil.
func elemOf(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return reflect.Zero(v.Type().Elem())
	}
	return v.Elem()
}

// sameText compares two JSON values without their white space. Two spellings of one value count as
// two: a reader may see a difference between 1 and 1.0.
func sameText(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
