package pii_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// InText finds personal data inside a sentence too, because boundaries are local.
func FuzzInText(f *testing.F) {
	for _, file := range []string{"hit.txt", "miss.txt"} {
		for _, line := range texts(f, file) {
			f.Add(line[strings.IndexByte(line, '\t')+1:])
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind, ok := pii.InText(text)
		if ok == (kind == "") {
			t.Fatalf("%q: %q, %v", text, kind, ok)
		}
		if _, again := pii.InText("x, " + text); ok && !again {
			t.Errorf("%q is %q by itself alone", text, kind)
		}
		pii.InName(text)
	})
}

func FuzzInObject(f *testing.F) {
	for _, line := range lines(f, "objects.txt") {
		f.Add([]byte(line[strings.IndexByte(line, '\t')+1:]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := strict.ParseClaims(data)
		if err != nil {
			return
		}
		for _, found := range pii.InObject(o) {
			if _, ok := pii.InText(found.Claim); ok || found.Kind == "" || found.Path == "" {
				t.Fatalf("%q: %q", data, found)
			}
			for _, b := range []byte(found.Path) {
				if b < ' ' || b > '~' {
					t.Fatalf("%q: path %q", data, found.Path)
				}
			}
		}
	})
}

// The time is linear in the length of the text. The test repeats the start of each detector for 256
// KiB, and each run ends long before quadratic time would.
func TestLinear(t *testing.T) {
	for _, unit := range []string{
		"a", "1", "@", "a@", "@a", "a@b.", "a@b.c ", "%40", "%40a", "+", "+1", "+1 ", "+82 10 ", "1 ", "1-", "1111 ", "4111 1111 1111 1111 ", "4111-",
		"-", "-----BEGIN ", "://", "a://", "a://b:", "eyJ", "eyJ.", "eyJ-", "eyJaaaaaaaaaaaaaaaa", "eyJaaaaaaaaaaaaaaaa.", "Bearer ", "bearer a", "Basic ", "Basic a", "Basic QUJD",
		"xoxb-", "SG.", "ghp_", "AIza", "sk-ant-", "hvs.", "github_pat_", "tel:", "tel:-", "tel:1-", "DE89", "DE89 ", "DE89 3704 ", "AB 12 ", "AGE-SECRET-KEY-1",
		"a.", "a_", "a-", ".", "..", "é", "\xff", "\"", "\"a\"@", "일", "A1", "Ab", "999999-", "99.99.99-",
	} {
		text := strings.Repeat(unit, (1<<18)/len(unit))
		start := time.Now()
		pii.InText(text)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%q: %v", unit, took)
		}
	}
}
