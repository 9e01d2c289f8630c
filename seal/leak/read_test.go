package leak

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

const someHeader = `{"alg":"ES256"}`

// seenIn returns the findings of a scan in a token: layer, path and kind.
func seenIn(token string) (list []string) {
	u, err := Read(token)
	if err != nil {
		return []string{err.Error()}
	}
	for _, l := range u.Layers {
		for _, m := range slices.Concat(l.Header, l.Claims) {
			for _, f := range m.Personal {
				list = append(list, fmt.Sprintf("%s: %s: %s", l.Where, f.Path, f.Kind))
			}
		}
		for _, f := range l.Personal {
			list = append(list, fmt.Sprintf("%s: %s: %s", l.Where, f.Path, f.Kind))
		}
	}
	return list
}

// outer returns the layer of the token itself.
func outer(t testing.TB, token string) Layer {
	t.Helper()
	u, err := Read(token)
	if err != nil {
		t.Fatalf("%.100s: %v", token, err)
	}
	return u.Layers[0]
}

func TestPersonalDataInAnySpelling(t *testing.T) {
	for payload, want := range map[string][]string{
		`{"iss":"https://id.example.com","email":"ada@example.com"}`:        {"token: email: e-mail address"},
		`{"note":"write to ada@example.com"}`:                               {"token: note: e-mail address"},
		`{"users":[{"email":""}]}`:                                          {"token: users[0].email: e-mail address"},
		`{"iss":"https://id.example.com","sub":"u-1","exp":1767226500}`:     nil,
		`{"email":"ada@example.com","email":""}`:                            {"token: email: e-mail address", "token: email: e-mail address"},
		`{"n":1,"n":2,"users":[{"email":""}]}`:                              {"token: users[0].email: e-mail address"},
		`{"n":{"note":"ada\u0040example.com","note":"x"}}`:                  {"token: n.note: e-mail address"},
		`{"n":{"a":1,"a":2,"ada@example.com":1}}`:                           {"token: n.[redacted name]: e-mail address"},
		`{"ada@example.com":1,"b":1,"b":2}`:                                 {"token: [redacted name]: e-mail address"},
		"{\"note\":\"\xff ada@example.com\"}":                               {"token: note: e-mail address"},
		`{"n":"\ud800 ada@example.com"}`:                                    {"token: n: e-mail address"},
		`{"n":` + strings.Repeat("[", 50) + `"ada@example.com"`:             {"token: n" + strings.Repeat("[0]", 50) + ": e-mail address", "token: payload: e-mail address"},
		`{"n":` + deep(`"ada@example.com"`) + `}`:                           {"token: n" + strings.Repeat("[0]", strict.MaxDepth) + ": e-mail address"},
		`{"birthdate":"19`:                                                  {"token: birthdate: date of birth"}, // cut off
		`{"email":"ada@example.com"} {}`:                                    {"token: email: e-mail address", "token: payload: e-mail address"},
		`["ada@example.com"]`:                                               {"token: payload[0]: e-mail address"},
		`hello, ada@example.com`:                                            {"token: payload: e-mail address"},
		"\x00\x01\xff":                                                      nil,
		``:                                                                  nil,
		`{"` + strings.Repeat("long", 100) + `":{"email":"a"},"b":1,"b":2}`: {`token: "longlonglonglonglonglonglonglonglonglonglonglong...".email: e-mail address`},
	} {
		if got := seenIn(compact(someHeader, payload, "signature")); !slices.Equal(got, want) {
			t.Errorf("%.60s:\n got %q\nwant %q", payload, got, want)
		}
	}
	for header, want := range map[string][]string{
		`{"alg":"ES256","kid":"ada@example.com"}`:                {"token: kid: e-mail address"},
		`{"alg":"ES256","alg":"none","kid":"ada@example.com"}`:   {"token: kid: e-mail address"},
		`{"alg":"ECDH-ES","enc":"A256GCM","email":"replicated"}`: {"token: email: e-mail address"},
	} {
		parts := []string{header, "{}", "signature"}
		if strings.Contains(header, "enc") {
			parts = []string{header, "", "iv", "ciphertext", "tag"}
		}
		if got := seenIn(compact(parts...)); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", header, got, want)
		}
	}
}

// If a text breaks off, all that stands before the break is found.
func TestPersonalDataBeforeTheCut(t *testing.T) {
	for payload, want := range map[string]struct {
		cutOff Cut
		seen   []string
	}{
		`{"email":"ada@example.com"}`: {"signature", []string{"token: email: e-mail address"}},
		"{\n\"sub\":\"u-1\"\n}\n":     {"signature", nil},
		`{}`:                          {"signature", nil},
		`{"email":"ada@exa`:           {"payload", []string{"token: email: e-mail address"}},
		`{"iss":"a","note":"ada@example.com","exp":17`:    {"payload", []string{"token: note: e-mail address", "token: payload: e-mail address"}},
		`{"iss":"a","note":"call ada@example.com and`:     {"payload", []string{"token: note: e-mail address", "token: payload: e-mail address"}},
		`{"iss":"https://id.example.com","sub":"u-1","ex`: {"payload", nil},
		`{"`: {"payload", nil},
	} {
		token := compact(someHeader, payload)
		l := outer(t, token)
		if got := seenIn(token); !slices.Equal(got, want.seen) || l.CutOff != want.cutOff || l.Unsigned {
			t.Errorf("%s: %s %q", payload, l.CutOff, got)
		}
	}
	for _, token := range []string{plainJWS, unsignedJWS, directJWE, "eyJhbGciOiJIUzI1NiJ9..c2ln"} {
		if l := outer(t, token); l.CutOff != "" {
			t.Errorf("%s: %s", token, l.CutOff)
		}
	}
	if l := outer(t, compact(`{"alg":"none"}`, `{"a":1}`)); l.CutOff != BeforeSignature || !l.Unsigned {
		t.Errorf("without an algorithm: %+v", l)
	}
}

