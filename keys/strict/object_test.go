package strict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func mustParse(t testing.TB, text string) strict.Object {
	t.Helper()
	o, err := strict.ParseObject([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

const sample = `{ "s":"text", "e":"\u0074e\/\ud83d\ude00", "":"empty", "n":17, "z":null, "t":true,
	"l":["a","\u0062"], "l0":[], "lx":["a",1], "lz":["a",null], "o":{"in":{"k":"v"}}, "\u006fther":[1, {"a":[]} ,"x"] }`

// ValueEnd finds each value of the object from its first byte, and from no other byte of the text.
func TestValueEnd(t *testing.T) {
	o := mustParse(t, sample)
	values := map[int]string{}
	for start := range len(sample) {
		if end, ok := o.ValueEnd(start); ok {
			values[start] = sample[start:end]
		}
	}
	if len(values) != o.Len() {
		t.Errorf("%d values of %d", len(values), o.Len())
	}
	for name, value := range o.All() {
		start := strings.Index(sample, ":"+string(value)) + 1
		if name == "other" {
			start = strings.LastIndex(sample, ":[1") + 1
		}
		if values[start] != string(value) {
			t.Errorf("%q: %s, want %s", name, values[start], value)
		}
	}
	for _, start := range []int{-1, len(sample), 1 << 40} {
		if end, ok := o.ValueEnd(start); ok {
			t.Errorf("at %d a value ends at %d", start, end)
		}
	}
}

func TestObjectOrder(t *testing.T) {
	o := mustParse(t, sample)
	var names []string
	for name, raw := range o.All() {
		names = append(names, name)
		if got, ok := o.Raw(name); !ok || string(got) != string(raw) || cap(got) != len(got) {
			t.Errorf("%q: %s, %v, capacity %d", name, got, ok, cap(got))
		}
	}
	if got, want := strings.Join(names, " "), "s e  n z t l l0 lx lz o other"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
	if o.Len() != len(names) {
		t.Errorf("Len is %d of %d", o.Len(), len(names))
	}
	for range o.All() { // a caller may stop early
		break
	}
	if raw, _ := o.Raw("other"); string(raw) != `[1, {"a":[]} ,"x"]` {
		t.Errorf("raw value is %s", raw)
	}
	if _, ok := o.Raw("OTHER"); ok {
		t.Error("Raw folds case")
	}
}

// The zero Object is empty, and an absent member is no error.
func TestObjectZero(t *testing.T) {
	var o strict.Object
	for range o.All() {
		t.Error("has a member")
	}
	_, okRaw := o.Raw("")
	_, okText, err1 := o.Text("")
	_, okStrings, err2 := o.Strings("")
	_, okDate, err3 := o.NumericDate("")
	_, okObject, err4 := o.Object("")
	_, okArray, err5 := o.Array("")
	if o.Len() != 0 || okRaw || okText || okStrings || okDate || okObject || okArray {
		t.Error("has a member")
	}
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Error(err)
	}
}

// Each accessor returns its value, or refuses a member of another type.
func TestObjectAccessors(t *testing.T) {
	o := mustParse(t, sample)
	calls := []struct {
		kind string
		get  func(name string) (any, bool, error)
		want map[string]string // as printed; the accessor refuses every other member
	}{
		{"is not a string", func(n string) (any, bool, error) { return any3(o.Text(n)) },
			map[string]string{"s": "text", "e": "te/😀", "": "empty"}},
		{"is not a string or an array of strings", func(n string) (any, bool, error) { return any3(o.Strings(n)) },
			map[string]string{"s": "[text]", "e": "[te/😀]", "": "[empty]", "l": "[a b]", "l0": "[]"}},
		{"is not a number", func(n string) (any, bool, error) { return any3(o.NumericDate(n)) },
			map[string]string{"n": "1970-01-01 00:00:17 +0000 UTC"}},
		{"is not an object", func(n string) (any, bool, error) { return any3(object(o, n)) },
			map[string]string{"o": "1"}},
		{"is not an array", func(n string) (any, bool, error) { return any3(array(o, n)) },
			map[string]string{"l": `["a" "\u0062"]`, "l0": "[]", "lx": `["a" 1]`, "lz": `["a" null]`, "other": `[1 {"a":[]} "x"]`}},
	}
	for _, c := range calls {
		if _, ok, err := c.get("absent"); ok || err != nil {
			t.Errorf("absent: %v, %v", ok, err)
		}
		for name := range o.All() {
			v, ok, err := c.get(name)
			if !ok {
				t.Errorf("%q: absent", name)
			}
			if want, fits := c.want[name]; fits {
				if err != nil || fmt.Sprint(v) != want {
					t.Errorf("%q: %v, %v, want %s", name, v, err, want)
				}
				continue
			}
			var e *strict.MemberError
			if !errors.As(err, &e) || e.Name != name || e.Reason != c.kind {
				t.Errorf("%q: %v, %v, want an error that it %s", name, v, err, c.kind)
			} else if err.Error() != fmt.Sprintf("strict: member %q %s", name, c.kind) {
				t.Errorf("text is %q", err)
			}
		}
	}
}

func any3[T any](v T, ok bool, err error) (any, bool, error) { return v, ok, err }

func object(o strict.Object, name string) (int, bool, error) {
	inner, ok, err := o.Object(name)
	return inner.Len(), ok, err
}

func array(o strict.Object, name string) ([]string, bool, error) {
	items, ok, err := o.Array(name)
	ss := make([]string, len(items))
	for i, item := range items {
		ss[i] = string(item)
	}
	return ss, ok, err
}

func TestObjectNested(t *testing.T) {
	outer, _, err := mustParse(t, sample).Object("o")
	if err != nil {
		t.Fatal(err)
	}
	inner, ok, err := outer.Object("in")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if v, ok, err := inner.Text("k"); v != "v" || !ok || err != nil {
		t.Errorf("%q, %v, %v", v, ok, err)
	}
}

// A caller can tell an empty audience from an absent one.
func TestEmptyArrayIsNotNil(t *testing.T) {
	o := mustParse(t, `{"aud":[ ]}`)
	if ss, ok, err := o.Strings("aud"); ss == nil || len(ss) != 0 || !ok || err != nil {
		t.Errorf("%v, %v, %v", ss, ok, err)
	}
	if items, ok, err := o.Array("aud"); items == nil || len(items) != 0 || !ok || err != nil {
		t.Errorf("%v, %v, %v", items, ok, err)
	}
}

// Every value that fits in the text can be opened again, at every depth.
func TestObjectDeepest(t *testing.T) {
	text := strings.Repeat(`{"a":`, strict.MaxDepth) + "1" + strings.Repeat("}", strict.MaxDepth)
	o := mustParse(t, text)
	for i := 1; i < strict.MaxDepth; i++ {
		var err error
		if o, _, err = o.Object("a"); err != nil || o.Len() != 1 {
			t.Fatalf("depth %d: %v", i, err)
		}
	}
}

func TestObjectConcurrent(t *testing.T) {
	o := mustParse(t, sample)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			strict.ParseObject([]byte(sample))
			for name := range o.All() {
				o.Text(name)
				o.Strings(name)
				o.NumericDate(name)
				o.Object(name)
				o.Array(name)
			}
		})
	}
	wg.Wait()
}

