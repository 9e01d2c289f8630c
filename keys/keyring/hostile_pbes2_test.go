package keyring

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// An attacker who can write the file chooses the rounds and the salt of a passphrase slot, and
// every start of a service pays for them. counted returns a passphrase KEK that counts its key
// derivations, which are the work that a slot causes.
func counted(phrase string) (k *passphraseKEK, runs *int) {
	runs = new(int)
	return &passphraseKEK{passphrase: func() []byte { *runs++; return []byte(phrase) }}, runs
}

func TestHostilePBES2(t *testing.T) {
	_, v := twoSlots(t)
	b := blobFor(t, v.doc)
	parts := strings.Split(b.Slots[1].JWE, ".")
	salt := b64(bytes.Repeat([]byte{7}, saltSize))
	header := func(count, salt string) string {
		return `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512"` + count + salt + `}`
	}
	goodSalt, goodCount := `,"p2s":"`+salt+`"`, `,"p2c":1`
	if got := b64([]byte(header(goodCount, goodSalt))); got != parts[0] {
		t.Fatal("the cases do not change the header that is there")
	}

	type hostile struct {
		name, header string
		runs         int
	}
	var cases []hostile
	for count, runs := range map[string]int{
		"0": 0, "-0": 0, "-1": 0, "-600000": 0, "-9223372036854775808": 0,
		"2": 1, "999": 1, "1000": 1,
		"1000001": 0, "16777216": 0, "2147483647": 0, "2147483648": 0, "4294967295": 0, "4294967296": 0, "4294967297": 0,
		"9007199254740993": 0, "9223372036854775807": 0, "9223372036854775808": 0, "18446744073709551617": 0,
		"1" + strings.Repeat("0", 100): 0,
		"1.0":                          0, "1.5": 0, "1e0": 0, "6e5": 0, "1e400": 0, "01": 0, "+1": 0, "0x1": 0, " 1": 0, "1 ": 0,
		`"1"`: 0, `"600000"`: 0, `""`: 0, "true": 0, "null": 0, "[1]": 0, "[]": 0, "{}": 0, "NaN": 0,
		`1,"p2c":2147483647`: 0, `2147483647,"p2c":1`: 0, `1,"P2C":2147483647`: 0, `2147483647,"P2C":1`: 0,
	} {
		cases = append(cases, hostile{"rounds " + count[:min(len(count), 24)], header(`,"p2c":`+count, goodSalt), runs})
	}
	cases = append(cases,
		hostile{"no rounds", header("", goodSalt), 0},
		hostile{"neither rounds nor salt", header("", ""), 0},
		hostile{"salt first", header(goodSalt, goodCount), 0},
		hostile{"one more member", header(goodCount, goodSalt+`,"p2x":1`), 0},
		hostile{"zip", header(goodCount, goodSalt+`,"zip":"DEF"`), 0},
		hostile{"HS256", strings.Replace(header(goodCount, goodSalt), "HS512+A256KW", "HS256+A128KW", 1), 0},
		hostile{"HS384", strings.Replace(header(goodCount, goodSalt), "HS512+A256KW", "HS384+A192KW", 1), 0},
		hostile{"A256KW with rounds", strings.Replace(header(goodCount, goodSalt), "PBES2-HS512+A256KW", "A256KW", 1), 0},
		hostile{"A128CBC-HS256", strings.Replace(header(goodCount, goodSalt), "A256CBC-HS512", "A128CBC-HS256", 1), 0},
	)
	of := func(n int) string { return `"` + b64(make([]byte, n)) + `"` }
	for name, value := range map[string]string{
		"empty": `""`, "null": "null", "a number": "7", "an array": `["` + salt + `"]`, "an object": "{}",
		"1 byte": of(1), "8 bytes": of(8), "15 bytes": of(15), "17 bytes": of(17), "64 bytes": of(64), "700 KiB": of(700 << 10),
		"padded": `"` + salt + `=="`, "spare bits": `"` + salt[:21] + `x"`, "line feed": `"` + salt[:4] + `\n` + salt[4:] + `"`,
		"space": `"` + salt + ` "`, "the other alphabet": `"` + strings.Repeat("+/", 11) + `"`, "no base64": `"!"`, "cut": `"` + salt[:21] + `"`,
		"twice": `"` + salt + `","p2s":"` + salt + `"`, "P2S too": `"` + salt + `","P2S":""`, "escaped": `"\u0042` + salt[1:] + `"`,
	} {
		cases = append(cases, hostile{"salt, " + name, header(goodCount, `,"p2s":`+value), 0})
	}
	// The salt has the same length and another value. The tag shows that after one derivation.
	cases = append(cases, hostile{"salt, another", header(goodCount, `,"p2s":`+of(saltSize)), 1}, hostile{"no salt", header(goodCount, ""), 0})

	for _, c := range cases {
		kek, runs := counted(hostilePhrase)
		slots := slices.Clone(b.Slots)
		slots[1].JWE = strings.Join(append([]string{b64([]byte(c.header))}, parts[1:]...), ".")
		victim{kek: kek}.refuses(t, c.name, respelled(t, slots, b.Ring))
		if *runs != c.runs {
			t.Errorf("%s: the passphrase was stretched %d times, want %d", c.name, *runs, c.runs)
		}
	}
	v.opens(t)
}

