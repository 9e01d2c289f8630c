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
	"io"
	"net/url"
	"strings"
	"sync"
)

// stranger takes a token apart without any key. It splits at every separator, decodes and inflates
// all parts that it can, and walks JSON at every depth.
type stranger struct {
	seen  map[string]bool // texts that were read
	parts map[string]bool // parts that were decoded
	texts []string        // the token and every text that it was decoded to
	names map[string]bool // the names of all members of all objects
	all   string          // the texts, in lower case
}

// This is deeper than a JWE in a JWS in a JWE with two more encodings in it. Decoded random bytes
// end long before.
const mostLayers = 12

// A shorter part cannot hold a secret of these tests, so it is not decoded.
const leastPart = 8

func takeApart(token string) *stranger {
	s := &stranger{seen: make(map[string]bool), parts: make(map[string]bool), names: make(map[string]bool)}
	s.read(token, mostLayers)
	s.all = strings.ToLower(strings.Join(s.texts, "\x00"))
	return s
}

// alphabetsOf has the signs that each encoding has besides letters and digits. A separator of one
// encoding is a sign of another, so a text is split in each way.
var alphabetsOf = []string{"-_", "+/", ""}

var decoders = []func(part string) ([]byte, error){
	base64.RawURLEncoding.DecodeString,
	base64.RawStdEncoding.DecodeString,
	func(part string) ([]byte, error) {
		return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(part))
	},
	func(part string) ([]byte, error) {
		return base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(part))
	},
	func(part string) ([]byte, error) { return hex.DecodeString(part[:len(part)&^1]) },
}

func (s *stranger) read(text string, layers int) {
	if layers == 0 || s.seen[text] {
		return
	}
	s.seen[text] = true
	s.texts = append(s.texts, text)
	s.walk(text, layers)
	if plain, err := url.PathUnescape(text); err == nil {
		s.read(plain, layers-1)
	}
	for _, inflated := range inflate([]byte(text)) {
		s.read(string(inflated), layers-1)
	}
	for _, signs := range alphabetsOf {
		for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return !isAlnum(c) && !strings.ContainsRune(signs, c) }) {
			if len(part) >= leastPart && !s.parts[part] {
				s.parts[part] = true
				s.decode(part, layers-1)
			}
		}
	}
}

func isAlnum(c rune) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func (s *stranger) decode(part string, layers int) {
	for _, decoder := range decoders {
		// A cut token may end with one letter too many.
		for _, text := range []string{part, part[:len(part)-1]} {
			if decoded, err := decoder(text); err == nil && len(decoded) > 0 {
				s.read(string(decoded), layers)
				break
			}
		}
	}
}

// walk reads the names and values of a JSON text, or of the inside of a string.
func (s *stranger) walk(text string, layers int) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) == nil {
		s.value(v, layers)
	}
	if strings.Contains(text, `\`) && json.Unmarshal([]byte(`"`+text+`"`), &v) == nil {
		s.value(v, layers)
	}
}

func (s *stranger) value(v any, layers int) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			s.names[name] = true
			s.read(name, layers-1)
			s.value(member, layers)
		}
	case []any:
		for _, item := range v {
			s.value(item, layers)
		}
	case string:
		s.read(v, layers-1)
	case json.Number:
		s.read(v.String(), layers-1)
	}
}

// inflaters are pooled: one takes 40 kB, and most of their inputs are random.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(strings.NewReader("")) }}

// inflate tries every format. The output before an error counts too.
func inflate(data []byte) (found [][]byte) {
	const most = 64 << 10 // in bytes
	keep := func(r io.Reader, err error) {
		if err != nil {
			return
		}
		if inflated, _ := io.ReadAll(io.LimitReader(r, most)); len(inflated) >= leastPart {
			found = append(found, inflated)
		}
	}
	z, err := zlib.NewReader(bytes.NewReader(data))
	keep(z, err)
	g, err := gzip.NewReader(bytes.NewReader(data))
	keep(g, err)
	raw := inflaters.Get().(io.ReadCloser)
	keep(raw, raw.(flate.Resetter).Reset(bytes.NewReader(data), nil))
	inflaters.Put(raw)
	return found
}

// finds returns the secrets that can be read in any usual spelling.
func (s *stranger) finds(secrets []string) []string {
	var found []string
	for _, secret := range secrets {
		for _, spelled := range spellings(secret) {
			if strings.Contains(s.all, spelled) {
				found = append(found, secret)
				break
			}
		}
	}
	return found
}