// claims is a claims set of 512 bytes as an issuer writes it.
var claims = func() []byte {
	text := `{"iss":"https://issuer.example.com","sub":"248289761001","aud":["https://api.example.com","https://gw.example.com"],` +
		`"iat":1767225600,"nbf":1767225600,"exp":1767229200,"jti":"yQb5C0iXz3l0sJ8m5Tn0Wg","email":"jane.doe@example.com",` +
		`"name":"Jane \u00c5. Doe","roles":["reader","writer"],"address":{"locality":"Oslo","country":"NO"},"verified":true,"note":""}`
	pad := strings.Repeat("x", 512-len(text))
	return []byte(strings.Replace(text, `"note":""`, `"note":"`+pad+`"`, 1))
}()

// A claims set costs one allocation for its members and one for the closure that hides them. A
// third one holds the decoded names, if any name has escapes.
func TestParseObjectAllocations(t *testing.T) {
	if race {
		t.Skip("the race detector drops pooled buffers")
	}
	n := testing.AllocsPerRun(100, func() {
		if _, err := strict.ParseObject(claims); err != nil {
			t.Fatal(err)
		}
	})
	if n != 2 {
		t.Errorf("%v allocations", n)
	}
}

func TestClaimsSample(t *testing.T) {
	o := mustParse(t, string(claims))
	aud, _, err := o.Strings("aud")
	if err != nil || !slices.Equal(aud, []string{"https://api.example.com", "https://gw.example.com"}) || len(claims) != 512 {
		t.Errorf("%v, %v, %d bytes", aud, err, len(claims))
	}
}

