package keyring

import (
	"bytes"
	"strings"
	"testing"
)

// The blob is JSON, and an attacker who has the file can write any. Some readers would accept each
// of these cases as our text, or would spend their stack or memory on it. A blob has one spelling,
// which is ours.
func TestHostileBlobJSON(t *testing.T) {
	v, byPassphrase := twoSlots(t)
	text := string(v.doc)
	b := blobFor(t, v.doc)
	slots := string(asJSON(t, b.Slots))
	replace := func(old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %s in the blob", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	member := func(name, value string) string { return replace(`{"v":2,`, `{"v":2,"`+name+`":`+value+`,`) }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

	for name, doc := range map[string]string{
		// Readers differ in which of two members counts.
		"v twice":              member("v", "2"),
		"v twice, other first": replace(`{"v":2`, `{"v":3,"v":2`),
		"slots twice":          member("slots", slots),
		"slots twice, empty":   member("slots", "[]"),
		"ring twice":           member("ring", `"`+b.Ring+`"`),
		"ring twice, last":     strings.TrimSuffix(text, "}") + `,"ring":""}`,
		"kek twice":            replace(`{"kek":`, `{"kek":"passphrase","kek":`),
		"jwe twice":            replace(`"jwe":`, `"jwe":"","jwe":`),
		// encoding/json folds the case of names, also beyond ASCII.
		"V beside v":            member("V", "3"),
		"Slots beside slots":    member("Slots", "[]"),
		"long s beside slots":   member("ſlots", "[]"),
		"RING beside ring":      member("RING", `""`),
		"KEK beside kek":        replace(`{"kek":`, `{"KEK":"passphrase","kek":`),
		"Kelvin beside kek":     replace(`{"kek":`, `{"`+"\u212a"+`ek":"passphrase","kek":`),
		"Slots for slots":       replace(`"slots"`, `"Slots"`),
		"KEK for kek":           replace(`"kek"`, `"KEK"`),
		"ring, long s, capital": replace(`"ring"`, `"RING"`),
		// The next write would lose an unknown member.
		"unknown member":        member("more", "1"),
		"unknown, empty name":   member("", "1"),
		"unknown in a slot":     replace(`{"kek":`, `{"more":1,"kek":`),
		"another order":         `{"v":2,"ring":"` + b.Ring + `","slots":` + slots + `}`,
		"another order, v last": `{"slots":` + slots + `,"ring":"` + b.Ring + `","v":2}`,
		"another order, a slot": replace(`{"kek":"`+b.Slots[0].KEK+`","jwe":"`+b.Slots[0].JWE+`"}`, `{"jwe":"`+b.Slots[0].JWE+`","kek":"`+b.Slots[0].KEK+`"}`),
		"no ring":               strings.Replace(text, `,"ring":"`+b.Ring+`"`, "", 1),
		"no slots":              strings.Replace(text, `"slots":`+slots+`,`, "", 1),
		"null slots":            strings.Replace(text, slots, "null", 1),
		"null ring":             strings.Replace(text, `"`+b.Ring+`"`, "null", 1),
		"null slot":             replace(`"slots":[`, `"slots":[null,`),
		"null jwe":              replace(`"`+b.Slots[0].JWE+`"`, "null"),
		"slots are an object":   strings.Replace(text, slots, `{"0":`+slots+`}`, 1),
		"slots are a text":      strings.Replace(text, slots, `"`+b.Slots[0].JWE+`"`, 1),
		"slot is an array":      replace(`"slots":[`, `"slots":[[],`),
		"ring is an array":      strings.Replace(text, `"`+b.Ring+`"`, `["`+b.Ring+`"]`, 1),
		"ring is a JSON JWE":    strings.Replace(text, `"`+b.Ring+`"`, `{"ciphertext":""}`, 1),
		"kek is a number":       replace(`"`+b.Slots[0].KEK+`"`, "7"),
		// The same bytes have another spelling.
		"escaped v":          replace(`"v"`, `"\u0076"`),
		"escaped name":       replace(`"slots"`, `"\u0073lots"`),
		"escaped in kek":     replace(`"passphrase"`, `"\u0070assphrase"`),
		"escaped in a JWE":   replace(`"jwe":"e`, `"jwe":"\u0065`),
		"solidus escaped":    replace(`"passphrase"`, `"pass\/phrase"`),
		"space first":        " " + text,
		"line feed last":     text + "\n",
		"CR LF last":         text + "\r\n",
		"indented":           strings.ReplaceAll(text, ",", ",\n  "),
		"tab after a colon":  replace(`"v":`, "\"v\":\t"),
		"byte order mark":    "\ufeff" + text,
		"UTF-16":             utf16LE(text),
		"comment":            replace(`{"v"`, `{/**/"v"`),
		"trailing comma":     strings.TrimSuffix(text, "}") + ",}",
		"comma after a slot": replace(`}],`, `},],`),
		"single quotes":      strings.ReplaceAll(text, `"`, `'`),
		"bad UTF-8":          replace(`"passphrase"`, "\"pass\xffphrase\""),
		"lone surrogate":     replace(`"passphrase"`, `"\ud800"`),
		"overlong":           replace(`"passphrase"`, "\"\xc1\xb0assphrase\""),
		"NUL in a name":      replace(`"v"`, "\"v\x00\""),
		"control in a text":  replace(`"passphrase"`, "\"pass\x01phrase\""),
		"two blobs":          text + text,
		"in an array":        "[" + text + "]",
		"as a text":          string(asJSON(t, text)),
		"ndjson":             text + "\n" + text + "\n",
		"nothing":            "",
		"null":               "null",
		"a number":           "1",
		// A refusal must be cheap.
		"deep, in bounds":    member("more", nested(30)),
		"deep":               member("more", nested(32)),
		"deeper":             member("more", nested(100_000)),
		"deep, open":         strings.Repeat("[", 1<<20),
		"deep objects, open": strings.Repeat(`{"v":`, 1<<18),
		"long number":        member("more", "1"+strings.Repeat("0", 1<<16)),
		"long exponent":      member("more", "1e999999999"),
		"long name":          member(strings.Repeat("n", 1<<16), "1"),
		"many members":       replace(`{"v":2`, `{"v":2`+strings.Repeat(`,"a":1`, 1<<16)),
		"many values":        member("more", "["+strings.Repeat("0,", 1<<17)+"0]"),
		"1 MiB and one byte": text + strings.Repeat(" ", 1<<20+1-len(text)),
		"1 MiB of ring":      strings.Replace(text, b.Ring, strings.Repeat("A", 1<<20), 1),
		"1 MiB of dots":      strings.Replace(text, b.Ring, strings.Repeat(".", 1<<20), 1),
		"1 MiB of jwe":       replace(b.Slots[0].JWE, strings.Repeat("A", 1<<20)),
		"1 MiB of kek":       replace(`"passphrase"`, `"`+strings.Repeat("A", 1<<20)+`"`),
		"1 MiB of slots":     strings.Replace(text, slots, "["+strings.Repeat(`{"kek":"","jwe":""},`, 1<<16)+`{"kek":"","jwe":""}]`, 1),
		"16 MiB":             text + strings.Repeat(" ", 16<<20),
	} {
		if name == "1 MiB of kek" {
			// The text has no fault except that it is not ours.
			v.refuses(t, name, []byte(doc))
			byPassphrase.refuses(t, name, []byte(doc), noSlotText)
			continue
		}
		v.refuses(t, name, []byte(doc))
		byPassphrase.refuses(t, name, []byte(doc))
	}
	v.opens(t)
	byPassphrase.opens(t)
}

// A version other than 1 and 2, in any spelling, is an unknown format. The error says that only of
// a text that could be a blob.
func TestHostileBlobVersion(t *testing.T) {
	v, _ := twoSlots(t)
	for _, version := range []string{
		"0", "3", "-1", "1.0", "2.0", "2e0", "20e-1", "11", "22", "999999999999999999999", `"1"`, `"2"`, `""`, "true", "false", "null", "[1]", "[]", `{"v":2}`, "{}",
	} {
		v.refuses(t, version, bytes.Replace(v.doc, []byte(`"v":2`), []byte(`"v":`+version), 1), formatText)
	}
	for _, version := range []string{"1", "02", "+2", "2.", "0x2", "NaN", "", "2 2", "'2'", "-"} {
		v.refuses(t, version, bytes.Replace(v.doc, []byte(`"v":2`), []byte(`"v":`+version), 1), damagedText)
	}
	for name, doc := range map[string]string{"empty": "{}", "no v": strings.Replace(string(v.doc), `"v":2,`, "", 1), "V": strings.Replace(string(v.doc), `"v"`, `"V"`, 1)} {
		v.refuses(t, name, []byte(doc), formatText)
	}
	v.opens(t)
}

func utf16LE(s string) string {
	b := []byte{0xff, 0xfe}
	for _, c := range []byte(s) {
		b = append(b, c, 0)
	}
	return string(b)
}
