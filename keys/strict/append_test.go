package strict_test

import (
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
