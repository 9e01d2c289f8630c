package system_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"text/template"
)

// These are the ways in which a program may print a value by mistake.
const (
	wayPrint   = "fmt"
	wayHidden  = "fmt, where it calls no methods" // unexported fields; %p; a %w with a value that is not an error; %s of a pointer to a struct in a list
	wayError   = "a wrapping error"
	wayJSON    = "encoding/json"
	wayLog     = "log/slog"
	wayPanic   = "a panic"
	wayRuntime = "an error of the runtime"
	wayPage    = "a template"
	wayField   = "a template, by field"
	wayGob     = "encoding/gob"
	wayXML     = "encoding/xml"
)

var ways = []string{wayPrint, wayHidden, wayError, wayJSON, wayLog, wayPanic, wayRuntime, wayPage, wayField, wayGob, wayXML}

// rendering is one printed text.
type rendering struct{ way, how, text string }

// sample is a value of a type, or a list of values. It has canaries wherever there is room.
type sample struct {
	typ        reflect.Type // the type that it covers; pointers to it and lists of it count too
	label      string
	value      any
	renderings func(yield func(rendering) bool)
}

func (s sample) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%v, %s", s.typ, s.label), ", ")
}

// sampleOf returns a sample of type T, which may be an interface.
func sampleOf[T any](label string, v T) sample {
	typ := reflect.TypeFor[T]()
	if typ == reflect.TypeFor[any]() {
		typ = reflect.TypeOf(v)
	}
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice && typ.Name() == "" {
		typ = typ.Elem()
	}
	return sample{typ, label, v, func(yield func(rendering) bool) { render(v, yield) }}
}

// hiding holds a value in a field on which fmt may not call methods.
type hiding[T any] struct {
	value   T
	pointer *T
	twice   **T
	slice   []T
	array   [1]T
	byName  map[string]T
	any     any
	nested  struct{ value []any }
	still   func() T
}

// showing holds a value in a field on which fmt may call methods.
type showing[T any] struct {
	Value   T
	Pointer *T
	Slice   []T
	Array   [1]T
	ByName  map[string]T
	Any     any
}

// holding is an error that holds a value.
type holding[T any] struct{ value T }

func (h holding[T]) Error() string { return fmt.Sprintf("holds %v and %+v", h.value, []any{&h.value}) }

func render[T any](v T, yield func(rendering) bool) {
	p := &v
	h := hiding[T]{value: v, pointer: p, twice: &p, slice: []T{v}, array: [1]T{v}, byName: map[string]T{"k": v}, any: v, still: func() T { return v }}
	h.nested.value = []any{v, p, map[string]any{"k": v}}
	s := showing[T]{v, p, []T{v}, [1]T{v}, h.byName, v}
	plain := []any{v, p, s, &s, []T{v}, []any{v, p, s}, map[string]any{"v": v, "p": p, "s": s}, showing[showing[T]]{Value: s, Any: s}}
	if reflect.ValueOf(p).Elem().Comparable() {
		plain = append(plain, map[any]string{v: "as a key"})
	}
	hidden := []any{[]any{&s}, h, &h, []any{h}, map[string]any{"h": &h}, hiding[hiding[T]]{value: h, pointer: &h, any: &h}, showing[hiding[T]]{Value: h, Pointer: &h, Any: h}}
	for _, r := range [][]rendering{asText(wayPrint, plain), asText(wayHidden, hidden), asError(v), asJSON(append(plain, hidden...)), asLog(wayLog, plain), asLog(wayHidden, hidden), asPanic(v), asPage(v), asGob(plain), asXML(append(plain, hidden...))} {
		for _, r := range r {
			if !yield(r) {
				return
			}
		}
	}
}

func asText(way string, values []any) (out []rendering) {
	for _, value := range values {
		for _, verb := range verbs {
			from := way
			if verb == "%p" || verb == "%w" {
				from = wayHidden
			}
			out = append(out, rendering{from, verb, fmt.Sprintf(verb, value)})
		}
		out = append(out, rendering{way, "Sprintln", fmt.Sprintln(value, value)})
	}
	return out
}

