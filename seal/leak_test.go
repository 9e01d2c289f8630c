package seal_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// leaks are ways in which a sealer or its caller could show a secret by mistake.
var leaks = map[string]func(secret string) string{
	"as it is":             func(s string) string { return s },
	"in other text":        func(s string) string { return "user " + s + ", since 2020" },
	"in capitals":          strings.ToUpper,
	"base64url":            func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64":               func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 after x":       func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s)) },
	"base64 after xy":      func(s string) string { return base64.URLEncoding.EncodeToString([]byte("xy" + s)) },
	"base64, joined":       func(s string) string { return "sid-" + base64.RawURLEncoding.EncodeToString([]byte("x:"+s)) + ".v1" },
	"base64 three times":   func(s string) string { return again(again(again(s))) },
	"base32":               func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) },
	"hex":                  func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex in capitals":      func(s string) string { return "0x" + strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"percent":              percent,
	"a query":              func(s string) string { return "/login?" + url.Values{"login_hint": {s}}.Encode() },
	"JSON in a string":     func(s string) string { return string(must(json.Marshal(map[string]string{"v": s}))) },
	"escaped":              escapedJSON,
	"reversed":             reversed,
	"zlib and base64":      func(s string) string { return again(deflated(s, zlib.NewWriter)) },
	"gzip and base64":      func(s string) string { return again(deflated(s, gzip.NewWriter)) },
	"deflate and hex":      func(s string) string { return hex.EncodeToString([]byte(deflated(s, rawDeflate))) },
	"hex, deflate, base64": func(s string) string { return again(deflated(hex.EncodeToString([]byte(s)), rawDeflate)) },
	"in a JWT":             func(s string) string { return again(`{"alg":"none"}`) + "." + again(`{"email":`+quoted(s)+`}`) + "." },
}

