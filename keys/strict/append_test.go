package strict_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func TestAppendMember(t *testing.T) {
	t.Parallel()
	names := []string{"plain", "", `quo"te`, `back\slash`, "<a href='&'>", "line\nfeed", "\x00\x1f\x7f", "é 이름 😀", "\u2028"}
	object := []byte("{")
	for _, name := range names {
		object = strict.AppendMember(object, name, json.RawMessage(`[1.0, "x"]`))
	}
	o, err := strict.ParseObject(append(object, '}'))
	if err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	i := 0
	for name, value := range o.All() {
		if name != names[i] || string(value) != `[1.0, "x"]` {
			t.Errorf("member %d is %q: %s", i, name, value)
		}
		i++
	}
	if i != len(names) {
		t.Errorf("%d members", i)
	}
	if got := string(strict.AppendMember([]byte(`{"a":1`), "<&>", json.RawMessage("84.50"))); got != `{"a":1,"<&>":84.50` {
		t.Errorf("wrote %s", got)
	}
}

// quoted returns s as encoding/json writes it.
func quoted(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func checkAppendString(t *testing.T, s string) {
	t.Helper()
	if got, want := string(strict.AppendString([]byte("dst"), s)), "dst"+quoted(t, s); got != want {
		t.Fatalf("%q is written %s, and by encoding/json %s", s, got, want)
	}
}

// AppendString writes the same text as encoding/json for every character, at every place, and for
// invalid UTF-8.
func TestAppendString(t *testing.T) {
	t.Parallel()
	for r := range rune(0x3000) {
		s := string(r)
		checkAppendString(t, s)
		checkAppendString(t, "before"+s+s+"after")
	}
	for _, s := range []string{"", "\uffff", "\U0010ffff", "\ufffd", "\xff", "a\xffb", "\xe2\x80", "\xe2\x80\xa8\xe2\x80\xa9", "\xed\xa0\x80", "<script>&amp;"} {
		checkAppendString(t, s)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "exp", `quo"te\`, "\x00\x1f\x7f", "é 이름 😀", "\u2028", "\xff", "<>&"} {
		f.Add(s)
	}
	f.Fuzz(checkAppendString)
}
