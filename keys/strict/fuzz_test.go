package strict_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	jose "github.com/go-jose/go-jose/v4/json"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// reasons holds all phrases of an error. A phrase with true breaks no rule of RFC 8259:
// encoding/json may accept a text only if its phrase is true here.
var reasons = map[string]bool{
	"object expected":                      true, // another value than an object
	"duplicate member name":                true,
	caseTwin:                               true,
	"member name too long":                 true,
	"nesting too deep":                     true,
	"number too long":                      true,
	"more than 20000 values":               true,
	"more than 8192 members":               true,
	"text too long":                        true,
	"invalid UTF-8":                        true,
	"invalid escape or unpaired surrogate": true,
	"text after the object":                false,
	"string expected":                      false,
	"colon expected":                       false,
	"value expected":                       false,
	"digit expected":                       false,
	"comma or end of object expected":      false,
	"comma or end of array expected":       false,
	"control character in string":          false,
	"unterminated string":                  false,
	"line break in base64url":              false,
	"not canonical base64url":              false,
}

// checkError checks that err is one of the fixed phrases and an offset. Such an error cannot leak
// any of the input.
func checkError(t *testing.T, err error, length int) *strict.Error {
	t.Helper()
	var e *strict.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T", err)
	}
	if _, known := reasons[e.Reason]; !known || e.Offset < 0 || e.Offset > length {
		t.Fatalf("error says %q", err)
	}
	if err.Error() != fmt.Sprintf("strict: %s at byte %d", e.Reason, e.Offset) {
		t.Fatalf("error says %q", err)
	}
	return e
}

// checkAccepted checks that the laxer decoders read the same members.
func checkAccepted(t *testing.T, data []byte, o strict.Object) {
	t.Helper()
	if !json.Valid(data) || !utf8.Valid(data) {
		t.Fatalf("%.200q accepted", data)
	}
	var std map[string]json.RawMessage
	if err := json.Unmarshal(data, &std); err != nil || len(std) != o.Len() {
		t.Fatalf("%.200q: encoding/json has %d members of %d, %v", data, len(std), o.Len(), err)
	}
	for name, raw := range o.All() {
		if !bytes.Equal(std[name], raw) {
			t.Fatalf("%.200q: member %q is %.200q or %.200q", data, name, raw, std[name])
		}
		checkMember(t, o, name, raw)
	}
	if values, _ := o.Count(); values != countValues(data) {
		t.Fatalf("%.200q: %d values, want %d", data, values, countValues(data))
	}
	d := jose.NewDecoder(bytes.NewReader(data))
	d.SetNumberType(jose.UnmarshalJSONNumber)
	var other map[string]any
	if err := d.Decode(&other); err != nil || len(other) != o.Len() {
		t.Fatalf("%.200q: go-jose has %d members of %d, %v", data, len(other), o.Len(), err)
	}
}

// countValues counts the values of valid JSON.
func countValues(data []byte) int {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a number may have any size
	d.Decode(&v)
	var count func(v any) int
	count = func(v any) int {
		n := 1
		switch v := v.(type) {
		case map[string]any:
			for _, inner := range v {
				n += count(inner)
			}
		case []any:
			for _, inner := range v {
				n += count(inner)
			}
		}
		return n
	}
	return count(v)
}

// checkMember checks that the accessors agree with encoding/json.
func checkMember(t *testing.T, o strict.Object, name string, raw json.RawMessage) {
	t.Helper()
	var want any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	s, ok, err := o.Text(name)
	if wantText, isText := want.(string); !ok || isText != (err == nil) || s != wantText {
		t.Fatalf("Text of %q: %q, %v, %v", raw, s, ok, err)
	}
	inner, ok, err := o.Object(name)
	if wantObject, isObject := want.(map[string]any); !ok || isObject != (err == nil) || inner.Len() != len(wantObject) {
		t.Fatalf("Object of %q: %d, %v, %v", raw, inner.Len(), ok, err)
	}
	items, ok, err := o.Array(name)
	if wantItems, isArray := want.([]any); !ok || isArray != (err == nil) || len(items) != len(wantItems) {
		t.Fatalf("Array of %q: %d, %v, %v", raw, len(items), ok, err)
	}
	ss, ok, err := o.Strings(name)
	if !ok || (err == nil) != (ss != nil) {
		t.Fatalf("Strings of %q: %q, %v, %v", raw, ss, ok, err)
	}
	date, ok, err := o.NumericDate(name)
	number, isNumber := want.(json.Number)
	if isNumber && len(number) < strict.MaxNumber-2 && !strings.ContainsAny(string(number), ".eE") {
		checkWhole(t, string(number))
	}
	if !ok || err == nil && (!isNumber || date.Unix() < 0 || date.Year() > 9999) {
		t.Fatalf("NumericDate of %q: %v, %v, %v", raw, date, ok, err)
	}
}

