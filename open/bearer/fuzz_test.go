package bearer_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// These patterns implement the grammars a second time.
var (
	credentials = regexp.MustCompile(`\A[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)\z`)
	b64token    = regexp.MustCompile(`\A[A-Za-z0-9._~+/-]+=*\z`)
	named       = regexp.MustCompile(`\A[ \t]*token[ \t]*(?:=|\z)`)
)

// FuzzCredentials checks that an accepted token has the alphabet of b64token and stands in the one
// place for tokens, and that handlers do not see it. Line feeds separate the fields, because no
// header has one.
func FuzzCredentials(f *testing.F) {
	for _, seed := range [][2]string{
		{"Bearer a.b.c", ""}, {"bearer  a==", "a=b"}, {"", "token=a"}, {"\nBearer a", "token=a; token=b"}, {"Bearer a, Bearer b", "token"},
		{"Basic dTpw\nBearer a", "\ttoken\t= a "}, {"Bearer \ta", `token="a"`}, {"BEARER é", ";;token==;"}, {"Bearer\u0307 a", "a=token=b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, authorization, cookies string) {
		h := make(http.Header)
		if authorization != "" {
			h["Authorization"] = strings.Split(strings.TrimPrefix(authorization, "\n"), "\n")
		}
		if cookies != "" {
			h["Cookie"] = strings.Split(cookies, "\n")
		}
		for _, name := range []string{"", "token"} {
			token, inCookie, err := bearer.Credentials(h, name)
			inField := credentials.FindStringSubmatch(strings.Join(h["Authorization"], "\n"))
			ours := 0
			if name != "" {
				for _, field := range h["Cookie"] {
					ours += countNamed(field)
				}
			}
			switch {
			case err != nil && token != "":
				t.Fatalf("%q and %v", token, err)
			case err == nil && !b64token.MatchString(token):
				t.Fatalf("%q is no token", token)
			case err == nil && inCookie && (len(h["Authorization"]) != 0 || ours != 1):
				t.Fatalf("%q is from one of %d cookies, and of %d fields", token, ours, len(h["Authorization"]))
			case err == nil && !inCookie && (inField == nil || inField[1] != token || ours != 0):
				t.Fatalf("%q is not the one token of %q, or there are %d cookies", token, h["Authorization"], ours)
			case err != nil && inField != nil && ours == 0:
				t.Fatalf("%q: %v", h["Authorization"], err)
			}
			left := bearer.Without(h, name)
			if _, _, err := bearer.Credentials(left, name); err != bearer.ErrNoCredentials {
				t.Fatalf("handlers see %q: %v", left, err)
			}
		}
	})
}

// countNamed counts the cookies named token.
func countNamed(field string) (n int) {
	for _, pair := range strings.Split(field, ";") {
		if named.MatchString(pair) {
			n++
		}
	}
	return n
}
