package open

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// The code that splits and decodes a token is compared with a second implementation. That one is
// slow, and follows the documentation and not the code.

// decodedOnce decodes a part if it is the only spelling of its octets.
func decodedOnce(part string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return b, err == nil && base64.RawURLEncoding.EncodeToString(b) == part
}

// secondHeader reads a header that an attacker may write. Strict JSON has a fuzz target of its own.
func secondHeader(part string) (map[string]json.RawMessage, bool) {
	raw, ok := decodedOnce(part)
	if !ok || len(raw) > 4096 {
		return nil, false
	}
	if _, err := strict.ParseObject(raw); err != nil {
		return nil, false
	}
	var h map[string]json.RawMessage
	if json.Unmarshal(raw, &h) != nil {
		return nil, false
	}
	for _, never := range []string{"crit", "zip", "b64", "jwk", "jku", "x5u"} {
		if _, there := h[never]; there {
			return nil, false
		}
	}
	for _, name := range []string{"alg", "kid", "typ"} {
		if _, isText := textOf(h, name); !isText {
			return nil, false
		}
	}
	for name := range h {
		for _, known := range strings.Fields("enc kid typ cty epk apu apv crit zip b64 jwk jku x5u") {
			if name != known && strings.EqualFold(name, known) {
				return nil, false
			}
		}
	}
	_, there := h["alg"]
	return h, there
}

// textOf returns a member that is a string or absent.
func textOf(h map[string]json.RawMessage, name string) (s string, ok bool) {
	raw, there := h[name]
	if !there {
		return "", true
	}
	return s, raw[0] == '"' && json.Unmarshal(raw, &s) == nil
}

// isType compares media types, whose letters are ASCII. Other letters that become one of those in
// lower case, such as İ, have more bytes.
func isType(s, want string) bool {
	lower, want := strings.ToLower(s), strings.ToLower(want)
	return len(lower) == len(s) && (lower == want || lower == "application/"+want)
}

// secondJWE returns the five decoded parts of a compact JWE whose cty is JWT or absent. content
// reports whether the content encryption is offered for the key that the header names.
func secondJWE(token string) (parts [][]byte, taken, content bool) {
	sizes := map[string][2]int{ // lengths of the initialization vector and the tag (RFC 7518 sections 5.2 and 5.3)
		"A256GCM": {12, 16}, "A128GCM": {12, 16}, "A256CBC-HS512": {16, 32}, "A128CBC-HS256": {16, 16},
	}
	h, parts, ok := secondParts(token, 5)
	if !ok {
		return nil, false, false
	}
	cty, isText := textOf(h, "cty")
	_, hasCty := h["cty"]
	enc, isAlso := textOf(h, "enc")
	size, offered := sizes[enc]
	return parts, !hasCty || isText && isType(cty, "JWT"), isAlso && offered && len(parts[2]) == size[0] && len(parts[4]) == size[1]
}

// secondJWS returns the three decoded parts of a compact JWS with this typ or none.
func secondJWS(token, typ string) ([][]byte, bool) {
	h, parts, ok := secondParts(token, 3)
	if !ok {
		return nil, false
	}
	found, _ := textOf(h, "typ")
	_, hasTyp := h["typ"]
	_, nested := h["cty"]
	return parts, !nested && (!hasTyp || isType(found, typ))
}

func secondParts(token string, n int) (h map[string]json.RawMessage, parts [][]byte, ok bool) {
	texts := strings.Split(token, ".")
	if len(texts) != n {
		return nil, nil, false
	}
	if h, ok = secondHeader(texts[0]); !ok {
		return nil, nil, false
	}
	for _, text := range texts {
		b, ok := decodedOnce(text)
		if !ok {
			return nil, nil, false
		}
		parts = append(parts, b)
	}
	return h, parts, true
}

// splitSeeds returns the tokens of the test data with those of the RFCs, and the JWEs inside them.
func splitSeeds(f *testing.F) []string {
	f.Helper()
	var seeds []string
	for _, pattern := range []string{"../testdata/tokens/*.json", "../testdata/rfc/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("nothing is at %s (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for _, word := range bytes.Split(text, []byte(`"`)) {
				if n := bytes.Count(word, []byte(".")); bytes.HasPrefix(word, []byte("eyJ")) && (n == 2 || n == 4) {
					seeds = append(seeds, string(word))
				}
			}
		}
	}
	return seeds
}

// FuzzSplit tries any text as a token and reads it as far as that needs no key. The text is
// accepted if and only if the second implementation accepts it, with the same bytes.
func FuzzSplit(f *testing.F) {
	jwe := func(header string, sizes ...int) string {
		text := strict.EncodeBase64URL([]byte(header))
		for _, n := range sizes {
			text += "." + strict.EncodeBase64URL(bytes.Repeat([]byte{0xfb}, n))
		}
		return text
	}
	seeds := append(splitSeeds(f), "", "..", "....", jwe(`{"alg":"","enc":"A256GCM","cty":"application/jwt"}`, 0, 12, 0, 16),
		jwe(`{"alg":"dir","enc":"A128CBC-HS256","cty":"jwt","kid":"\u0000"}`, 1, 16, 1, 16),
		jwe(`{"alg":"ES256","typ":"application/sealed+JWT"}`, 2, 64), jwe(`{"alg":"ES256","typ":"`+"\u017f"+`ealed+jwt"}`, 2, 64),
		jwe(`{"alg":"`+strings.Repeat("a", 4086)+`"}`, 2, 64), jwe(`{"alg":"ES256","typ":"appl\u0130cation/JWT"}`, 2, 64), jwe(`{"alg":null}`, 2, 64), jwe(`{"alg":"","crit":[]}`, 2, 64), jwe(`{"alg":"","Crit":[]}`, 2, 64))
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)*3/4] + s[len(s)/2:])
	}
	k := rsaKey(f)
	f.Fuzz(func(t *testing.T, token string) {
		want, taken, content := secondJWE(token)
		j, err := parseJWE(token)
		if (err == nil) != taken {
			t.Fatalf("as a JWE: %v, and the second opinion takes it: %v", err, taken)
		}
		if taken && !slices.EqualFunc(want[1:], j.decoded[:], bytes.Equal) {
			t.Fatal("the parts of the JWE are others")
		}
		if taken {
			// This key refuses nothing else: it accepts any encrypted key of its size, and Open
			// fails later.
			j.encryption.Alg, j.decoded[0] = k.Suite().Alg(), make([]byte, k.Public().(*rsa.PublicKey).Size())
			if _, err := k.NewRecipient(t.Context(), j.encryption, j.decoded); (err == nil) != content {
				t.Fatalf("the content encryption: %v, and the second opinion takes it: %v", err, content)
			}
		}
		for _, typ := range []string{DefaultType, DefaultSelectiveType} {
			want, taken := secondJWS(token, typ)
			s, err := parseJWS(token)
			if err == nil {
				err = s.checkType(typ)
			}
			if (err == nil) != taken {
				t.Fatalf("as a JWS: %v, and the second opinion takes it: %v", err, taken)
			}
			if taken && (!bytes.Equal(s.payload, want[1]) || !bytes.Equal(s.signature, want[2]) ||
				!strings.HasPrefix(token, string(s.input)+".") || len(s.input) != strings.LastIndexByte(token, '.')) {
				t.Fatal("the parts of the JWS are others")
			}
		}
	})
}
