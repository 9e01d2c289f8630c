package leak

import (
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// hostile has units of text that an attacker may write into a log to keep a scan busy.
var hostile = map[string]string{
	"headers":           "eyJhbGciOiJub25lIn0",
	"headers with dots": "eyJhbGciOiJub25lIn0.",
	"headers, spaces":   "eyJhbGciOiJub25lIn0 ",
	"almost headers":    "eyJhbGciOiJub25lIn.",
	"starts":            "eyJ",
	"nested headers":    "eyJhIjog",
	"damaged headers":   "YWJj.eyJhIjoxfQ.",
	"starts with dots":  "eyJ.eyJ.eyJ.eyJ.eyJ.eyJ.eyJhbGci",
	"member names":      `{"payload":"eyJhbGciOiJub25lIn0`,
	"members":           `{"payload":"eyJhbGciOiJub25lIn0",`,
	"lists":             `{"signatures":[{"protected":"eyJhbGciOiJub25lIn0"},`,
	"objects":           `{"tag":"eyJhbGciOiJub25lIn0","a":`,
	"objects in lists":  `{"tag":"eyJhbGciOiJub25lIn0"},[`,
	"escaped members":   `{\"payload\":\"eyJhbGciOiJub25lIn0\",`,
	"percent members":   `%7B%22payload%22%3A%22eyJhbGciOiJub25lIn0%22%2C`,
	"ampersands":        "&",
	"entities":          "&#46;",
	"entity beginnings": "&#000000000000",
	"entity dots":       "eyJhbGciOiJub25lIn0&period;",
	"percent dots":      "eyJhbGciOiJub25lIn0%2E",
	"soft breaks":       "eyJhbGciOiJub25lIn0=\n",
	"wrapped lines":     strings.Repeat("eyJhbGciOiJub25lIn0x", 4) + "\n",
	"lines with dots":   strings.Repeat("eyJhbGciOiJub25lIn0.", 4) + "\n",
	"words":             "aaaaaaaaaaaaaaa ",
	"one word":          "a",
	"Base64 of headers": "ZXlKaGJHY2lPaUp1YjI1bEluMC4",
	"slashes":           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
	"tildes":            "eyJhbGciOiJub25lIn0.e30.~",
	"disclosures":       "WyJhIiwiYiIsMV0~",
	"backslashes":       `\\\\`,
	"indentation":       "eyJhbGciOiJub25lIn0eyJhbGciOiJub25lIn0eyJ\n                              ",
}

// hostileClaims has members. A token repeats one of them as often as it can.
var hostileClaims = map[string]string{
	"one path":          `"n":{"a":"ada@example.com","a":1},`,
	"one name":          `"a":"ada@example.com",`,
	"tokens":            `"a":"eyJhbGciOiJub25lIn0.e30.",`,
	"names":             `"eyJhbGciOiJub25lIn0.e30.":1,`,
	"small":             `"":1,`,
	"escapes":           `"\u0061\u0061":"\u0061\ud800",`,
	"long strings":      `"a":"` + strings.Repeat("ada@ ", 200) + `",`,
	"deep":              `"a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `,`,
	"objects":           `"user":{"user":{"user":{"name":"x","kty":"RSA","d":"x"}}},`,
	"JSON tokens":       `"a":{"payload":"e30","signature":"s"},`,
	"JSON tokens, deep": `"a":` + strings.Repeat(`{"payload":"e30","signature":"s","a":`, 40) + "1" + strings.Repeat("}", 40) + `,`,
	"wrapped":           `"a":"` + strings.Repeat("eyJhbGciOiJub25lIn0x", 4) + `\n",`,
}

// hostileTokens return a token of about so many bytes that has one thing as often as it can.
var hostileTokens = map[string]func(size int) string{
	"payloads":        fill(`{"payload":"e30",`, `"payload":"`+compact("a text")+`",`, `"signature":"s"}`),
	"texts":           fill(`{`, `"payload":"ada@example.com",`, `"signature":"s"}`),
	"headers":         fill(`{"payload":"e30",`, `"header":{"alg":"x"},`, `"signature":"s"}`),
	"protected":       fill(`{"payload":"e30",`, `"protected":"x",`, `"signature":"s"}`),
	"signatures":      fill(`{"payload":"e30","signatures":[`, `{"signature":"s"},`, `{}]}`),
	"signatures, bad": fill(`{"payload":"e30","signatures":[`, `{"protected":"x"},{"header":{"alg":"x"}},`, `{}]}`),
	"recipients":      fill(`{"ciphertext":"AA","iv":"AA","recipients":[`, `{"encrypted_key":"a"},`, `{}]}`),
	"foreign":         fill(`{"payload":"e30",`, `"a":1,`, `"signature":"s"}`),
	"disclosures":     fill(compact(`{"alg":"none"}`)+".e30.s", "~A", "~"),
	"disclosures, in": fill(`{"payload":"e30","header":{"disclosures":[`, `"A",`, `"A"]},"signature":"s"}`),
	"tildes":          fill(compact(`{"alg":"none"}`)+".e30.s~A", "~", ""),
}

func fill(begin, unit, end string) func(size int) string {
	return func(size int) string { return begin + strings.Repeat(unit, size/len(unit)) + end }
}

// A token that is doubled takes twice the memory, and what Read returns has a bound.
func TestReadTakesLittleMemory(t *testing.T) {
	allocated := func(token string) (total, kept uint64) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		u, err := Read(token)
		runtime.ReadMemStats(&after)
		total = after.TotalAlloc - before.TotalAlloc
		runtime.GC()
		runtime.ReadMemStats(&after)
		if err != nil || u.Personal() > maxFindings {
			t.Fatalf("%.60s: %v", token, err)
		}
		for _, l := range u.Layers {
			if len(l.Header)+len(l.Claims) > 2*maxMembers || len(l.Sizes) > maxMembers || len(l.Faults) > maxFaults+1 {
				t.Errorf("%.60s: %d members, %d sizes, %d faults", token, len(l.Header)+len(l.Claims), len(l.Sizes), len(l.Faults))
			}
			if len(l.Header) == maxMembers && !slices.Contains(u.Limits, LimitMembers) {
				t.Errorf("%.60s: no limit is told", token)
			}
		}
		kept = after.HeapAlloc - min(after.HeapAlloc, before.HeapAlloc)
		runtime.KeepAlive(u)
		return total, kept
	}
	for name, token := range hostileTokens {
		small, _ := allocated(token(216 << 10))
		large, kept := allocated(token(864 << 10))
		if large > 6*small {
			t.Errorf("%s: %d bytes are allocated, and %d for a token of four times the length", name, small, large)
		}
		if kept > 16<<20 {
			t.Errorf("%s: the result takes %d bytes", name, kept)
		}
	}
}

func hostileToken(unit string, size int) string {
	claims := "{" + strings.TrimSuffix(strings.Repeat(unit, size*3/4/len(unit)-20), ",") + "}"
	return compact(`{"alg":"none"}`, claims, "s")
}

// A Finder reaches the end of every hostile text.
func TestFinderPassesHostileTexts(t *testing.T) {
	for name, unit := range hostile {
		text := strings.Repeat(unit, 1<<20/len(unit)) + "\n" + plainJWS + "\n"
		tokens := found(t, text)
		if len(tokens) == 0 || tokens[len(tokens)-1] != plainJWS {
			t.Errorf("%s: the token behind is not found, among %d", name, len(tokens))
		}
	}
}

// A Finder decodes base64 to fewer bytes than twice the length of any text.
func TestFinderDecodesLittle(t *testing.T) {
	for name, unit := range hostile {
		for _, unit := range []string{unit, std(unit), std(unit) + "\n", strings.TrimRight(std(strings.Repeat(unit, 20)), "=") + "/"} {
			text := strings.Repeat(unit, 1<<18/len(unit))
			f := NewFinder(strings.NewReader(text))
			for _, err := f.Next(t.Context()); err == nil; _, err = f.Next(t.Context()) {
			}
			if in := f.scan.inner; in != nil && in.decoded >= 2*int64(len(text)) {
				t.Errorf("%s: %d bytes of %d", name, in.decoded, len(text))
			}
		}
	}
}

// However often a text is doubled, and in however small pieces it comes, a Finder reads each of its
// bytes as often as before.
func TestFinderParsesLinearly(t *testing.T) {
	for way, of := range map[string]struct {
		size   int
		reader func(text string) io.Reader
	}{
		"whole":     {1 << 20, func(text string) io.Reader { return strings.NewReader(text) }},
		"by byte":   {16 << 10, func(text string) io.Reader { return iotest.OneByteReader(strings.NewReader(text)) }},
		"by 512":    {128 << 10, func(text string) io.Reader { return pieces{strings.NewReader(text), 512} }},
		"in UTF-16": {512 << 10, func(text string) io.Reader { return strings.NewReader(inUTF16(text, 1, 0, true)) }},
	} {
		for name, unit := range hostile {
			for _, size := range []int{of.size / 2, of.size} {
				text := strings.Repeat(unit, size/len(unit))
				f := NewFinder(of.reader(text))
				for _, err := f.Next(t.Context()); err == nil; _, err = f.Next(t.Context()) {
				}
				if most := (maxPasses + 8) * int64(size); f.scan.parsed > most {
					t.Errorf("%s, %s: %d bytes are read in %d, and at most %d are right", name, way, f.scan.parsed, size, most)
				}
			}
		}
	}
}

// pieces reads at most so many bytes at a time, as from a pipe.
type pieces struct {
	r    io.Reader
	most int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.most)]) }

// Read says what it did not show of a hostile token.
func TestReadBoundsHostileTokens(t *testing.T) {
	for name, unit := range hostileClaims {
		u, err := Read(hostileToken(unit, 900<<10))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(u.Layers) > maxLayers || u.Personal() > maxFindings {
			t.Errorf("%s: %d layers, %d findings", name, len(u.Layers), u.Personal())
		}
		if (len(u.Layers) == maxLayers || u.Personal() == maxFindings) && u.Limits == nil {
			t.Errorf("%s: no limit is told", name)
		}
		if n := len(u.Layers[0].Claims); n > maxMembers || n == maxMembers && !slices.Contains(u.Limits, LimitMembers) {
			t.Errorf("%s: %d members, %q", name, n, u.Limits)
		}
	}
}

// The time for each size is linear: compare ns/op of 1, 2 and 4 MiB.
func BenchmarkHostile(b *testing.B) {
	for name, unit := range hostile {
		for _, mib := range []int{1, 2, 4} {
			text := strings.Repeat(unit, mib<<20/len(unit))
			b.Run(name+"/"+string(rune('0'+mib))+"MiB", func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					f := NewFinder(strings.NewReader(text))
					for _, err := f.Next(b.Context()); err == nil; _, err = f.Next(b.Context()) {
					}
				}
			})
		}
	}
	for name, unit := range hostileClaims {
		for _, kib := range []int{216, 432, 864} {
			token := hostileToken(unit, kib<<10)
			b.Run("claims "+name+"/"+string(rune('0'+kib/216))+"x216KiB", func(b *testing.B) {
				b.SetBytes(int64(len(token)))
				for b.Loop() {
					Read(token)
				}
			})
		}
	}
}
