package open

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// node is a JSON value with its spelling.
type node struct {
	text    string // text of a value that is neither an object nor an array
	object  bool
	members []named
	elems   []node
}

type named struct {
	spelled, name string
	value         node
}

// write writes n into b, with some white space.
func (n node) write(b *strings.Builder) {
	switch {
	case n.text != "":
		b.WriteString(n.text)
	case n.object:
		b.WriteString("{")
		for i, m := range n.members {
			if i > 0 {
				b.WriteString(" ,")
			}
			b.WriteString("\t\"" + m.spelled + "\" :\n")
			m.value.write(b)
		}
		b.WriteString("}")
	default:
		b.WriteString("[ ")
		for i, e := range n.elems {
			if i > 0 {
				b.WriteString(",")
			}
			e.write(b)
		}
		b.WriteString(" ]")
	}
}

func (n node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

var scalars = []string{"null", "true", "1", "-2.50", "12345678901234567890", `""`, `"a"`, `"\"k\":{\\"`, `"12"`, `"}"`}

// randomNode returns a value whose names resemble each other. No object has one name twice.
func randomNode(r *rand.Rand, depth int) (n node) {
	switch kind := r.IntN(5); {
	case depth == 0 || kind == 0:
		return node{text: scalars[r.IntN(len(scalars))]}
	case kind == 1:
		for range r.IntN(4) {
			n.elems = append(n.elems, randomNode(r, depth-1))
		}
		return n
	}
	return randomObject(r, depth)
}

func randomObject(r *rand.Rand, depth int) node {
	n := node{object: true}
	for _, i := range r.Perm(len(likeNames))[:r.IntN(len(likeNames))] {
		spelled := likeNames[i]
		if r.IntN(3) == 0 {
			spelled = ""
			for _, c := range likeNames[i] {
				spelled += fmt.Sprintf(`\u%04x`, c)
			}
		}
		n.members = append(n.members, named{spelled, likeNames[i], randomNode(r, depth-1)})
	}
	return n
}

// randomType returns a type whose fields have names that resemble each other.
func randomType(r *rand.Rand, depth int) reflect.Type {
	if depth == 0 || r.IntN(8) == 0 {
		return []reflect.Type{
			reflect.TypeFor[any](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[bool](),
			reflect.TypeFor[json.Number](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[ownDecoder](),
		}[r.IntN(7)]
	}
	switch r.IntN(8) {
	case 0:
		return reflect.MapOf(reflect.TypeFor[string](), randomType(r, depth-1))
	case 1:
		return reflect.SliceOf(randomType(r, depth-1))
	case 2:
		return reflect.ArrayOf(2, randomType(r, depth-1))
	case 3:
		return reflect.PointerTo(randomType(r, depth-1))
	}
	return randomStruct(r, depth)
}

func randomStruct(r *rand.Rand, depth int) reflect.Type {
	var fields []reflect.StructField
	for i, at := range r.Perm(len(likeNames))[:1+r.IntN(5)] {
		f := reflect.StructField{Name: fmt.Sprint("F", i), Type: randomType(r, depth-1)}
		if name := likeNames[at]; name == "K" || name == "KS" { // a Go name may begin with these letters
			f.Name = name
		} else {
			f.Tag = reflect.StructTag(fmt.Sprintf("json:%q", name))
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

// exact returns n. Before a struct it leaves out the members whose names no field of t has exactly.
func (n node) exact(t reflect.Type) node {
	switch kind := t.Kind(); {
	case t == reflect.TypeFor[ownDecoder]() || t == reflect.TypeFor[json.RawMessage]() || n.text != "":
		return n
	case kind == reflect.Pointer:
		return n.exact(t.Elem())
	case (kind == reflect.Slice || kind == reflect.Array) && !n.object:
		var kept node
		for _, e := range n.elems {
			kept.elems = append(kept.elems, e.exact(t.Elem()))
		}
		return kept
	case (kind == reflect.Struct || kind == reflect.Map) && n.object:
		kept := node{object: true}
		for _, m := range n.members {
			of, ok := t, true
			if kind == reflect.Map {
				of = t.Elem()
			} else if of, ok = fieldNamed(t, m.name); !ok {
				continue
			}
			kept.members = append(kept.members, named{m.spelled, m.name, m.value.exact(of)})
		}
		return kept
	}
	return n
}

// fieldNamed returns the type of the field of t that has exactly this name.
func fieldNamed(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if tag, tagged := f.Tag.Lookup("json"); tag == name || !tagged && f.Name == name {
			return f.Type, true
		}
	}
	return nil, false
}

// For every text and type Claims does the same as encoding/json after a map look-up: it ignores the
// members that a look-up by exact name would not find.
func TestClaimsLikeAMap(t *testing.T) {
	t.Parallel()
	differ, fit := 0, 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		typ := randomStruct(r, 3)
		for range 40 {
			n := randomObject(r, 4)
			got, want, folded := reflect.New(typ), reflect.New(typ), reflect.New(typ)
			err := tokenOf(n.String()).claims().decode(got.Interface())
			wantErr := decodePlain(n.exact(typ).String(), want.Interface())
			if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", wantErr) || !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Fatalf("seed %d: %s fills\n%+v, %v, want\n%+v, %v\n%v", seed, n, got, err, want, wantErr, typ)
			}
			if err == nil {
				fit++
			}
			if decodePlain(n.String(), folded.Interface()); !reflect.DeepEqual(folded.Interface(), want.Interface()) {
				differ++
			}
		}
	}
	t.Logf("encoding/json differs in %d cases, and %d texts fit", differ, fit)
	if differ < 1000 || fit < 400 {
		t.Error("too few")
	}
}

func decodePlain(text string, dst any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return d.Decode(dst)
}
