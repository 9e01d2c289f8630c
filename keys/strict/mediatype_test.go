package strict_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func TestIsMediaType(t *testing.T) {
	for _, s := range []string{"JWT", "sealed+jwt", "application/at+jwt", "x", strings.Repeat("x", 128)} {
		if !strict.IsMediaType(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "two words", "a\"b", `a\b`, "a\n", "\x7f", "ſealed", strings.Repeat("x", 129)} {
		if strict.IsMediaType(s) {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestSameMediaType(t *testing.T) {
	for _, p := range [][2]string{{"JWT", "jwt"}, {"application/JWT", "JWT"}, {"APPLICATION/at+jwt", "application/AT+JWT"}} {
		if !strict.SameMediaType(p[0], p[1]) {
			t.Errorf("%q is not %q", p[0], p[1])
		}
	}
	for _, p := range [][2]string{{"JWT", "JWS"}, {"", "JWT"}, {"ſealed+jwt", "sealed+jwt"}, {"application/", ""}, {"application/application/JWT", "JWT"}} {
		if strict.SameMediaType(p[0], p[1]) {
			t.Errorf("%q is %q", p[0], p[1])
		}
	}
}
