package cli

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

type secretsKey struct{}

func secretsOf(ts *testscript.TestScript) *[]string {
	return ts.Value(secretsKey{}).(*[]string)
}

// cmdSecrets names files whose secrets no error line of this script may hold: the values of a
// claims file, the private members of a JWK, and every line of another file.
func cmdSecrets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: secrets file...")
	}
	list := secretsOf(ts)
	for _, name := range args {
		data := strings.TrimSpace(ts.ReadFile(name))
		_, values := wordsOf([]byte(data))
		if private := privateMember.FindAllStringSubmatch(data, -1); private != nil {
			values = nil
			for _, match := range private {
				values = append(values, match[1])
			}
		} else if values == nil {
			values = strings.Split(data, "\n")
		}
		for _, v := range values {
			// The two names stand in the command lines that errors show, so they are not secret.
			if len(v) >= 4 && v != "https://id.example.com" && v != "https://api.example.com" {
				*list = append(*list, v)
			}
		}
	}
}

var privateMember = regexp.MustCompile(`"d":"([A-Za-z0-9_-]+)"`)

// cmdHidden checks that a token shows no claim of a file, however often it is decoded.
func cmdHidden(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: hidden tokenfile claimsfile")
	}
	names, values := wordsOf([]byte(ts.ReadFile(args[1])))
	if len(names) == 0 {
		ts.Fatalf("%s holds no claims", args[1])
	}
	seen := visible(ts.ReadFile(args[0]), append(names, values...))
	if neg == (seen == "") {
		ts.Fatalf("what can be read in the token: %q", seen)
	}
}

// wordsOf returns the claim names and the values in a claims file, at every depth.
func wordsOf(data []byte) (names, values []string) {
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		return nil, nil
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				names = append(names, name)
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		case string:
			values = append(values, v)
		}
	}
	walk(root)
	// Registered names are not a secret.
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(takenOut, n) })
	return names, values
}

// shortest is the least length of a word. Random ciphertext holds shorter words by chance.
const shortest = 6

var base64Run = regexp.MustCompile(`[A-Za-z0-9_+/-]{8,}`)

// visible returns the first of words that can be read in text, or in a base64 decoding of text from
// any character on.
func visible(text string, words []string) string {
	level := []string{text}
	for range 4 {
		var next []string
		for _, t := range level {
			for _, w := range words {
				if len(w) >= shortest && strings.Contains(t, w) {
					return w
				}
			}
			for _, run := range base64Run.FindAllString(t, -1) {
				run = strings.NewReplacer("+", "-", "/", "_").Replace(run)
				for offset := range 4 {
					part := run[offset:]
					if len(part)%4 == 1 {
						part = part[:len(part)-1]
					}
					if b, err := base64.RawURLEncoding.DecodeString(part); err == nil {
						next = append(next, string(b))
					}
				}
			}
		}
		level = next
	}
	return ""
}

func TestVisibleFindsWhatIsHidden(t *testing.T) {
	const secret = "ada@example.com"
	text := `{"email":"` + secret + `"}`
	for depth := range 4 {
		if visible("eyJ9."+text+".xyz", []string{"nothing", secret}) != secret {
			t.Errorf("not found under %d encodings", depth)
		}
		text = base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	if got := visible(text, []string{"eve@example.org"}); got != "" {
		t.Errorf("found %q, which is not there", got)
	}
}

// A sealed token hides the claims files of this repository, at every depth.
func TestSealedTokenHidesClaims(t *testing.T) {
	needsRing(t)
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"userinfo.json", "health.json", "korean.json", "small.json"} {
		path := "../../../testdata/claims/" + name
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		token, _ := runOK(t, "", "seal", "--init", path)
		names, values := wordsOf(data)
		if seen := visible(token, append(names, values...)); seen != "" {
			t.Errorf("%s: the token shows %q", name, seen)
		}
	}
}
