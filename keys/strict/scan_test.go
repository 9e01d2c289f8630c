package strict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// nest returns an object with depth levels of arrays or objects.
func nest(depth int, open, shut string) string {
	return `{"a":` + strings.Repeat(open, depth-1) + strings.Repeat(shut, depth-1) + `}`
}

var accepted = []string{
	`{}`,
	" \t\r\n{ \n} ",
	` { "a" : 1 , "b" : [ 1 , 2 ] } `,
	`{"":0}`,
	`{"a":true,"b":false,"c":null,"d":"","e":[],"f":{}}`,
	`{"a":[[],[{}],[{"a":{"a":1}}]]}`,
	`{"a":[0,-0,0.0,-0.5,10,1e5,1E+5,1e-5,1.25e00]}`,
	`{"a":1e999999999}`, // a number of RFC 8259; NumericDate refuses it
	`{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\uFFFF"}`,
	`{"a":"\u0000"}`,
	`{"a":"\ud83d\ude00 \uDBFF\uDFFF"}`,
	"{\"a\":\"\u00e9 \u20ac \U0001f600 \U0010ffff \ufffd \ufeff \u2028 \x7f\"}",
	`{"a":"\\ud800"}`,
	"{\"\u00df\":1,\"ss\":2}", // simple folding keeps the length
	`{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}`,
	`{"a":{"a":{"a":1}}}`,
	`{"a":["x","y","z"],"b":["]","\"","é","]","x"]}`,
	"{\"a\": [ \"x\" , \"y\",\n\"z\", 1,\"\" ,[\"]\",\"}\"] ] }",
	`{"a":1,"aa":2,"aaa":3,"b":4,"ba":5}`,
	nest(strict.MaxDepth, "[", "]"),
	`{"a":` + strings.Repeat(`{"a":`, strict.MaxDepth-1) + "1" + strings.Repeat("}", strict.MaxDepth),
	`{"a":` + strings.Repeat("1", strict.MaxNumber) + `}`,
	`{"` + strings.Repeat("n", strict.MaxName) + `":1}`,
	`{"` + strings.Repeat(`\u006e`, strict.MaxName) + `":1}`,
	`{"a":[` + strings.Repeat("0,", strict.MaxValues-3) + "0]}",
	`{"a":[` + strings.Repeat(`"",`, strict.MaxValues-3) + `""]}`,
	"{}" + strings.Repeat(" ", strict.MaxText-2),
	`{"\u0061":1,"b":{"\u0063":2},"\u0064\\":3,"e":4,"\/":5}`,
}

func TestParseObjectAccepts(t *testing.T) {
	for _, text := range accepted {
		o, err := strict.ParseObject([]byte(text))
		if err != nil {
			t.Errorf("%.80q: %v", text, err)
			continue
		}
		checkAccepted(t, []byte(text), o)
	}
}

const caseTwin = "member name that differs from another only in case"

