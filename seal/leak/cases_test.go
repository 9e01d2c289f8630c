package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// exposing is a token with an e-mail address. It is so long that programs wrap it.
var exposing = compact(`{"alg":"ES256","typ":"JWT","kid":"k1"}`,
	`{"iss":"https://id.example.com","sub":"u-42","pad":"`+strings.Repeat("x", 60)+`","email":"ada@example.com"}`, strings.Repeat("signed", 11))

// found returns the tokens in a text, and the limits that a Finder meets in it.
func found(t testing.TB, text string) (tokens []string) {
	t.Helper()
	f := NewFinder(strings.NewReader(text))
	for {
		s, err := f.Next(t.Context())
		if err == io.EOF {
			return tokens
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.Limit != "" {
			tokens = append(tokens, string(s.Limit))
			continue
		}
		tokens = append(tokens, s.Token)
	}
}

func wrapped(text, indent, end string, width int) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(indent + text[:width] + end)
		text = text[width:]
	}
	return b.String() + indent + text
}

func std(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func quote(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func inUTF16(text string, high, low int, bom bool) string {
	var out []byte
	units := utf16.Encode([]rune(text))
	if bom {
		units = append([]uint16{0xFEFF}, units...)
	}
	for _, u := range units {
		pair := [2]byte{}
		pair[high], pair[low] = byte(u>>8), byte(u)
		out = append(out, pair[:]...)
	}
	return string(out)
}

// A Finder undoes the encodings around a token once, in every kind of file.
func TestFinderUndoesEncodings(t *testing.T) {
	parts := strings.Split(exposing, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	form := url.Values{"body": {`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`}}.Encode()
	flat := `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
	general := `{"signatures":[{"protected":"` + parts[0] + `","header":{"kid":"a"},"signature":"` + parts[2] + `"},{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}],"payload":"` + parts[1] + `"}`
	padded := std(`{"alg":"none","a":"??>>"}`) + "." + std(string(payload)+" ") + "." + std("a?>b?>c??>")
	for name, text := range map[string]string{
		"a mail in quoted-printable": strings.ReplaceAll(wrapped("Join: https://a.example/?t=3D"+exposing, "", "=\r\n", 75), "x.", "x=2E") + "\r\n",
		"quoted-printable with =2E":  strings.Replace(exposing, ".", "=2E", 2),
		"QP in the first characters": "see=20token=3Dey=\n" + exposing[2:40] + "=\n" + exposing[40:] + "\n",
		"wrapped at 64":              wrapped(exposing, "", "\n", 64) + "\n",
		"wrapped at 76, CRLF":        "a line before\r\n" + wrapped(exposing, "", "\r\n", 76) + "\r\nand one after",
		"wrapped and indented":       "token: |\n" + wrapped(exposing, "    ", "\n", 70) + "\nnext: x",
		"a folded header":            "X-Token: " + strings.ReplaceAll(wrapped(exposing, " ", "\r\n", 70), " eyJhbGci", "eyJhbGci") + "\r\n\r\n",
		"wrapped in a JSON string":   `{"t":"` + wrapped(exposing, "", `\n`, 60) + `"}`,
		"percent-encoded dots":       "?t=" + strings.ReplaceAll(exposing, ".", "%2E") + "&x",
		"JSON escapes":               `{"t":"` + strings.ReplaceAll(exposing, ".", `\u002e`) + `"}`,
		"a HAR body in Base64":       `{"encoding":"base64","text":"` + std(`{"id_token": "`+exposing+`"}`) + `"}`,
		"Base64, slashes escaped":    `{"text":"` + strings.ReplaceAll(std(`??>{"id_token": "`+exposing+`"}`), "/", `\/`) + `"}`,
		"a manifest":                 "data:\n  token: " + std(exposing) + "\n",
		"a data URL":                 "data:application/json;base64," + std(`{"t":"`+exposing+`"}`),
		"a MIME part":                "Content-Transfer-Encoding: base64\r\n\r\n" + wrapped(std("Hello,\r\n\r\n"+exposing+"\r\n"), "", "\r\n", 76) + "\r\n--x--",
		"Base64 in a JSON string":    `{"content":"` + wrapped(std("# a file\n"+exposing), "", `\n`, 60) + `\n"}`,
		"one Base64 value a line":    std(plainJWS+plainJWS) + "\n" + std(exposing) + "\n" + std(exposing) + "\n",
		"Base64 in a path":           "/files/" + std(exposing) + "/x",
		"a long Base64 value":        std(strings.Repeat("\x00\xff binary ", 400_000) + exposing + "\n" + strings.Repeat("more", 300_000)),
		"standard Base64":            "t=" + padded + "; Path=/",
		"a flattened JWS":            "log " + flat,
		"a general JWS":              general,
		"a pretty-printed JWS":       strings.NewReplacer(`,"`, ",\n  \"", `":"`, `" : "`, "{", "{\n  ").Replace(general),
		"a JWS in a JSON string":     `{"body":` + quote(flat) + `}`,
		"a JWS in a form":            form,
		"a JWS in HTML":              `<p data-t="` + strings.ReplaceAll(flat, `"`, "&quot;") + `">`,
		"a JWS in Base64":            std(flat),
		"a JWS that is cut off":      flat[:len(flat)-40] + "\nnext line",
		"UTF-16, little endian":      inUTF16("a log\n"+exposing+"\n", 1, 0, true),
		"UTF-16, big endian":         inUTF16("a log\n"+exposing+"\n", 0, 1, true),
		"UTF-16 without a mark":      inUTF16("a log\n"+exposing+"\n", 1, 0, false),
		"a byte order mark":          "\uFEFF" + exposing,
		"Latin-1":                    "M\xfcller " + exposing + "\xe9",
		"a cookie":                   "Cookie: a=b; session=" + exposing + "; c=d",
	} {
		exposes := false
		for _, token := range found(t, text) {
			u, err := Read(token)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			exposes = exposes || slices.ContainsFunc(u.Layers[0].Claims, func(m Member) bool { return m.Name == "email" && len(m.Personal) == 1 })
		}
		if !exposes {
			t.Errorf("%s: nothing found in %.300q", name, text)
		}
	}
}

// A Finder decodes base64 once, and inflates nothing.
func TestFinderUndoesOnce(t *testing.T) {
	if got := found(t, std(std("x "+exposing))); got != nil {
		t.Errorf("twice encoded: %q", got)
	}
	for _, magic := range []string{"\x1f\x8b", "BZh91AY&SY", "PK\x03\x04"} {
		if _, err := NewFinder(strings.NewReader(magic + exposing)).Next(t.Context()); err == nil || !strings.Contains(err.Error(), "compressed") {
			t.Errorf("%q: %v", magic, err)
		}
	}
}

// A Finder does not join the lines of ordinary texts.
func TestFinderDoesNotJoin(t *testing.T) {
	line := exposing + "\n"
	for name, text := range map[string]string{
		"tokens of the same length": line + line + line,
		"a word on the next line":   line + "done\n" + line,
		"a stripped token":          exposing[:strings.LastIndexByte(exposing, '.')] + "\nGET\n",
		"hashes":                    strings.Repeat("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", 3) + line,
	} {
		for _, token := range found(t, text) {
			if token != exposing && token != exposing[:strings.LastIndexByte(exposing, '.')] {
				t.Errorf("%s: %q", name, token)
			}
		}
		if found(t, text) == nil {
			t.Errorf("%s: nothing found", name)
		}
	}
}

// Read accepts every spelling that a person may paste, and says why package open refuses it.
func TestReadAnySpelling(t *testing.T) {
	const claims = `{"sub":"1","email":"ada@example.com"}`
	jws := func(payload string) string { return compact(someHeader, payload, "signature") }
	parts := strings.Split(jws(claims), ".")
	sd := jws(`{"iss":"a","_sd":["x"]}`)
	disclosure := base64.RawURLEncoding.EncodeToString([]byte(`["salt","email","ada@example.com"]`))
	array := base64.RawURLEncoding.EncodeToString([]byte(`["salt", "ada@example.com"]`))
	for name, c := range map[string]struct{ text, fault string }{
		"as it should be":    {jws(claims), ""},
		"names in two cases": {jws(`{"userName":"a","username":"a","email":"ada@example.com"}`), "its claims: member name that differs from another only in case"},
		"a name twice":       {jws(`{"sub":"1","sub":"2","email":"ada@example.com"}`), "its claims: duplicate member name"},
		"a byte order mark":  {jws("\uFEFF" + claims), "its payload begins with a byte order mark"},
		"claims in UTF-16":   {jws(inUTF16(claims, 1, 0, true)), "its payload is text in UTF-16"},
		"claims in Latin-1":  {jws("{\"n\":\"M\xfcller\",\"email\":\"a@example.com\"}"), "its payload is not UTF-8, and read as Latin-1 where it is not"},
		"header in UTF-16":   {compact(inUTF16(someHeader, 1, 0, false), claims, "s"), "its header is text in UTF-16"},
		"padding": {std(`{"typ":"JWT", "alg":"HS256"}`) + "." + std(claims) + "." + std("sign"),
			"part 1 (header) is not canonical base64url without padding: it is padded with ="},
		"standard Base64":    {std(`{"alg":"HS256","a":"?>?>?"}`) + "." + parts[1] + ".c2ln", "part 1 (header) is not canonical base64url without padding: it is standard Base64 with + or /"},
		"white space":        {" " + jws(claims) + "\r\n", "there is white space in or around it: give the token alone, on one line"},
		"a scheme":           {"Bearer " + jws(claims), "there is other text around it"},
		"lines":              {wrapped(exposing, "", "\n", 64), "its lines are wrapped, or characters of it are escaped"},
		"two tokens":         {jws(claims) + " " + jws(claims), "there is more than one token; this is the first one"},
		"Base64 around it":   {std(jws(claims)), "it is encoded once more, in Base64"},
		"text in UTF-16":     {inUTF16(jws(claims), 1, 0, true), "the token is text in UTF-16"},
		"cut off":            {jws(claims)[:60], "it has 2 parts, and a signed token has 3, an encrypted one 5: was it cut off?"},
		"a damaged header":   {"x" + jws(claims)[1:], "its header is not one JSON object: object expected at byte 0"},
		"flattened":          {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, "it is in the JSON serialization, and only the compact one is taken: parts with dots between them"},
		"a disclosure":       {sd + "~" + disclosure + "~", "it is an SD-JWT with disclosures behind it"},
		"no tilde at an end": {sd + "~" + disclosure, "it is an SD-JWT with disclosures behind it"},
		"of an array":        {sd + "~" + array + "~", "it is an SD-JWT with disclosures behind it"},
		"with a key":         {sd + "~" + disclosure + "~" + compact(`{"alg":"ES256","typ":"kb+jwt"}`, `{"nonce":"n"}`, "s"), "it is an SD-JWT with disclosures behind it"},
		"no JSON":            {jws("mail ada@example.com"), ""},
		"single quotes":      {jws(`{'email':'ada@example.com'}`), ""},
		"a last comma":       {jws(`{"email":"ada@example.com",}`), "its claims: string expected at byte 27"},
	} {
		u, err := Read(c.text)
		if err != nil || u.Personal() == 0 {
			t.Errorf("%s: %v, %+v", name, err, u)
			continue
		}
		faults := u.Layers[0].Faults
		outer := slices.IndexFunc(faults, func(f string) bool { return strings.HasPrefix(f, "part ") || strings.HasPrefix(f, "its header ") })
		if got := u.Layers[0].OuterFault; outer < 0 && got != "" || outer >= 0 && got != faults[outer] {
			t.Errorf("%s: the outer fault is %q, of %q", name, got, faults)
		}
		if c.fault == "" && faults != nil || c.fault != "" && !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, c.fault) || strings.HasPrefix(c.fault, f) }) {
			t.Errorf("%s: %q, want %q", name, faults, c.fault)
		}
	}
}