// Several members may have names that are personal data. Each has its own finding.
func TestEveryRedactedNameCounts(t *testing.T) {
	for payload, want := range map[string][]int{
		`{"z":1,"a@example.com":1,"b@example.com":2}`:                                     {0, 1, 1},
		`{"[redacted name]":{"email":1},"a@example.com":1,"z":1,"b@example.com":2}`:       {1, 1, 0, 1},
		`{"a@example.com":{"email":1},"[redacted name]":"c@example.com","b":[{"ssn":1}]}`: {1, 1, 1},
		`{"a@example.com":1,"b@example.com":2,"n":1,"n":2}`:                               {1, 1, 0, 0},
	} {
		l := outer(t, compact(someHeader, payload, "signature"))
		var got []int
		for _, m := range l.Claims {
			got = append(got, len(m.Personal))
		}
		if !l.HasClaims || !slices.Equal(got, want) {
			t.Errorf("%s: %d, want %d", payload, got, want)
		}
	}
}

// deep puts value into as many arrays as the strict reader accepts.
func deep(value string) string {
	return strings.Repeat("[", strict.MaxDepth) + value + strings.Repeat("]", strict.MaxDepth)
}

// A token inside a token is read like the outer one. Its text is not judged as ordinary text.
func TestTokensInTokens(t *testing.T) {
	personal := compact(someHeader, `{"email":"ada@example.com"}`, "signature")
	stripped := compact(someHeader, `{"email":"ada@example.com"}`)
	for payload, want := range map[string][]string{
		`{"act":{"token":"` + personal + `"}}`:                  {"token claim act.token: email: e-mail address"},
		`{"act":["Bearer ` + personal + `"]}`:                   {"token claim act[0]: email: e-mail address"},
		`{"n":1,"n":2,"act":["x=` + personal + `."]}`:           {"token claim act[0]: email: e-mail address"},
		`{"act":"` + plainJWS + `"}`:                            nil,
		`{"act":"` + plainJWS + ` ` + directJWE + `"}`:          nil,
		`{"email":"` + wrappedJWE + `"}`:                        nil, // sealed by hand
		`{"email":"ada@example.com ` + wrappedJWE + `"}`:        {"token: email: e-mail address"},
		`{"note":"ada@example.com ` + plainJWS + `"}`:           {"token: note: e-mail address"},
		`{"sealed":["` + wrappedJWE + `","` + directJWE + `"]}`: nil,
		`{"a":{"` + personal + `":1}}`:                          {"token: a.[redacted name]: token", "token claim a.[redacted name]: email: e-mail address"},
		`{"act":"Bearer ` + stripped + `…"}`:                    {"token claim act: email: e-mail address"},
		`{"act":"` + stripped[:len(stripped)-8] + `"}`:          {"token claim act: email: e-mail address"},
		`{"host":"www.example","act":"` + strippedJWS + `"}`:    nil,
		personal: {"token payload: email: e-mail address"},
		compact(someHeader, `{"t":"`+personal+`"}`, "signature"): {"token payload claim t: email: e-mail address"},
	} {
		if got := seenIn(compact(someHeader, payload, "signature")); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", payload, got, want)
		}
	}
	many := `{"t":["` + strings.Repeat(personal+`","`, 100) + `"]}`
	u, err := Read(compact(someHeader, many, "signature"))
	if err != nil || len(u.Layers) != maxLayers || !slices.Equal(u.Limits, []Limit{LimitLayers}) {
		t.Errorf("%d layers, %v", len(u.Layers), u.Limits)
	}
}

func TestSealedRecipients(t *testing.T) {
	for payload, want := range map[string]int{
		`{"sealed":["` + wrappedJWE + `","` + directJWE + `"]}`: 2,
		`{"sealed":["` + wrappedJWE + `",""]}`:                  0,
		`{"sealed":["` + wrappedJWE + `","` + plainJWS + `"]}`:  0,
		`{"sealed":["a ` + wrappedJWE + `"]}`:                   0,
		`{"sealed":[["` + wrappedJWE + `"]]}`:                   0,
		`{"sealed":[]}`:                                         0,
		`{"sealed":"` + wrappedJWE + `"}`:                       0,
		`{"unsealed":["` + wrappedJWE + `"]}`:                   0,
	} {
		if got := outer(t, compact(someHeader, payload, "signature")).SealedTo; got != want {
			t.Errorf("%s: %d, want %d", payload, got, want)
		}
	}
}