func asError[T any](v T) (out []rendering) {
	var err error = holding[T]{v}
	if is, ok := any(v).(error); ok {
		err = is
	}
	err = fmt.Errorf("third: %w", fmt.Errorf("second %v: %w", v, errors.Join(fmt.Errorf("first: %w, %+v", err, &v), err)))
	for _, verb := range verbs {
		way := wayError
		if verb == "%p" || verb == "%w" {
			way = wayHidden
		}
		out = append(out, rendering{way, verb, fmt.Sprintf(verb, err)})
	}
	return append(out, rendering{wayError, "Error", err.Error()})
}

func asJSON(values []any) (out []rendering) {
	for _, value := range values {
		text, err := json.Marshal(value)
		indented, _ := json.MarshalIndent(value, "", " ")
		out = append(out, rendering{wayJSON, "Marshal", fmt.Sprintf("%s %s %v", text, indented, err)})
	}
	return out
}

func asLog(way string, values []any) (out []rendering) {
	var log bytes.Buffer
	for name, h := range map[string]slog.Handler{"text": slog.NewTextHandler(&log, nil), "JSON": slog.NewJSONHandler(&log, nil)} {
		for _, value := range values {
			log.Reset()
			l := slog.New(h)
			l.Info("message", "value", value, slog.Group("group", "value", value, slog.Group("inner", slog.Any("value", value))))
			l.With("value", value).WithGroup("group").With("value", value).Error("message", slog.Any("values", []any{value}))
			out = append(out, rendering{way, name, log.String()})
		}
	}
	return out
}

// asPanic returns the text of a recovered panic.
func asPanic[T any](v T) (out []rendering) {
	caught := func(way, how string, provoke func()) {
		defer func() {
			r := recover()
			out = append(out, rendering{way, how, fmt.Sprintf("%v %+v\n%s", r, r, debug.Stack())})
		}()
		provoke()
	}
	caught(wayPanic, "value", func() { panic(v) })
	caught(wayPanic, "error", func() { panic(holding[T]{v}) })
	caught(wayRuntime, "type assertion", func() { _ = any(v).(interface{ noTypeHasThis() }) })
	caught(wayRuntime, "map key", func() { _ = map[any]int{[]any{v}[0]: 1, holding[[]T]{[]T{v}}: 2} })
	return out
}

func asPage[T any](v T) (out []rendering) {
	page := func(way, text string) {
		for name, execute := range map[string]func(b *bytes.Buffer) error{
			"text": func(b *bytes.Buffer) error { return template.Must(template.New("").Parse(text)).Execute(b, &v) },
			"HTML": func(b *bytes.Buffer) error {
				return htmltemplate.Must(htmltemplate.New("").Parse(`<a title="`+text+`">`+text+`</a><script>x = `+text+`</script>`)).Execute(b, &v)
			},
		} {
			var b bytes.Buffer
			err := execute(&b)
			out = append(out, rendering{way, name + " " + text, fmt.Sprint(b.String(), err)})
		}
	}
	page(wayPage, "{{.}}")
	page(wayPage, `{{printf "%+v %#v %s %x" . . . .}}`)
	typ := reflect.TypeOf(v)
	for typ != nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ != nil && typ.Kind() == reflect.Struct {
		for _, field := range reflect.VisibleFields(typ) {
			if field.IsExported() {
				page(wayField, "{{."+field.Name+"}}")
			}
		}
	}
	return append(out, rendering{wayField, "none", ""})
}

func asGob(values []any) (out []rendering) {
	for _, value := range values {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(value)
		out = append(out, rendering{wayGob, "Encode", fmt.Sprint(b.String(), err)})
	}
	return out
}

func asXML(values []any) (out []rendering) {
	marshal := func(value any) {
		defer func() {
			if r := recover(); r != nil { // it panics on an array of a named byte
				out = append(out, rendering{wayXML, "Marshal", fmt.Sprint(r)})
			}
		}()
		text, err := xml.Marshal(value)
		out = append(out, rendering{wayXML, "Marshal", fmt.Sprint(string(text), err)})
	}
	for _, value := range values {
		marshal(value)
	}
	return out
}