// Read refuses a text without a token, and the reason quotes nothing of the text.
func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"": "the input is empty", "hello": "it has 1 part, and", "a.b.c.d": "it has 4 parts, and a signed token has 3, an encrypted one 5: was it cut off?",
		"a.b.c.d.e.f": "it has 6 parts, and a signed token has 3, an encrypted one 5: that is more than one token", `{"sub":"secret"}`: "this is JSON",
		"e30=.e30.": "part 1 (header) is not canonical", "eyJ9.e30.": "its header is not one JSON object: ", "e30.e30.": "its header names no alg",
		strings.Repeat("secret", 1<<20): "it is longer than 1048576 bytes",
	} {
		u, err := Read(text)
		if u != nil || err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// A JWE shows only its header and the number of its recipients.
func TestReadJWE(t *testing.T) {
	general := `{"protected":"` + compact(`{"enc":"A256GCM"}`) + `","unprotected":{"email":"ada@example.com"},"recipients":[{"header":{"alg":"A256KW","kid":"a"},"encrypted_key":"a2V5"},{"header":{"alg":"A256KW","kid":"b"},"encrypted_key":"a2V5"}],"iv":"dHdlbHZlIGJ5dGVz","ciphertext":"Y2lwaGVydGV4dA","tag":"c2l4dGVlbiBieXRlIHRhZw"}`
	for text, want := range map[string]string{
		directJWE:      "JWE 1 2 0 0",
		general:        "JWE 2 6 0 1",
		directJWE[:70]: "JWE 1 2 0 0",
	} {
		l := outer(t, text)
		if got := fmt.Sprint(l.Form, l.SealedTo, len(l.Header), len(l.Claims), l.PersonalCount()); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Findings, faults and places hold no part of a value, and every value is JSON.
func TestResultsAreSafe(t *testing.T) {
	for _, payload := range []string{`{"a":1,"a":"ada@example.com"}`, `{"ada@example.com":"ada@example.com"`, "\x00ada@example.com", `{"t":["` + exposing + `"]}`} {
		u, err := Read(compact(someHeader, payload, "s"))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range u.Layers {
			text := fmt.Sprint(l.Faults, l.Where, l.Personal)
			for _, m := range slices.Concat(l.Header, l.Claims) {
				text += fmt.Sprint(m.Personal)
				if !json.Valid(m.Value) {
					t.Errorf("%q: %q is not JSON", payload, m.Value)
				}
			}
			if strings.Contains(text, "ada") || strings.Contains(text, exposing) {
				t.Errorf("%q: %s", payload, text)
			}
		}
	}
	if !bytes.Contains([]byte(exposing), []byte(".")) {
		t.Error("no token")
	}
}
