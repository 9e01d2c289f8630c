package keyring

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spellings returns other texts of the same parts, by the kind of change. A lenient reader decodes
// all of them to the same JWE.
func spellings(t *testing.T, jwe string) map[string]string {
	t.Helper()
	parts := strings.Split(jwe, ".")
	all := map[string]string{
		"four parts":       strings.Join(parts[:4], "."),
		"three parts":      strings.Join(parts[:3], "."),
		"one part":         parts[0],
		"six parts":        jwe + ".",
		"six parts, full":  jwe + "." + parts[4],
		"a dot before":     "." + jwe,
		"line feed after":  jwe + "\n",
		"CR LF after":      jwe + "\r\n",
		"line feed before": "\n" + jwe,
		"space after":      jwe + " ",
		"NUL after":        jwe + "\x00",
		"no parts":         "....",
		"nothing":          "",
		"JSON flattened":   `{"protected":"` + parts[0] + `","encrypted_key":"` + parts[1] + `","iv":"` + parts[2] + `","ciphertext":"` + parts[3] + `","tag":"` + parts[4] + `"}`,
		"JSON general":     `{"protected":"` + parts[0] + `","recipients":[{"encrypted_key":"` + parts[1] + `"}],"iv":"` + parts[2] + `","ciphertext":"` + parts[3] + `","tag":"` + parts[4] + `"}`,
		"percent":          strings.Replace(jwe, ".", "%2E", 1),
		"full stop":        strings.Replace(jwe, ".", "。", 1),
	}
	for i, p := range parts {
		with := func(name, part string) {
			q := slices.Clone(parts)
			q[i] = part
			if again := strings.Join(q, "."); again != jwe {
				all[name+" in part "+string(rune('1'+i))] = again
			}
		}
		with("line feed", p[:len(p)/2]+"\n"+p[len(p)/2:])
		with("CR LF", p[:len(p)/2]+"\r\n"+p[len(p)/2:])
		with("CR at the end", p+"\r")
		with("space", p[:len(p)/2]+" "+p[len(p)/2:])
		with("one =", p+"=")
		with("padding", p+strings.Repeat("=", (4-len(p)%4)%4))
		with("standard alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(p))
		with("one character more", p+"A")
		with("two characters more", p+"AA")
		with("nothing", "")
		if p == "" {
			continue
		}
		with("one character less", p[:len(p)-1])
		with("another case", strings.ToLower(p))
		// The last character of an incomplete group has spare bits.
		if spare := []uint{0, 0, 4, 2}[len(p)%4]; spare > 0 {
			last := strings.IndexByte(base64URL, p[len(p)-1])
			for bits := range 1 << spare {
				with("spare bits "+string(rune('a'+bits)), p[:len(p)-1]+base64URL[last|bits:last|bits+1])
			}
		}
		if again, err := base64.RawURLEncoding.DecodeString(p); err != nil || b64(again) != p {
			t.Fatal("our own spelling is not canonical")
		}
	}
	return all
}

// Each JWE of a ring has one spelling. For a slot the digest in the document would notice a change
// too, so the KEK is also tested alone.
func TestHostileSpellings(t *testing.T) {
	byKeyFile, byPassphrase := twoSlots(t)
	b := blobFor(t, byKeyFile.doc)
	for i, v := range []victim{byKeyFile, byPassphrase} {
		for name, jwe := range spellings(t, b.Slots[i].JWE) {
			slots := slices.Clone(b.Slots)
			slots[i].JWE = jwe
			v.refuses(t, name, respelled(t, slots, b.Ring))
			if got, err := unwrapJWE(t, v.kek, jwe); got != nil || err != ErrUnreadable {
				t.Errorf("slot %d, %s: %v", i, name, err)
			}
		}
		v.opens(t)
	}
	for name, jwe := range spellings(t, b.Ring) {
		byKeyFile.refuses(t, name, respelled(t, b.Slots, jwe))
	}
	byKeyFile.opens(t)
}

// headers returns protected headers that mean the same as h, ask for more, or ask for another
// algorithm of the same key.
func headers(h string) map[string]string {
	more := func(m string) string { return strings.TrimSuffix(h, "}") + "," + m + "}" }
	first := func(m string) string { return "{" + m + "," + h[1:] }
	return map[string]string{
		"zip":                      more(`"zip":"DEF"`),
		"zip, unknown":             more(`"zip":"GZ"`),
		"crit, empty":              more(`"crit":[]`),
		"crit":                     more(`"crit":["exp"],"exp":1`),
		"crit of an absent member": more(`"crit":["b64"]`),
		"b64":                      more(`"b64":false`),
		"kid":                      more(`"kid":"1"`),
		"typ":                      more(`"typ":"JWT"`),
		"cty":                      more(`"cty":"JSON"`),
		"jwk":                      more(`"jwk":{"kty":"oct","k":"AA"}`),
		"jku":                      more(`"jku":"https://example.com/"`),
		"epk":                      more(`"epk":{"kty":"EC"}`),
		"iv and tag":               more(`"iv":"AAAAAAAAAAAAAAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"`),
		"p2c":                      more(`"p2c":2147483647`),
		"unknown":                  more(`"more":1`),
		"alg twice":                first(`"alg":"none"`),
		"enc twice":                more(`"enc":"A256GCM"`),
		"ALG":                      more(`"ALG":"none"`),
		"Enc first":                first(`"Enc":"A256GCM"`),
		"escaped name":             strings.Replace(h, `"alg"`, `"\u0061lg"`, 1),
		"escaped value":            strings.Replace(h, `"A256CBC`, `"\u0041256CBC`, 1),
		"spaces":                   strings.ReplaceAll(h, ":", ": "),
		"space first":              " " + h,
		"line feed last":           h + "\n",
		"byte order mark":          "\ufeff" + h,
		"in an array":              "[" + h + "]",
		"two objects":              h + h,
		"other enc":                strings.Replace(h, "A256CBC-HS512", "A128CBC-HS256", 1),
		"GCM":                      strings.Replace(h, "A256CBC-HS512", "A256GCM", 1),
		"enc in another case":      strings.Replace(h, "A256CBC-HS512", "a256cbc-hs512", 1),
		"no enc":                   strings.Replace(h, `,"enc":"A256CBC-HS512"`, "", 1),
		"enc alone":                `{"enc":"A256CBC-HS512"}`,
		"enc first":                `{"enc":"A256CBC-HS512",` + strings.Replace(h[1:], `,"enc":"A256CBC-HS512"`, "", 1),
		"alg none":                 `{"alg":"none","enc":"A256CBC-HS512"}`,
		"alg null":                 `{"alg":null,"enc":"A256CBC-HS512"}`,
		"alg A128KW":               `{"alg":"A128KW","enc":"A256CBC-HS512"}`,
		"alg A256GCMKW":            `{"alg":"A256GCMKW","enc":"A256CBC-HS512"}`,
		"alg RSA1_5":               `{"alg":"RSA1_5","enc":"A256CBC-HS512"}`,
		"alg ECDH-ES":              `{"alg":"ECDH-ES","enc":"A256CBC-HS512"}`,
		"nothing":                  "{}",
		"empty":                    "",
		"null":                     "null",
	}
}

// Only the header is wrong. An attacker with the keys wrote it, so the tag is right. Each kind of
// JWE has one valid header.
func TestHostileHeaders(t *testing.T) {
	key, kek := newRingKey(), rawKey(t)
	salt := bytes.Repeat([]byte{7}, saltSize)
	passphrase := must(PassphraseKEK([]byte(hostilePhrase)))(t)
	raw := slot{KEK: kek.ID(), JWE: wrapUnder(t, `{"alg":"A256KW","enc":"A256CBC-HS512"}`, testKEK, key())}
	cheap := cheapSlot(t, key)
	slots := []slot{raw, cheap}
	v := newVictim(t, sealedAs(t, ringHeader, slots, key, withSlots(t, *documentOf(), slots)), kek)

	plain := withSlots(t, *documentOf(), slots)
	for name, header := range headers(ringHeader) {
		v.refuses(t, "ring, "+name, sealedAs(t, header, slots, key, plain))
		v.refuses(t, "ring, compressed, "+name, sealedAs(t, header, slots, key, deflated(t, plain)))
	}
	for name, header := range headers(`{"alg":"A256KW","enc":"A256CBC-HS512"}`) {
		bad := []slot{{KEK: raw.KEK, JWE: wrapUnder(t, header, testKEK, key())}, cheap}
		v.refuses(t, "key file, "+name, sealedAs(t, ringHeader, bad, key, withSlots(t, *documentOf(), bad)))
	}
	derived := stretch(t, hostilePhrase, salt, 1)
	for name, header := range headers(`{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1,"p2s":"` + b64(salt) + `"}`) {
		bad := []slot{raw, {KEK: passphraseID, JWE: wrapUnder(t, header, derived, key())}}
		victim{kek: passphrase}.refuses(t, "passphrase, "+name, sealedAs(t, ringHeader, bad, key, withSlots(t, *documentOf(), bad)))
	}
	// The contents are of another algorithm, under as many bytes of the key as it takes.
	for _, c := range []keys.Content{keys.A256GCM, keys.A128GCM, keys.A128CBCHS256} {
		header := `{"alg":"dir","enc":"` + c.String() + `"}`
		v.refuses(t, header, respelled(t, slots, compactJWE(t, header, nil, c, key()[:keySize(c)], plain)))
	}
	v.opens(t)
}

func deflated(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := must(flate.NewWriter(&b, flate.BestCompression))(t)
	must(w.Write(text))(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A sound slot holds a ring key of another length: too short for the algorithm, or so long that
// go-jose would use a part of it.
func TestHostileRingKeySize(t *testing.T) {
	for _, size := range []int{0, 1, 16, 32, 63, 65, 72, 128} {
		long := make([]byte, 128)
		key := newSecret(long[:ringKeySize])
		slots := []slot{{KEK: rawKey(t).ID(), JWE: wrapUnder(t, `{"alg":"A256KW","enc":"A256CBC-HS512"}`, testKEK, long[:size])}}
		victim{kek: rawKey(t)}.refuses(t, "ring key", sealedAs(t, ringHeader, slots, key, withSlots(t, *documentOf(), slots)))
	}
}
