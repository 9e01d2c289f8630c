package leak

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// prefixes are characters that texts write right before a Base64 value. Some characters of them are digits.
var prefixes = []string{
	"", " ", "%22", "%20", "s%3A", "%2522", `\u0022`, `\u003d`, `\n`, `\t`, `\r\n`, `\"`, `\\n`, `token:\n`, "Basic+", "Basic%20", "\x1b[32m", "\x1b[0;1m",
	"sess_", "tok-", "v1:", "base64-", "sb-abcdefgh-auth-token=base64-", "a+", "x/y/", "_", "1", "22", "abc",
}

// A Finder decodes a Base64 value from its first digit, whatever stands before it and however the
// value is encoded.
func TestFinderAlignsBase64(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	binary := make([]byte, 100)
	for i := range binary {
		binary[i] = byte(random.Uint32())
	}
	flat := `{"payload":"` + compact(`{"email":"ada@example.com"}`) + `","protected":"` + compact(someHeader) + `","signature":"` + compact("a signature") + `"}`
	for content, token := range map[string]string{
		plainJWS: plainJWS,
		`{"access_token":"` + exposing + `","token_type":"bearer"}`: exposing,
		"user:" + plainJWS: plainJWS,
		`{"name":"Zoë Łukasz","token":"` + plainJWS + `"}`: plainJWS,
		`{"name":"王小明","token":` + flat + `}`:              flat,
		string(binary) + plainJWS + string(binary):         plainJWS,
		string(binary) + " " + flat + string(binary):       flat,
		"??>" + plainJWS + "??>":                           plainJWS,
		inUTF16(`$t="`+plainJWS+`"`, 1, 0, false):          plainJWS,
		inUTF16(`$t="`+plainJWS+`"`, 1, 0, true):           plainJWS,
		inUTF16(`$t="`+plainJWS+`"`, 0, 1, false):          plainJWS,
	} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			value := encoding.EncodeToString([]byte(content))
			var lines []string
			for _, prefix := range prefixes {
				for _, end := range []string{"", `"`, "%22", " x", "&y=z"} {
					lines = append(lines, "at 12:00 t="+prefix+value+end)
				}
			}
			seen := make([]int, len(lines))
			for _, s := range sights(t, []byte(strings.Join(lines, "\n")), chunk) {
				if seen[s.Line-1]++; !s.Encoded || !strings.HasPrefix(s.Token, token) || len(s.Token) > len(token)+2 {
					t.Errorf("%q: %+v", lines[s.Line-1], s)
				}
			}
			for i, n := range seen {
				if n != 1 {
					t.Errorf("%q holds %q, which is found %d times", lines[i], content, n)
				}
			}
		}
	}
}

// Several values stand in one path or in wrapped lines, and each one begins at another digit.
func TestFinderAlignsEachValue(t *testing.T) {
	value := func(n int) string {
		return strings.TrimRight(std(strings.Repeat("x", n)+" "+exposing), "=")
	}
	for name, text := range map[string]string{
		"a path":         "/" + value(0) + "/" + value(1) + "/" + value(2) + "/" + value(3) + "/x",
		"names":          "a-" + value(0) + "-" + value(1) + "_" + value(2) + "+" + value(3),
		"a long value":   "sess_" + std(strings.Repeat("some text ", 300_000)+exposing+" and more"),
		"of bytes":       "a/b/" + std(strings.Repeat("\x00\xff binary ", 400_000)+exposing+"\n"+strings.Repeat("more", 300_000)),
		"of long words":  "_" + std(strings.Repeat("text", 10)+"\n"+strings.Repeat("\xff\x00", 600_000)+exposing+"\n"),
		"UTF-16, long":   std(inUTF16(strings.Repeat("some text ", 100_000)+exposing+" and more", 1, 0, true)),
		"UTF-16, behind": "-enc%20" + std(inUTF16(strings.Repeat("some text ", 200_000)+exposing+" and more", 1, 0, false)),
	} {
		want := 1
		if name == "a path" || name == "names" {
			want = 4
		}
		n := 0
		for _, token := range found(t, text) {
			if strings.HasPrefix(token, exposing) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d of %d tokens are found", name, n, want)
		}
	}
	if got := found(t, "x"+strings.Repeat("V", 1000)); len(got) != 1 || got[0] != string(LimitDecoded) {
		t.Errorf("%q", got)
	}
}

// Random values, hashes and ordinary words are decoded once, and hold no token.
func TestFinderDoesNotRealignRandomValues(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	for range 10_000 {
		for range 64 {
			b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random.IntN(64)])
		}
		b.WriteByte('\n')
	}
	for name, text := range map[string]string{
		"random": b.String(),
		"zeros":  std(strings.Repeat("\x00", 10_000)) + " " + std(strings.Repeat("\x00\x01\x00\x00", 10_000)) + " " + std(strings.Repeat("\xff", 10_000)),
		"hashes": strings.Repeat("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 ", 1000),
		"paths":  strings.Repeat("GET /some/ordinary/path/of/several/words/and/a/long/file-name_of.html ", 1000),
	} {
		f := NewFinder(iotest.HalfReader(strings.NewReader(text)))
		if s, err := f.Next(t.Context()); s.Token != "" || s.Limit != "" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if in := f.scan.inner; in != nil && in.decoded > int64(len(text)) {
			t.Errorf("%s: %d bytes of %d", name, in.decoded, len(text))
		}
	}
}