var refused = []struct {
	text, reason string
	offset       int
}{
	// The text is not exactly one object.
	{"", "object expected", 0},
	{"  ", "object expected", 2},
	{`[]`, "object expected", 0},
	{`"a"`, "object expected", 0},
	{`null`, "object expected", 0},
	{"\xef\xbb\xbf{}", "object expected", 0},
	{`// {}`, "object expected", 0},
	{"\v{}", "object expected", 0},
	{"\u00a0{}", "object expected", 0},
	{"{\x00}", "string expected", 1},
	{`{}{}`, "text after the object", 2},
	{`{} x`, "text after the object", 3},
	{"{}\x00", "text after the object", 2},
	{`{}//`, "text after the object", 2},
	{`{}}`, "text after the object", 2},

	// Structure.
	{`{`, "string expected", 1},
	{`{,}`, "string expected", 1},
	{`{"a":1,}`, "string expected", 7},
	{`{"a":1,,"b":1}`, "string expected", 7},
	{`{a:1}`, "string expected", 1},
	{`{'a':1}`, "string expected", 1},
	{`{1:1}`, "string expected", 1},
	{`{"a"}`, "colon expected", 4},
	{`{"a"`, "colon expected", 4},
	{`{"a"=1}`, "colon expected", 4},
	{`{"a":}`, "value expected", 5},
	{`{"a":`, "value expected", 5},
	{`{"a"::1}`, "value expected", 5},
	{`{"a":1`, "comma or end of object expected", 6},
	{`{"a":1]`, "comma or end of object expected", 6},
	{`{"a":1 "b":2}`, "comma or end of object expected", 7},
	{`{"a":1/**/}`, "comma or end of object expected", 6},
	{`{"a":[}`, "value expected", 6},
	{`{"a":[1,]}`, "value expected", 8},
	{`{"a":[,1]}`, "value expected", 6},
	{`{"a":[1 2]}`, "comma or end of array expected", 8},
	{`{"a":[1}`, "comma or end of array expected", 7},
	{`{"a":[`, "value expected", 6},

	// Literals and numbers.
	{`{"a":True}`, "value expected", 5},
	{`{"a":tru}`, "value expected", 5},
	{`{"a":nul`, "value expected", 5},
	{`{"a":falsey}`, "comma or end of object expected", 10},
	{`{"a":undefined}`, "value expected", 5},
	{`{"a":NaN}`, "value expected", 5},
	{`{"a":Infinity}`, "value expected", 5},
	{`{"a":-Infinity}`, "digit expected", 6},
	{`{"a":01}`, "comma or end of object expected", 6},
	{`{"a":-01}`, "comma or end of object expected", 7},
	{`{"a":1.}`, "digit expected", 7},
	{`{"a":1.e1}`, "digit expected", 7},
	{`{"a":.1}`, "value expected", 5},
	{`{"a":+1}`, "value expected", 5},
	{`{"a":-}`, "digit expected", 6},
	{`{"a":1e}`, "digit expected", 7},
	{`{"a":1e+-1}`, "digit expected", 8},
	{`{"a":1e1.5}`, "comma or end of object expected", 8},
	{`{"a":0x10}`, "comma or end of object expected", 6},
	{`{"a":1_000}`, "comma or end of object expected", 6},
	{`{"a":１}`, "value expected", 5}, // a full-width digit

	// Strings.
	{`{"a`, "unterminated string", 3},
	{`{"a":"b`, "unterminated string", 7},
	{"{\"a\":\"\n\"}", "control character in string", 6},
	{"{\"a\":\"\x00\"}", "control character in string", 6},
	{"{\"a\":\"\x1f\"}", "control character in string", 6},
	{"{\"\t\":1}", "control character in string", 2},
	{`{"a":"\`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\a"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\'"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\x41"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\U0041"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\u"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\u004"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\u004g"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\u+041"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\u00`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud800"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"x\udc00"}`, "invalid escape or unpaired surrogate", 7},
	{`{"a":"\ude00\ud83d"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud83d\ud83d"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud83d\u0041"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud83d\ufffd"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud83d\zde00"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud83d\ude0"}`, "invalid escape or unpaired surrogate", 6},
	{`{"a":"\ud83d ude00"}`, "invalid escape or unpaired surrogate", 6},
	{"{\"a\":\"\\ud83d\xed\xb8\x80\"}", "invalid escape or unpaired surrogate", 6},
	{`{"\ud800":1}`, "invalid escape or unpaired surrogate", 2},
	{"{\"a\":\"\x80\"}", "invalid UTF-8", 6},
	{"{\"a\":\"\xff\"}", "invalid UTF-8", 6},
	{"{\"a\":\"\xc3\"}", "invalid UTF-8", 6},
	{"{\"a\":\"\xc0\xaf\"}", "invalid UTF-8", 6},         // overlong slash
	{"{\"a\":\"\xe0\x80\xaf\"}", "invalid UTF-8", 6},     // the same in three
	{"{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8", 6},     // U+D800
	{"{\"a\":\"\xed\xbf\xbf\"}", "invalid UTF-8", 6},     // U+DFFF
	{"{\"a\":\"\xf4\x90\x80\x80\"}", "invalid UTF-8", 6}, // U+110000
	{"{\"a\xff\":1}", "invalid UTF-8", 3},

	// Names.
	{`{"exp":1,"exp":1}`, "duplicate member name", 9},
	{`{"exp":1,"EXP":1}`, caseTwin, 9},
	{`{"exp":1,"eXp":1}`, caseTwin, 9},
	{`{"\u0065xp":1,"exp":1}`, "duplicate member name", 14},
	{`{"exp":1,"\u0045xp":1}`, caseTwin, 9},
	{`{"sub":1,"ſub":1}`, caseTwin, 9},
	{`{"\u017fub":1,"SUB":1}`, caseTwin, 14},
	{"{\"kid\":1,\"\u212aid\":1}", caseTwin, 9},
	{"{\"\u03c3\":1,\"\u03c2\":1}", caseTwin, 8}, // two sigmas
	{"{\"\u00e9\":1,\"\u00c9\":1}", caseTwin, 8},
	{`{"/":1,"\/":1}`, "duplicate member name", 7},
	{`{"😀":1,"\ud83d\ude00":1}`, "duplicate member name", 10},
	{`{"":1,"":1}`, "duplicate member name", 6},
	{`{"a":{"b":1,"b":2}}`, "duplicate member name", 12},
	{`{"a":[{"b":1,"c":{"d":1},"B":2}]}`, caseTwin, 25},
	{`{"a":{"a":1},"A":1}`, caseTwin, 13},
	{`{"a":1,"a":2,"a":3}`, "duplicate member name", 7},
	{`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"A":1}`,
		caseTwin, 79},

	// Limits.
	{"{}" + strings.Repeat(" ", strict.MaxText-1), "text too long", strict.MaxText},
	{nest(strict.MaxDepth+1, "[", "]"), "nesting too deep", 36},
	{`{"a":` + strings.Repeat(`{"a":`, strict.MaxDepth) + "1" + strings.Repeat("}", strict.MaxDepth+1),
		"nesting too deep", 160},
	{`{"a":` + strings.Repeat("1", strict.MaxNumber+1) + `}`, "number too long", 5},
	{`{"a":1.` + strings.Repeat("1", strict.MaxNumber-1) + `}`, "number too long", 5},
	{`{"` + strings.Repeat("n", strict.MaxName+1) + `":1}`, "member name too long", 1},
	{`{"a":{"` + strings.Repeat("n", strict.MaxName+1) + `":1}}`, "member name too long", 6},
	{`{"a":[` + strings.Repeat("0,", strict.MaxValues-2) + "0]}", "more than 20000 values", 6 + 2*(strict.MaxValues-2)},
	{`{"a":[` + strings.Repeat(`"",`, strict.MaxValues-2) + `""]}`, "more than 20000 values", 6 + 3*(strict.MaxValues-2)},
	{`{"a":["x",]}`, "value expected", 10},
	{`{"a":["x","y"`, "comma or end of array expected", 13},
	{`{"a":["x","`, "unterminated string", 11},
	{"{\"a\":[\"x\",\"\n\",\"y\"]}", "control character in string", 11},
	{"{\"a\":[\"x\",\"\xff\",\"y\"]}", "invalid UTF-8", 11},
	{mostMembers(strict.MaxMembers + 1), "more than 8192 members", strings.LastIndex(mostMembers(strict.MaxMembers+1), ",") + 1},
}

func TestParseObjectRefuses(t *testing.T) {
	for _, tt := range refused {
		o, err := strict.ParseObject([]byte(tt.text))
		var e *strict.Error
		if !errors.As(err, &e) {
			t.Errorf("%.80q: error is %v", tt.text, err)
			continue
		}
		if e.Reason != tt.reason || e.Offset != tt.offset {
			t.Errorf("%.80q: %v, want %s at byte %d", tt.text, err, tt.reason, tt.offset)
		}
		if want := fmt.Sprintf("strict: %s at byte %d", tt.reason, tt.offset); err.Error() != want {
			t.Errorf("text is %q, want %q", err, want)
		}
		if o.Len() != 0 {
			t.Errorf("%.80q: returned members with an error", tt.text)
		}
	}
}

// A proper prefix of an object is not an object.
func TestParseObjectTruncated(t *testing.T) {
	text := `{"a":[1.5e+3,"\u0041\ud83d\ude00é",{"b":true}],"c":null}`
	for i := range text {
		if _, err := strict.ParseObject([]byte(text[:i])); err == nil {
			t.Errorf("%q accepted", text[:i])
		}
	}
}

// Two names that encoding/json could take for the same field are duplicates here.
func TestFoldAsEncodingJSON(t *testing.T) {
	var field struct{ S, K bool }
	if err := json.Unmarshal([]byte("{\"\u017f\":true,\"\u212a\":true}"), &field); err != nil || !field.S || !field.K {
		t.Fatalf("encoding/json no longer folds U+017F and U+212A: %+v, %v", field, err)
	}
	pairs := 0
	for r := rune(' '); r <= unicode.MaxRune; r++ {
		twin := unicode.SimpleFold(r)
		if twin == r {
			continue
		}
		pairs++
		if _, err := strict.ParseObject(fmt.Appendf(nil, `{"x%cy":1,"X%cY":2}`, r, twin)); err == nil {
			t.Errorf("%U and %U accepted", r, twin)
		}
	}
	if pairs < 2000 {
		t.Errorf("only %d pairs tried", pairs)
	}
}

// The parser finishes long texts, and allocates at most a small multiple of their length.
func TestParseObjectLong(t *testing.T) {
	members := func(n int, format string) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	texts := map[string]func(n int) string{
		"members":   func(n int) string { return members(n, `"%x":0,`) },
		"escaped":   func(n int) string { return members(n, `"\u0041%x":0,`) },
		"long":      func(n int) string { return members(n, `"`+strings.Repeat("s", 240)+`%08x":0,`) },
		"objects":   func(n int) string { return members(n, `"%x":{"a":0,"b":{"c":0}},`) },
		"array":     func(n int) string { return `{"a":[` + strings.Repeat("[],", n/3) + "0]}" },
		"nested":    func(n int) string { return `{"a":` + strings.Repeat("[", n) },
		"braces":    func(n int) string { return strings.Repeat(`{"a":`, n/5) },
		"digits":    func(n int) string { return `{"a":` + strings.Repeat("9", n) + "}" },
		"exponent":  func(n int) string { return `{"a":1e` + strings.Repeat("9", n) + "}" },
		"string":    func(n int) string { return `{"a":"` + strings.Repeat("x", n) + `"}` },
		"name":      func(n int) string { return `{"` + strings.Repeat("x", n) + `":1}` },
		"surrogate": func(n int) string { return `{"a":"` + strings.Repeat(`\ud800`, n/6) + `"}` },
		"space":     func(n int) string { return "{" + strings.Repeat(" ", n) + "}" },
	}
	for name, text := range texts {
		for _, n := range []int{64 << 10, 1 << 20} {
			data := []byte(text(n))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			o, _ := strict.ParseObject(data)
			runtime.ReadMemStats(&after)
			got := after.TotalAlloc - before.TotalAlloc
			if got > uint64(20*len(data)) {
				t.Errorf("%s: %d bytes allocated for %d", name, got, len(data))
			}
			if o.Len() > strict.MaxValues {
				t.Errorf("%s: %d members", name, o.Len())
			}
		}
	}
}

// The three ways to read an object treat names that differ in case differently.
func TestCaseOfNames(t *testing.T) {
	readers := map[string]func([]byte) (strict.Object, error){
		"ParseObject": strict.ParseObject, "ParseClaims": strict.ParseClaims, "ParseClaim": strict.ParseClaim,
	}
	for _, tt := range []struct {
		text, refusedBy, reason string
	}{
		{`{"a":1,"A":2}`, "ParseObject ParseClaims", caseTwin},
		{`{"a":1,"b":2,"\u0041":2}`, "ParseObject ParseClaims", caseTwin},
		{`{"a":{"b":1,"B":2}}`, "ParseObject", caseTwin},
		{`{"a":{"aB3xQ":1,"ab3xq":2}}`, "ParseObject", caseTwin},
		{`{"a":[[{"b":1,"B":2}]]}`, "ParseObject", caseTwin},
		{`{"a":{"b":{"c":1,"C":2}}}`, "ParseObject", caseTwin},
		{`{"a":{"b":{},"c":1},"A":2}`, "ParseObject ParseClaims", caseTwin},
		{`{"a":{"b":1,"b":2}}`, "ParseObject ParseClaims ParseClaim", "duplicate member name"},
		{`{"a":{"b":1,"B":1,"\u0062":2}}`, "ParseObject ParseClaims ParseClaim", "duplicate member name"},
		{`{"a":1,"a":2}`, "ParseObject ParseClaims ParseClaim", "duplicate member name"},
		{`{"a":{"b":1},"c":{"B":1}}`, "", ""},
		{manyTwins(40, "n", "N"), "ParseObject", caseTwin},
		{manyTwins(40, "n", "n"), "ParseObject ParseClaims ParseClaim", "duplicate member name"},
	} {
		for name, read := range readers {
			_, err := read([]byte(tt.text))
			refused := slices.Contains(strings.Fields(tt.refusedBy), name)
			if refused != (err != nil) {
				t.Errorf("%s of %s: %v", name, tt.text, err)
			}
			if e, ok := errors.AsType[*strict.Error](err); ok && name != "ParseObject" && e.Reason != tt.reason {
				t.Errorf("%s of %s says %q, want %q", name, tt.text, e.Reason, tt.reason)
			}
		}
	}
}

// manyTwins returns an object whose first and last names are given. It has so many members that the
// parser compares names with a table.
func manyTwins(n int, first, last string) string {
	var b strings.Builder
	b.WriteString(`{"a":{"` + first + `":0`)
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":0`, i)
	}
	return b.String() + `,"` + last + `":0}}`
}

// An object inside a text follows the rule of that text.
func TestCaseOfNamesWithin(t *testing.T) {
	const text = `{"a":{"b":{"c":1,"C":2}}}`
	for name, read := range map[string]func([]byte) (strict.Object, error){"ParseClaims": strict.ParseClaims, "ParseClaim": strict.ParseClaim} {
		o, err := read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{"a", "b"} {
			if o, _, err = o.Object(member); err != nil {
				t.Fatalf("%s, member %s: %v", name, member, err)
			}
		}
		if names := o.Names(); !slices.Equal(names, []string{"c", "C"}) {
			t.Errorf("%s: %q", name, names)
		}
	}
}
