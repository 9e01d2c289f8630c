package seal_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// leastRandom is the least length of a secret that is looked for in every encoding. If case does
// not count, a letter stands at a given place of a base64 text with a probability of 2/64, and
// twelve letters with 2^-60. A run of all tests compares at fewer than 2^32 places, so one run in
// 2^28 finds a secret that is not there.
const leastRandom = 12

// spellings returns the usual ways to write a secret, in lower case, because the search ignores
// case.
func spellings(secret string) []string {
	all := []string{secret}
	if quoted := string(must(json.Marshal(secret))); len(secret) >= leastRandom {
		all = append(all, quoted[1:len(quoted)-1], escapedJSON(secret), reversed(secret),
			url.QueryEscape(secret), url.PathEscape(secret), percent(secret),
			hex.EncodeToString([]byte(secret)), base32.StdEncoding.EncodeToString([]byte(secret))[:len(secret)*8/5],
			base32.HexEncoding.EncodeToString([]byte(secret))[:len(secret)*8/5])
		all = append(all, inBase64(secret)...)
		all = append(all, asNumber(secret)...)
	}
	for i := range all {
		all[i] = strings.ToLower(all[i])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inBase64 returns the forms that text has inside a longer base64 text. There are three, by the
// length of the text before it. The letters that it shares with its neighbours are left out.
func inBase64(text string) []string {
	var all []string
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			whole := e.EncodeToString([]byte(strings.Repeat("x", before) + text))
			first := []int{0, 2, 3}[before]
			all = append(all, whole[first:(before+len(text))*8/6])
		}
	}
	return all
}

// asNumber returns the forms in which other programs write a number: through a float, and in hex.
func asNumber(text string) []string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(mantissa), "0")
	all := []string{digits}
	for _, format := range []byte("feg") {
		all = append(all, strings.Trim(strconv.FormatFloat(f, format, -1, 64), "-0"))
	}
	if n, ok := new(big.Int).SetString(digits, 10); ok {
		all = append(all, n.Text(16))
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < leastRandom })
}

// escapedJSON writes every character as an escape (RFC 8259 section 7).
func escapedJSON(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

func percent(text string) string {
	var b strings.Builder
	for _, octet := range []byte(text) {
		fmt.Fprintf(&b, "%%%02x", octet)
	}
	return b.String()
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}
