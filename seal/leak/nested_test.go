package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The serializations of one token with an e-mail address in its payload, each of which a careless
// reader takes.
func serializations() map[string]string {
	h, p := compact(someHeader), compact(`{"email":"ada@example.com"}`)
	s := base64.RawURLEncoding.EncodeToString([]byte("a signature of 32 bytes, or so..."))
	signature := `{"protected":"` + h + `","signature":"` + s + `"}`
	return map[string]string{
		"flattened":              `{"payload":"` + p + `","protected":"` + h + `","signature":"` + s + `"}`,
		"payload last":           `{"signature":"` + s + `","protected":"` + h + `","payload":"` + p + `"}`,
		"without a header":       `{"payload":"` + p + `","signature":"` + s + `"}`,
		"without a signature":    `{"payload":"` + p + `","protected":"` + h + `"}`,
		"general":                `{"payload":"` + p + `","signatures":[` + signature + `,` + signature + `]}`,
		"general, payload last":  `{"signatures":[` + signature + `,` + signature + `],"payload":"` + p + `"}`,
		"members between":        `{"a":{"b":[{"c":"}"}]},"payload":"` + p + `","x":[1,{"y":2}],"signature":"` + s + `","z":null}`,
		"no objects in the list": `{"signatures":["x",1],"payload":"` + p + `"}`,
		"two payloads":           `{"payload":"e30","payload":"` + p + `","signature":"` + s + `"}`,
		"two payloads, turned":   `{"payload":"` + p + `","payload":"e30","signature":"` + s + `"}`,
		"a payload in the list":  `{"payload":"` + p + `","signatures":[{"payload":"e30","signature":"` + s + `"}]}`,
		"both forms":             `{"payload":"` + p + `","ciphertext":"` + s + `","iv":"` + s + `","signature":"` + s + `"}`,
		"a header that is text":  `{"header":"ada@example.com","payload":"e30","signature":"` + s + `"}`,
		"protected text":         `{"protected":"` + compact("ada@example.com") + `","payload":"e30","signature":"` + s + `"}`,
		"a signature of text":    `{"signature":"by ada@example.com","payload":"e30","protected":"` + h + `"}`,
		"a header of a JWE":      `{"unprotected":{"email":"ada@example.com"},"ciphertext":"` + s + `","iv":"` + s + `","tag":"` + s + `"}`,
		"recipients of a JWE":    `{"recipients":[{"header":{"email":"ada@example.com"},"encrypted_key":"` + s + `"}],"ciphertext":"` + s + `","iv":"` + s + `"}`,
		"claims, protected":      `{"protected":"` + compact(`{"enc":"A256GCM","email":"ada@example.com"}`) + `","ciphertext":"` + s + `","iv":"` + s + `"}`,
	}
}

// Wherever a token in the JSON serialization stands in another, it is a layer, and what is in it
// counts there and once.
func TestSerializedTokensInTokens(t *testing.T) {
	disclosed := func(json string) string {
		return compact(someHeader, "{}", "s") + "~" + base64.RawURLEncoding.EncodeToString([]byte(json)) + "~"
	}
	wrapped := func(member, json string) string {
		return `{"payload":"e30","` + member + `":` + json + `,"signature":"` + strings.Repeat("s", 43) + `"}`
	}
	claims := func(json string) string { return compact(someHeader, json, "s") }
	for place, around := range map[string]func(json string) (token, where string){
		"a claim":         func(j string) (string, string) { return claims(`{"a":` + j + `}`), "token claim a" },
		"deep in a claim": func(j string) (string, string) { return claims(`{"a":{"b":[1,` + j + `]}}`), "token claim a.b[1]" },
		"an array": func(j string) (string, string) {
			return claims(`{"a":[{"n":1},` + j + `,{"n":2}]}`), "token claim a[1]"
		},
		"a personal claim": func(j string) (string, string) { return claims(`{"user":{"a":` + j + `}}`), "token claim user.a" },
		"a text":           func(j string) (string, string) { return claims(`{"a":` + quote(j) + `}`), "token claim a" },
		"a text in an array": func(j string) (string, string) {
			return claims(`{"a":["x",` + quote("see "+j) + `]}`), "token claim a[1]"
		},
		"a pretty text": func(j string) (string, string) { return claims(`{"a":` + quote(pretty(j)) + `}`), "token claim a" },
		"a text in a text": func(j string) (string, string) {
			return claims(`{"a":` + quote(`{"b":`+quote(j)+`}`) + `}`), "token claim a"
		},
		"the payload":          func(j string) (string, string) { return claims(j), "token payload" },
		"the payload, as text": func(j string) (string, string) { return claims("see " + j), "token payload" },
		"an array as payload":  func(j string) (string, string) { return claims("[" + j + "]"), "token payload[0]" },
		"a header": func(j string) (string, string) {
			return compact(`{"alg":"ES256","a":`+j+`}`, "{}", "s"), "token header a"
		},
		"a header, as text": func(j string) (string, string) {
			return compact(`{"alg":"ES256","a":`+quote(j)+`}`, "{}", "s"), "token header a"
		},
		"a disclosure": func(j string) (string, string) { return disclosed(`["salt","a",` + j + `]`), "token disclosure a" },
		"a disclosure, as text": func(j string) (string, string) {
			return disclosed(`["salt","a",` + quote(j) + `]`), "token disclosure a"
		},
		"an array's disclosure": func(j string) (string, string) { return disclosed(`["salt",` + j + `]`), `token disclosure "..."` },
		"an unprotected header": func(j string) (string, string) { return wrapped("header", `{"a":`+j+`}`), "token header a" },
		"a foreign member":      func(j string) (string, string) { return wrapped("a", j), "token header a" },
		"a foreign text":        func(j string) (string, string) { return wrapped("a", quote(j)), "token header a" },
	} {
		for name, json := range serializations() {
			token, where := around(json)
			u, err := Read(token)
			if err != nil {
				t.Errorf("%s, %s: %v", place, name, err)
				continue
			}
			i := slices.IndexFunc(u.Layers, func(l Layer) bool { return l.JSON && l.Where == where })
			if i < 0 || u.Layers[i].PersonalCount() != 1 || u.Personal() != 1 || u.Limits != nil {
				var all []string
				for _, l := range u.Layers {
					all = append(all, l.Where+" "+strconv.Itoa(l.PersonalCount()))
				}
				t.Errorf("%s, %s: %q, want one finding in %s (%q)", place, name, all, where, u.Limits)
			}
		}
	}
}

