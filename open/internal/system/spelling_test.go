package system_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// verbs are the verbs with which values are printed: all of them, with the flags that change the
// spelling of bytes and numbers.
var verbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%e", "%g", "%t", "%p", "%T", "%w",
	"% x", "% X", "%#x", "% #X", "%+q", "%#q", "%#U", "%O", "%+d", "%06d", "%-7v", "%9x", "%.70s", "%12v",
}

// finder searches a text for secrets in every way in which fmt, json, slog and the runtime write
// bytes, strings and numbers. It reads a text once for thousands of spellings.
type finder struct {
	byFirst map[string][]string // all spellings by their first bytes
	some    []bool              // whether there is a spelling with these first bytes, by their hash
}

func newFinder() finder { return finder{make(map[string][]string), make([]bool, 1<<hashBits)} }

const (
	// firstBytes is also the length of the shortest spelling, so none occurs in a text by chance.
	firstBytes = 8
	// A run of 12 bytes of a secret contains one of its windows.
	windowSize, windowStep = 9, 4

	hashBits = 20
)

func hash(first string) uint64 {
	return binary.LittleEndian.Uint64([]byte(first)) * 0x9e3779b97f4a7c15 >> (64 - hashBits)
}

func (f finder) add(spelling string) {
	if len(spelling) < firstBytes || strings.Contains(spelling, `\ufffd`) || strings.Contains(spelling, "\ufffd") {
		return // the second and third stand for any number that is not a character
	}
	first := spelling[:firstBytes]
	if !slices.Contains(f.byFirst[first], spelling) {
		f.byFirst[first], f.some[hash(first)] = append(f.byFirst[first], spelling), true
	}
}

// addPrinted adds the output of fmt for a value, without the brackets of a list.
func (f finder) addPrinted(value any) {
	for _, verb := range verbs {
		if verb == "%p" || verb == "%T" {
			continue // these say nothing of the content
		}
		text := strings.TrimSpace(fmt.Sprintf(verb, value))
		for _, around := range []string{"[]byte{", "[]uint8{", "[", `"`, "`"} {
			text = strings.TrimPrefix(text, around)
		}
		f.add(strings.TrimSpace(strings.TrimRight(text, "]}\"`")))
	}
}

// addBytes adds a secret of bytes or text, with every window of it.
func (f finder) addBytes(secret []byte) {
	for at := 0; at+windowSize <= len(secret); at += windowStep {
		window := secret[at : at+windowSize]
		f.addPrinted(window)
		f.addPrinted(string(window))
		f.add(strings.ReplaceAll(strings.Trim(fmt.Sprint(window), "[]"), " ", ","))
		f.add(strings.ReplaceAll(strings.Trim(fmt.Sprint(window), "[]"), " ", ", "))
		for skip := range 3 { // the byte of the secret that begins a group of base64
			f.add(base64.StdEncoding.EncodeToString(window[skip : skip+6]))
			f.add(base64.URLEncoding.EncodeToString(window[skip : skip+6]))
		}
	}
}

// addNumber adds a secret that is a large number, such as the scalar of a key: its bytes, the whole
// number, and its words in math/big and on a stack.
func (f finder) addNumber(secret []byte) {
	f.addBytes(secret)
	n := new(big.Int).SetBytes(secret)
	f.addPrinted(n)
	for _, w := range n.Bits() {
		f.addWord(uint64(w))
	}
	for at := 0; at+8 <= len(secret); at += 8 {
		f.addWord(binary.LittleEndian.Uint64(secret[at:]))
	}
}

func (f finder) addWord(w uint64) {
	for _, verb := range []string{"%d", "%x", "%X", "%o", "%b", "%U"} {
		f.add(fmt.Sprintf(verb, w))
	}
}

// find returns the first spelling of a secret in a text, or an empty text.
func (f finder) find(text string) string {
	for at := 0; at+firstBytes <= len(text); at++ {
		first := text[at : at+firstBytes]
		if !f.some[hash(first)] {
			continue
		}
		for _, spelling := range f.byFirst[first] {
			if strings.HasPrefix(text[at:], spelling) {
				return spelling
			}
		}
	}
	return ""
}

// careless is a type that does not hide its contents.
type careless struct {
	secret []byte
}

// carelessNumber is such a type with a number.
type carelessNumber struct {
	secret *big.Int
}

// The search can fail. It finds bytes and numbers of a careless type with every verb and in every
// encoding.
func TestFinder(t *testing.T) {
	t.Parallel()
	secret := canaryBytes("of nothing")
	f := newFinder()
	f.addNumber(secret)
	for _, verb := range verbs {
		if verb == "%p" || verb == "%T" {
			continue
		}
		n := new(big.Int).SetBytes(secret)
		for what, value := range map[string]any{
			"bytes": secret, "a string": string(secret), "a field": careless{secret}, "a pointer": &careless{secret}, "an array": [32]byte(secret),
			"deep": map[string]any{"k": []any{struct{ inner careless }{careless{secret}}}}, "a number": n, "a number's field": carelessNumber{n},
		} {
			if what == "a number's field" && verb != "%s" {
				value = struct{ words []big.Word }{n.Bits()} // most verbs show the address of a pointer
			}
			noWords := verb == "%c" || verb == "%q" || verb == "%+q" || verb == "%#q" // show no number that large
			if text := fmt.Sprintf(verb, value); f.find(text) == "" && !(what == "a number's field" && noWords) {
				t.Errorf("%s, printed with %s, is not found: %s", what, verb, text)
			}
		}
	}
	for skip := range 3 {
		for name, e := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.RawURLEncoding} {
			if f.find(e.EncodeToString(append(make([]byte, skip), secret...))) == "" {
				t.Errorf("%s after %d bytes is not found", name, skip)
			}
		}
	}
	for at := range len(secret) - 12 {
		if f.find(fmt.Sprintf("%x", secret[at:at+12])) == "" {
			t.Errorf("12 bytes at %d are not found", at)
		}
	}
	if s := f.find(fmt.Sprintf("%x %v", canaryBytes("another"), canaryBytes("a third"))); s != "" {
		t.Errorf("found %q, which is not there", s)
	}
}

// The search finds a careless type in every way in which a program may print it.
func TestRenderingsOfCareless(t *testing.T) {
	t.Parallel()
	type inClear struct{ Secret []byte }
	secret, text := canaryBytes("of nothing"), []byte("a secret of characters") // XML has no other characters
	f := newFinder()
	f.addNumber(secret)
	f.addBytes(text)
	seen := make(map[string]bool)
	for _, s := range []sample{sampleOf("", careless{secret}), sampleOf("", inClear{secret}), sampleOf("", inClear{text})} {
		for r := range s.renderings {
			seen[r.way] = seen[r.way] || f.find(r.text) != ""
		}
	}
	for _, way := range ways {
		if !seen[way] && way != wayRuntime {
			t.Errorf("%s shows nothing", way)
		}
	}
	if len(seen) != len(ways) {
		t.Errorf("ways are %v, want %v", seen, ways)
	}
}