func TestInOtherLetters(t *testing.T) {
	t.Parallel()
	names := []string{"iss", "sub", "kid"}
	for text, want := range map[string]string{
		`{}`: "", `{"iss":1,"sub":2}`: "", `{"subject":1,"issu":2,"su":3}`: "",
		`{"iss":1,"SUB":2}`: "sub", `{"Iss":1}`: "iss", `{"i\u017fs":1}`: "iss", `{"iſſ":1}`: "iss", "{\"\u212aid\":1}": "kid",
		`{"inner":{"SUB":1}}`: "",
	} {
		o, err := strict.ParseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := o.FoldedTwin(names); name != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", text, name, ok)
		}
	}
}

// FoldedTwin compares the first bytes first. The result is the same as without that step.
func TestInOtherLettersAsEqualFold(t *testing.T) {
	t.Parallel()
	words := []string{"", "s", "S", "\u017f", "k", "\u212a", "iss", "ISS", "i\u017fs", "is", "sub", "\u017fUB", "\u00e9", "\u00c9", "@", "`", "{", "[", "1", "\U00010400", "\U00010428"}
	for _, found := range words {
		object := append(strict.AppendMember([]byte("{"), found, json.RawMessage("1")), '}')
		for _, name := range words {
			want := found != name && strings.EqualFold(found, name)
			if _, ok := mustParse(t, string(object)).FoldedTwin([]string{name}); ok != want {
				t.Errorf("%q and %q differ in case only: %v", found, name, ok)
			}
		}
	}
}

// Count counts all values and members, as the limits do.
func TestCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]int{
		`{}`: {1, 0}, `{"a":[]}`: {2, 1}, `{"a":{"b":[1,"",null,{}]},"c":true}`: {8, 3}, nest(strict.MaxDepth, "[", "]"): {strict.MaxDepth, 1},
		`{"a":[` + strings.Repeat("0,", strict.MaxValues-3) + "0]}": {strict.MaxValues, 1},
		mostMembers(strict.MaxMembers):                              {strict.MaxMembers + 1, strict.MaxMembers},
	} {
		if values, members := mustParse(t, text).Count(); values != want[0] || members != want[1] {
			t.Errorf("%.40s has %d values and %d members, want %d", text, values, members, want)
		}
	}
	if values, members := (strict.Object{}).Count(); values != 1 || members != 0 {
		t.Errorf("the zero Object has %d values and %d members", values, members)
	}
}

// mostMembers returns an object with n members, half of them in an inner object.
func mostMembers(n int) string {
	var b strings.Builder
	b.WriteString(`{"":{`)
	for i := range n - 1 {
		switch i {
		case 0:
		case n / 2:
			b.WriteString("},")
		default:
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%d":0`, i)
	}
	return b.String() + "}"
}

func TestNames(t *testing.T) {
	t.Parallel()
	names := mustParse(t, `{"b":1,"\u0061":{"c":2},"":3}`).Names()
	if want := []string{"b", "a", ""}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if names := (strict.Object{}).Names(); names != nil {
		t.Errorf("the zero Object has %q", names)
	}
}

// A later parse in the same buffers changes no earlier Object.
func TestObjectsApart(t *testing.T) {
	text := func(i int) string { return fmt.Sprintf(`{"\u006e%04d":"v%04d","a":{"\u0062":[]}}`, i, i) }
	var objects []strict.Object
	for i := range 50 {
		objects = append(objects, mustParse(t, text(i)))
		strict.ParseObject([]byte(text(i)[:20+i%20])) // this one is refused, which leaves names on the stack
	}
	for i, o := range objects {
		var names []string
		for name := range o.All() {
			names = append(names, name)
		}
		v, ok, _ := o.Text(fmt.Sprintf("n%04d", i))
		if !ok || v != fmt.Sprintf("v%04d", i) || !slices.Equal(names, []string{fmt.Sprintf("n%04d", i), "a"}) {
			t.Errorf("object %d has %q, and %q", i, names, v)
		}
	}
}

// The number of strings that an attacker makes us split is bounded.
func TestManyStrings(t *testing.T) {
	t.Parallel()
	for n, fits := range map[int]bool{strict.MaxStrings: true, strict.MaxStrings + 1: false} {
		o, err := strict.ParseObject([]byte(`{"aud":[` + strings.Repeat(`"a",`, n-1) + `"b"]}`))
		if err != nil {
			t.Fatal(err)
		}
		ss, _, err := o.Strings("aud")
		if (err == nil) != fits || fits && (len(ss) != n || ss[n-1] != "b") {
			t.Errorf("%d elements: %v", n, err)
		}
	}
}