// pretty returns JSON over several lines.
func pretty(text string) string {
	var b bytes.Buffer
	json.Indent(&b, []byte(text), "", "\t") // of valid JSON
	return b.String()
}

// python returns JSON as Python prints the dict of it.
func python(json string) string {
	return strings.NewReplacer(`"`, `'`, `:`, `: `, `,`, `, `, "null", "None").Replace(json)
}

// A Finder finds a token in the JSON serialization in any object or list, over several lines, with
// any members around it.
func TestFinderFindsSerializedTokens(t *testing.T) {
	other := `{"payload":"` + compact(`{"sub":"another"}`) + `","signature":"` + strings.Repeat("s", 43) + `"}`
	for place, around := range map[string]func(j string) string{
		"a line":           func(j string) string { return "at 12:00 " + j + " was read\n" },
		"an object":        func(j string) string { return `{"a":` + j + `,"b":1}` },
		"a list":           func(j string) string { return `[` + j + `,` + j + `]` },
		"second in a list": func(j string) string { return `{"tokens":[` + other + `,` + j + `]}` },
		"behind an object": func(j string) string { return `{"tokens":[{"a":[1]},` + j + `,{"b":2}]}` },
		"in what is none":  func(j string) string { return `{"tag":"aaaaaaaaaaaaaaaaaaaaaa","a":{"b":` + j + `}}` },
		"in what is none, deep": func(j string) string {
			return strings.Repeat(`{"tag":"aaaaaaaaaaaaaaaaaa","a":`, 9) + j + strings.Repeat("}", 9)
		},
		"in another": func(j string) string {
			return `{"payload":"e30","a":` + j + `,"signature":"` + strings.Repeat("s", 43) + `"}`
		},
		"braces in a text":    func(j string) string { return `{"a":"}{","b":` + j + `}` },
		"a quotation mark":    func(j string) string { return `{"a":"\"{","b":` + j + `}` },
		"several lines":       func(j string) string { return "read:\n" + pretty(`{"a":[1,`+j+`]}`) + "\nend\n" },
		"several lines, CRLF": func(j string) string { return strings.ReplaceAll(pretty(j), "\n", "\r\n") },
		"a text":              func(j string) string { return `{"a":` + quote(j) + `,"b":"c"}` },
		"a pretty text":       func(j string) string { return `{"a":` + quote(pretty(j)) + `,"b":"c"}` },
		"a text, quotes in hex": func(j string) string {
			return `{"a":"` + strings.ReplaceAll(strings.Trim(quote(j), `"`), `\"`, `\u0022`) + `","b":"c"}`
		},
		"a pretty text, quotes in hex": func(j string) string {
			return `{"a":"` + strings.ReplaceAll(strings.Trim(quote(pretty(j)), `"`), `\"`, `\u0022`) + `","b":"c"}`
		},
		"CSV": func(j string) string { return "2026,\"" + strings.ReplaceAll(j, `"`, `""`) + "\",x\n" },
		"CSV, other text": func(j string) string {
			return "2026,\"see " + strings.ReplaceAll(`{"a":"","b":"\"","c":[`+j+`]}`, `"`, `""`) + "\",\"\"\n"
		},
		"CSV, pretty":    func(j string) string { return "2026,\"" + strings.ReplaceAll(pretty(j), `"`, `""`) + "\",x\n" },
		"Python":         func(j string) string { return "got " + python(j) + "\n" },
		"Python, deep":   func(j string) string { return python(`{"a":"","b":[1,` + j + `]}`) },
		"Python in JSON": func(j string) string { return `{"message":` + quote("got "+python(j)) + `}` },
		"a URL":          func(j string) string { return "GET /?a=" + url.QueryEscape(j) + "&b=c\n" },
		"a pretty URL":   func(j string) string { return "GET /?a=" + url.QueryEscape(pretty(j)) + "&b=c\n" },
		"a URL in small letters": func(j string) string {
			return regexp.MustCompile("%..").ReplaceAllStringFunc(url.QueryEscape(pretty(j)), strings.ToLower)
		},
		"Base64": func(j string) string { return std(`{"a":` + pretty(j) + `}`) },
	} {
		for name, json := range serializations() {
			exposes := false
			for _, token := range found(t, around(json)) {
				u, err := Read(token)
				exposes = exposes || err == nil && u.Personal() > 0
			}
			if !exposes {
				t.Errorf("%s, %s: not found in %s", place, name, around(json))
			}
		}
	}
}

