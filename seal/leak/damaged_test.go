package leak

import (
	"runtime"
	"strings"
	"testing"
)

// Claims stand readable behind any header, and behind what is left of one. Finder and Read agree
// about all of them.
func TestClaimsBehindAnyHeader(t *testing.T) {
	const claims = `{"sub":"u-1","email":"ada@example.com"}`
	whole := compact(`{"alg":"HS256","typ":"JWT"}`, claims, "signature")
	for name, token := range map[string]string{
		"no alg":             compact(`{"typ":"JWT","kid":"1"}`, claims, "s"),
		"a short header":     compact(`{}`, claims, "s"),
		"alg is null":        compact(`{"alg":null}`, claims, "s"),
		"Alg":                compact(`{"Alg":"HS256","typ":"JWT"}`, claims, "s"),
		"ALG":                compact(`{"ALG":"HS256"}`, claims, "s"),
		"a byte too many":    compact(`{"alg":"HS256","typ":"JWT"}x`, claims, "s"),
		"a brace too many":   compact(`{"alg":"HS256"}}`, claims, "s"),
		"cut off":            compact(`{"alg":"HS25`, claims, "s"),
		"an array":           compact(`["alg","HS256"]`, claims, "s"),
		"no JSON":            compact("\x00\x01\x02", claims, "s"),
		"one character":      "x" + whole[strings.IndexByte(whole, '.'):],
		"1 character less":   whole[1:],
		"2 characters less":  whole[2:],
		"3 characters less":  whole[3:],
		"9 characters less":  whole[9:],
		"no header":          whole[strings.IndexByte(whole, '.'):],
		"no signature":       compact(`{"typ":"JWT"}`, claims, ""),
		"claims in UTF-16":   compact(`{"typ":"JWT"}`, inUTF16(claims, 1, 0, false), "s"),
		"space in claims":    compact(`{"typ":"JWT"}`, " \n"+claims+"\n", "s"),
		"two parts, array":   compact(someHeader, `[`+claims+`]`),
		"two parts, strings": compact(someHeader, `["ada@example.com"]`),
		"disclosures":        compact(`{"typ":"JWT"}`, `{"_sd":["x"]}`, "s") + "~" + compact(`["salt","email","ada@example.com"]`) + "~",
		"a JWE, ENC":         compact(`{"ALG":"dir","ENC":"A256GCM","email":"ada@example.com"}`, "", "iv", "ciphertext", "tag"),
	} {
		for _, text := range []string{token, "2026-01-01 GET /x Bearer " + token + " 200\n", "https://app.example.com/v/" + token + "\n", `{"t":"` + token + `"}`} {
			if u, err := Read(text); err != nil || u.Personal() != 1 {
				t.Errorf("%s: Read %q: %v", name, text, err)
			}
			got := found(t, text)
			if len(got) != 1 {
				t.Errorf("%s: %q: found %q", name, text, got)
				continue
			}
			if u, err := Read(got[0]); err != nil || u.Personal() != 1 || u.Layers[0].Length != len(got[0]) {
				t.Errorf("%s: Read %q: %v", name, got[0], err)
			}
		}
		if u, err := Read(compact(someHeader, `{"act":"`+token+`"}`, "s")); err != nil || len(u.Layers) < 2 || u.Personal() != 1 {
			t.Errorf("%s: in a token: %v, %+v", name, err, u)
		}
	}
}

// However many headers may begin in a text, little of it is decoded: where a text fails to be one is
// soon seen, and otherwise a limit is told.
func TestHeadersAreDecodedLittle(t *testing.T) {
	for unit, gaveUp := range map[string]bool{
		"eyJ": true, "eyJhbGci": true, "eyJhIjog": true, "eyJhIjoxLCAg": true, "eyJhIjoiYiIsICJjIjogImQiLCAiZSI6ICJmIiwgImciOiB7": true, "eyJB": true, "a": false,
	} {
		text := []byte(strings.Repeat(unit, 1<<20/len(unit)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, ok, full := headerIn(text)
		runtime.ReadMemStats(&after)
		if ok || full != gaveUp {
			t.Errorf("%s: %v, %v", unit, ok, full)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 10*uint64(len(text)) {
			t.Errorf("%s: %d bytes are allocated for %d", unit, n, len(text))
		}
	}
}

// Ordinary words with dots between them are no tokens.
func TestOrdinaryWordsAreNoTokens(t *testing.T) {
	for _, text := range []string{
		"com.example.application.service.Implementation.method(File.java:42)", "www.example-of-a-long-name.example.com.", "1.2.3-beta.4+build.5",
		"some.IAmANameOfSomeLength.java.CSharpIsALanguage.cs", "a.eyJubyI.b eyeglasses.eyJlYW5z.eyes ewok.ewogewogewog.ewok",
		compact(`{"a":1}`, `{"b":2}`), compact(`{"a":1}`) + ".", compact("a", "b", "c", "d", "e"), "file.eyJhIjoxfQ", compact("x", "[1,2,3,4,5,6,7]", "y"),
		compact(`{"a":1}`, `{}`, "s"), compact(`{"a":1}`, `{"b":`, "s"),
	} {
		if got := found(t, text); got != nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}
