package strict_test

import (
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func TestLiteral(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{`{"a":"x~ !"}`, "x~ !", true},
		{`{"a":""}`, "", true},
		{`{"a":"x"`, "x", false},
		{`{"a":"x`, "", false},
		{`{"b":"x"}`, "", false},
		{`{"a":"\u0041"}`, "", false},
		{`{"a":"é"}`, "", false},
		{"{\"a\":\"x\n\"}", "", false},
		{"{\"a\":\"x\x7f\"}", "", false},
		{``, "", false},
	} {
		l := strict.Literal{Rest: []byte(c.text), OK: true}
		l.Skip(`{"a":"`)
		got := l.Text()
		l.Skip("}")
		if ok := l.OK && len(l.Rest) == 0; ok != c.ok || ok && string(got) != c.want {
			t.Errorf("%q: %q, %v", c.text, got, ok)
		}
	}
}
