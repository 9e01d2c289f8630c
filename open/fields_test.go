package open

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// likeNames has names that fold to each other, with the Kelvin sign for a k and the long s for an
// s.
var likeNames = []string{"k", "K", "\u212a", "s", "S", "\u017f", "ks", "Ks", "kS", "KS", "\u212a\u017f", "k\u017f", "x"}

// randomFields returns a struct type of integers and of structs that it embeds, directly or by a
// pointer.
func randomFields(r *rand.Rand, depth int) reflect.Type {
	used := map[string]bool{}
	var fields []reflect.StructField
	for range 1 + r.IntN(4) {
		f := reflect.StructField{Name: []string{"K", "S", "Ks", "KS", "X"}[r.IntN(5)], Type: reflect.TypeFor[int]()}
		if used[f.Name] {
			continue
		}
		used[f.Name] = true
		if depth > 0 && r.IntN(2) == 0 {
			f.Anonymous, f.Type = true, randomFields(r, depth-1)
			if r.IntN(3) == 0 {
				f.Type = reflect.PointerTo(f.Type)
			}
		}
		switch r.IntN(8) {
		case 0, 1, 2:
			f.Tag = reflect.StructTag(fmt.Sprintf("json:%q", likeNames[r.IntN(len(likeNames))]))
		case 3:
			f.Tag = `json:"k,string"`
		case 4:
			f.Tag = reflect.StructTag([]string{`json:"-"`, `json:"-,"`, `json:",string"`, `json:"k\"s"`, `json:"k\ts"`, `json:"k€"`, `json:"a b"`}[r.IntN(7)])
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

// number sets the integers of v to different values, behind pointers that it makes.
func number(v reflect.Value, next *int64) {
	switch v.Kind() {
	case reflect.Int:
		if v.CanSet() {
			*next++
			v.SetInt(*next)
		}
	case reflect.Pointer:
		if *next > 100 {
			return // a type that embeds itself
		}
		v.Set(reflect.New(v.Type().Elem()))
		number(v.Elem(), next)
	case reflect.Struct:
		for i := range v.NumField() {
			number(v.Field(i), next)
		}
	}
}

// The list has the fields that encoding/json writes. It fills the same fields, by the same names.
func TestFieldsOf(t *testing.T) {
	t.Parallel()
	type inner struct{ K, S int }
	type Other struct{ K, X int }
	type Deep struct{ Other }
	type Deeper struct {
		Other
		S int
	}
	type Loop struct {
		K int
		*Loop
	}
	named := []any{
		&struct {
			inner
			Other
		}{},
		&struct {
			*Other
			Deep
			K int `json:"x"`
		}{},
		&struct {
			inner `json:"k"`
			small int
			S     int
		}{},
		&struct {
			Deep
			Deeper // Other too, at the same depth
		}{},
		&Loop{},
		&struct {
			A struct{ Deep } `json:""`
			Deep
			*Other
		}{},
	}
	all := map[reflect.Type]bool{}
	for _, v := range named {
		all[reflect.TypeOf(v).Elem()] = true
	}
	for seed := range uint64(1000) {
		all[randomFields(rand.New(rand.NewPCG(seed, 1)), 2)] = true
	}
	for typ := range all {
		v := reflect.New(typ).Elem()
		number(v, new(int64))
		text, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var written map[string]any
		if err := json.Unmarshal(text, &written); err != nil {
			t.Fatal(err)
		}
		listed := fieldsOf(typ)
		for _, f := range listed {
			value, ok := written[f.name]
			if at := f.in(v); !ok || at.Kind() == reflect.Int && fmt.Sprint(value) != fmt.Sprint(at.Int()) {
				t.Errorf("%v: %s is %v, written as %v", typ, f.name, at, value)
			}
		}
		if len(listed) != len(written) {
			t.Errorf("%v: %d fields, and %s is written", typ, len(listed), text)
		}
	}
}