// This is the largest number of rounds that is tried. It proves where the cap is.
func TestHostilePBES2Cap(t *testing.T) {
	if testing.Short() {
		t.Skip("a second for a million rounds")
	}
	_, v := twoSlots(t)
	b := blobFor(t, v.doc)
	_, rest, _ := strings.Cut(b.Slots[1].JWE, ".")
	header := fmt.Sprintf(`{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":%d,"p2s":"%s"}`, maxPBKDF2Rounds, b64(make([]byte, saltSize)))
	b.Slots[1].JWE = b64([]byte(header)) + "." + rest
	kek, runs := counted(hostilePhrase)
	victim{kek: kek}.refuses(t, "a million rounds", respelled(t, b.Slots, b.Ring))
	if *runs != 1 {
		t.Errorf("stretched %d times, want once", *runs)
	}
}

// Every other reader would accept this salt, in a slot without another fault. We write 16 bytes.
// FIPS 140-3 wants at least 16, and with a longer salt an attacker chooses the work.
func TestHostilePBES2Salt(t *testing.T) {
	key := newRingKey()
	for _, size := range []int{8, 15, 16, 17, 32, 64 << 10} {
		salt := bytes.Repeat([]byte{7}, size)
		header := `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1,"p2s":"` + b64(salt) + `"}`
		slots := []slot{{KEK: passphraseID, JWE: wrapUnder(t, header, stretch(t, hostilePhrase, salt, 1), key())}}
		doc := sealedAs(t, ringHeader, slots, key, withSlots(t, *documentOf(), slots))
		kek, runs := counted(hostilePhrase)
		if size == saltSize {
			newVictim(t, doc, kek).opens(t)
			continue
		}
		victim{kek: kek}.refuses(t, fmt.Sprint(size, " bytes"), doc)
		if *runs != 0 {
			t.Errorf("%d bytes: stretched %d times", size, *runs)
		}
	}
}

// A slot of another shape is refused before the passphrase is used.
func TestHostilePBES2Shape(t *testing.T) {
	_, v := twoSlots(t)
	b := blobFor(t, v.doc)
	parts := strings.Split(b.Slots[1].JWE, ".")
	edit := func(i int, value string) string {
		p := slices.Clone(parts)
		p[i] = value
		return strings.Join(p, ".")
	}
	for name, jwe := range map[string]string{
		"empty": "", "dots": "....", "header alone": parts[0], "header and dots": parts[0] + "....",
		"four parts": strings.Join(parts[:4], "."), "six parts": b.Slots[1].JWE + ".",
		"iv of 15": edit(2, b64(make([]byte, 15))), "iv of 17": edit(2, b64(make([]byte, 17))), "no iv": edit(2, ""),
		"tag of 31": edit(4, b64(make([]byte, 31))), "tag of 33": edit(4, b64(make([]byte, 33))), "no tag": edit(4, ""),
		"no header": edit(0, ""), "header is no JSON": edit(0, b64([]byte("PBES2"))), "header null": edit(0, b64([]byte("null"))),
		"header twice": edit(0, parts[0]+parts[0]),
	} {
		kek, runs := counted(hostilePhrase)
		victim{kek: kek}.refuses(t, name, respelled(t, []slot{b.Slots[0], {KEK: passphraseID, JWE: jwe}}, b.Ring))
		if *runs != 0 {
			t.Errorf("%s: stretched %d times", name, *runs)
		}
	}
	v.opens(t)
}