// hasTwins implements the rule for member names a second time, slowly. data is valid JSON.
// hasTwins reports whether an object in it has two names that are equal, or that encoding/json
// would fold.
func hasTwins(t *testing.T, data []byte) bool {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		object, value bool // object: inside an object; value: after a name
		names         []string
	}
	stack := []level{{}}
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		top := &stack[len(stack)-1]
		if name, ok := token.(string); ok && top.object && !top.value {
			for _, other := range top.names {
				if strings.EqualFold(name, other) {
					return true
				}
			}
			top.names, top.value = append(top.names, name), true
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			top.value = false
			stack = append(stack, level{object: token == json.Delim('{')})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		default:
			top.value = false
		}
	}
}

// checkMemory checks that the parser allocates in proportion to a text. The measurement is slow, so
// only a few short texts are measured. Their length selects them, so that a failure can be
// repeated.
func checkMemory(t *testing.T, data []byte) {
	t.Helper()
	if len(data) < 4<<10 && len(data)%16 != 0 {
		return
	}
	limit := uint64(16*len(data) + 4<<10)
	for try := 0; ; try++ { // other goroutines allocate too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		strict.ParseObject(data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used <= limit {
			return
		} else if try == 5 {
			t.Fatalf("%d bytes take %d bytes of memory, and %d are allowed", len(data), used, limit)
		}
	}
}

// checkLooser checks that each of the three ways to read an object accepts all that a stricter one
// accepts. It also checks that ParseClaim agrees with a reader that compares names exactly.
func checkLooser(t *testing.T, data []byte, accepted bool) {
	t.Helper()
	_, claims := strict.ParseClaims(data)
	_, claim := strict.ParseClaim(data)
	if accepted && claims != nil || claims == nil && claim != nil {
		t.Fatalf("%q: ParseObject accepts: %v, ParseClaims: %v, ParseClaim: %v", data, accepted, claims, claim)
	}
	if e, ok := errors.AsType[*strict.Error](claim); ok && e.Reason == caseTwin {
		t.Fatalf("%q: ParseClaim compares case: %v", data, claim)
	}
}

func FuzzParseObject(f *testing.F) {
	for _, text := range accepted {
		if len(text) < 2000 {
			f.Add([]byte(text))
		}
	}
	for _, tt := range refused {
		if len(tt.text) < 2000 {
			f.Add([]byte(tt.text))
		}
	}
	for _, tt := range dates {
		f.Add([]byte(`{"exp":` + tt.text + `}`))
	}
	f.Add([]byte(sample))
	f.Add(claims)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		o, err := strict.ParseObject(data)
		if !bytes.Equal(data, before) {
			t.Fatal("changed its input")
		}
		checkMemory(t, data)
		checkLooser(t, data, err == nil)
		if err == nil {
			checkAccepted(t, data, o)
			if hasTwins(t, data) {
				t.Fatalf("%q: twins accepted", data)
			}
			return
		}
		e := checkError(t, err, len(data))
		valid := json.Valid(data)
		if valid && !reasons[e.Reason] {
			t.Fatalf("%q is valid JSON: %v", data, err)
		}
		switch e.Reason {
		case "duplicate member name", caseTwin:
			if valid && utf8.Valid(data) && !hasTwins(t, data) {
				t.Fatalf("%q has no twins: %v", data, err)
			}
		case "invalid UTF-8":
			if utf8.Valid(data) {
				t.Fatalf("%q is UTF-8: %v", data, err)
			}
		case "object expected":
			if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
				t.Fatalf("%q is an object: %v", data, err)
			}
		}
	})
}