func again(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func quoted(s string) string { return string(must(json.Marshal(s))) }

func rawDeflate(w io.Writer) *flate.Writer { return must(flate.NewWriter(w, flate.BestCompression)) }

func deflated[W io.WriteCloser](s string, writer func(io.Writer) W) string {
	var b bytes.Buffer
	w := writer(&b)
	must(io.WriteString(w, s))
	w.Close()
	return b.String()
}

// places are the parts of a token in which a leak could stand.
var places = map[string]struct {
	only []bool // none: both forms
	put  func(token, leak string) string
}{
	"the kid":               {nil, func(token, leak string) string { return bend(token, 0, "kid", quoted(leak)) }},
	"the header":            {nil, func(token, leak string) string { return bend(token, 0, "hint", quoted(leak)) }},
	"a name in the header":  {nil, func(token, leak string) string { return bend(token, 0, leak, "1") }},
	"an object in it":       {nil, func(token, leak string) string { return bend(token, 0, "sub_jwk", `{"a":[0,`+quoted(leak)+`]}`) }},
	"one part more":         {nil, func(token, leak string) string { return token + "." + again(leak) }},
	"before it":             {nil, func(token, leak string) string { return "Bearer " + leak + " " + token }},
	"the encrypted key":     {[]bool{nested}, func(token, leak string) string { return replacePart(token, 1, leak) }},
	"the IV":                {[]bool{nested}, func(token, leak string) string { return replacePart(token, 2, leak) }},
	"the ciphertext":        {[]bool{nested}, func(token, leak string) string { return replacePart(token, 3, `{"sub":`+quoted(leak)+`}`) }},
	"the tag":               {[]bool{nested}, func(token, leak string) string { return replacePart(token, 4, leak) }},
	"a visible claim":       {[]bool{selective}, func(token, leak string) string { return bend(token, 1, "note", quoted(leak)) }},
	"deep in a claim":       {[]bool{selective}, func(token, leak string) string { return bend(token, 1, "note", `[[{"x":`+quoted(leak)+`}]]`) }},
	"jti":                   {[]bool{selective}, func(token, leak string) string { return bend(token, 1, "jti", quoted(leak)) }},
	"a name in the payload": {[]bool{selective}, func(token, leak string) string { return bend(token, 1, leak, "true") }},
	"the second JWE": {[]bool{selective}, func(token, leak string) string {
		return bendJWE(token, func(jwe string) string { return bend(jwe, 0, "apu", quoted(leak)) })
	}},
	"the second JWE's text": {[]bool{selective}, func(token, leak string) string {
		return bendJWE(token, func(jwe string) string { return replacePart(jwe, 3, leak) })
	}},
	"a sealed one too many": {[]bool{selective}, func(token, leak string) string { return bend(token, 1, "more", `["`+again(leak)+`"]`) }},
	"the signature":         {[]bool{selective}, func(token, leak string) string { return replacePart(token, 2, leak) }},
}

func replacePart(token string, i int, text string) string {
	parts := strings.Split(token, ".")
	parts[i] = again(text)
	return strings.Join(parts, ".")
}

// bend adds a member to the object in a part, or replaces that member.
func bend(token string, i int, name, value string) string {
	o := must(strict.ParseObject(decode(strings.Split(token, ".")[i])))
	text := []byte("{")
	for n, v := range o.All() {
		if n != name {
			text = strict.AppendMember(text, n, v)
		}
	}
	return replacePart(token, i, string(append(strict.AppendMember(text, name, json.RawMessage(value)), '}')))
}

func bendJWE(token string, change func(jwe string) string) string {
	sealed := jwesOf(token)
	sealed[1] = change(sealed[1])
	return bend(token, 1, "sealed", string(must(json.Marshal(sealed))))
}

// TestStrangerReadsNothing would find every leak: this test leaks one secret in each way and at
// each place, and the stranger names that secret.
func TestStrangerFindsLeaks(t *testing.T) {
	t.Parallel()
	seed := proofSeed(t)
	r := random{rand.New(rand.NewPCG(seed, 1<<63))}
	for _, s := range []sealedToken{r.nested(t), r.selective(t)} {
		var kinds []string // one secret of each alphabet, and one number
		for _, alphabet := range alphabets {
			kinds = append(kinds, r.of(alphabet, leastRandom))
		}
		kinds = append(kinds, r.number(new([]string)))
		s.secrets = kinds
		if found := s.breach(); len(found) > 0 {
			t.Fatalf("SEALJWT_SEED=%d: without a leak: %q", seed, found)
		}
		// The stranger does not search for secrets this short, but the name is not a known one.
		short := s
		short.text = bend(s.text, 0, "ssn", "1")
		if found := short.breach(); !slices.Equal(found, []string{"the name ssn"}) {
			t.Errorf("a short name: %q", found)
		}
		for place, p := range places {
			if p.only != nil && !slices.Contains(p.only, s.form) {
				continue
			}
			for way, leak := range leaks {
				if testing.Short() && r.IntN(4) > 0 {
					continue
				}
				secret := pick(r, kinds)
				leaked := s
				leaked.text = p.put(s.text, leak(secret))
				if !slices.Contains(leaked.breach(), secret) {
					t.Errorf("SEALJWT_SEED=%v, form %v: %q, %s, in %s is not found", seed, s.form, secret, way, place)
				}
			}
		}
	}
}

// The stranger recognizes a number in another notation.
func TestStrangerFindsNumbers(t *testing.T) {
	t.Parallel()
	for _, leak := range []string{
		"123456789012345", "-1.23456789012345E+14", "123456789012345.0", "7048860ddf79", "0x7048860DDF79", "12345678901234500", "543210987654321",
	} {
		if found := takeApart(again(`{"a":"` + leak + `"}`)).finds([]string{"123456789012345"}); len(found) != 1 {
			t.Errorf("%s is not found", leak)
		}
	}
}

// The stranger finds nothing in a token without a leak.
func TestStrangerIsSure(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(`{"a":"%s"}`, strings.Repeat("abcdefghijk", 100))
	if found := takeApart(again(text)).finds([]string{"abcdefghijklm", "123456789012345", "가나다라마바사아자차카타"}); len(found) != 0 {
		t.Errorf("found %q", found)
	}
}