// A payload whose object begins too far before it is told, wherever the buffers end, and so is an
// object in which too many look like tokens.
func TestSerializedLimitsAreFindings(t *testing.T) {
	payload := `"payload":"` + compact(`{"email":"ada@example.com"}`) + `","signature":"` + strings.Repeat("s", 43) + `"}`
	nested := strings.Repeat(`{"tag":"aaaaaaaaaaaaaaaaaa","a":`, 4*maxPasses) + "{" + payload + strings.Repeat("}", 4*maxPasses)
	for name, c := range map[string]struct {
		text string
		want Limit
	}{
		"near":           {`{"a":"` + strings.Repeat(" ", lookBack-30) + `",` + payload, ""},
		"far":            {`{"a":"` + strings.Repeat(" ", 2*lookBack) + `",` + payload, LimitBefore},
		"deep":           {nested, LimitObjects},
		"long, no token": {`{"tag":"release-2026-01-01-rc1","data":"` + strings.Repeat("some text ", 250_000) + `"}`, ""},
		"long, a token":  {`{"signature":"` + strings.Repeat("s", 43) + `","payload":"e30","data":"` + strings.Repeat("some text ", 250_000) + `"}`, LimitLength},
		"long, claims":   {`{` + payload[:len(payload)-2] + strings.Repeat("some text ", 250_000), LimitLength},
		"many":           {`{"tag":"aaaaaaaaaaaaaaaaaa","a":[` + strings.Repeat(`{"tag":"aaaaaaaaaaaaaaaaaa"},`, 999) + `{` + payload + `]}`, ""},
	} {
		for _, size := range []int{7, 1000, chunk} {
			var limits []Limit
			for _, s := range sights(t, []byte("\n\n"+c.text+"\n"), size) {
				if s.Limit != "" {
					limits = append(limits, s.Limit)
				}
			}
			if (c.want == "") != (limits == nil) || limits != nil && limits[0] != c.want {
				t.Errorf("%s, %d: %q", name, size, limits)
			}
		}
	}
}

// What is like a token and is none stays a claim, and loses nothing.
func TestNotSerialized(t *testing.T) {
	for _, claims := range []string{
		`{"a":{"payload":"ada@example.com","header":{}}}`,
		`{"a":{"payload":{"email":"ada@example.com"},"signature":"s"}}`,
		`{"a":{"ciphertext":"x","email":"ada@example.com"}}`,
		`{"payload":"ada@example.com"}`,
		`{"signature":"s","email":"ada@example.com"}`,
	} {
		u, err := Read(compact(someHeader, claims, "s"))
		if err != nil || len(u.Layers) != 1 || u.Personal() != 1 {
			t.Errorf("%s: %v, %+v", claims, err, u)
		}
	}
}

// Tokens in the JSON serialization that stand in one another are read up to the limit, which is
// told, and of the rest the findings stay where they are.
func TestSerializedTokensReachTheLimit(t *testing.T) {
	const open, shut = `{"payload":"e30","signature":"s","a":`, `}`
	for levels, limited := range map[int]bool{30: false, 31: false, 32: true, 45: true} {
		claims := `{"a":` + strings.Repeat(open, levels) + `"ada@example.com"` + strings.Repeat(shut, levels) + `}`
		u, err := Read(compact(someHeader, claims, "s"))
		if err != nil || u.Personal() != 1 || slices.Contains(u.Limits, LimitLayers) != limited {
			t.Errorf("%d levels: %v, %d layers, %q", levels, err, len(u.Layers), u.Limits)
		}
	}
	list := strings.Repeat(`{"payload":"e30","signature":"s"},`, 40)
	u, err := Read(compact(someHeader, `{"a":[`+list+`{"email":"ada@example.com"}]}`, "s"))
	if err != nil || len(u.Layers) != maxLayers || !slices.Contains(u.Limits, LimitLayers) || u.Personal() != 1 {
		t.Errorf("%v, %d layers, %q", err, len(u.Layers), u.Limits)
	}
}
