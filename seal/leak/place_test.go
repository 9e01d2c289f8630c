package leak

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// Columns count code units of UTF-16, wherever the buffer of a Finder ends.
func TestColumnsInUTF16(t *testing.T) {
	for before, want := range map[string]int64{
		"":                   1,
		"a ":                 3,
		"é ":                 3,
		"日本 ":                4,
		"😀 ":                 4,
		"e\u0301 ":           4,
		"\n😀é ":              5,
		"日\r\n😀😀 ":           6,
		"\uFEFF":             1,
		"\uFEFFé ":           3,
		"\uFEFFa\n\uFEFF ":   3,
		"12345678é12345678 ": 19,
		strings.Repeat("日本語 😀é ", 1000):    8001,
		strings.Repeat("x😀\n", 500) + "ß ": 3,
	} {
		for _, chunk := range []int{7, 100, 256 << 10} {
			f := newFinder(strings.NewReader(before+plainJWS), 1000, chunk)
			hit, err := f.Next(t.Context())
			if err != nil || hit.ColumnUTF16 != want || hit.Token != plainJWS {
				t.Errorf("%.20q, by %d: column %d, %v; want %d", before, chunk, hit.ColumnUTF16, err, want)
			}
		}
	}
}

// In a text in UTF-16 columns count its own code units.
func TestColumnsOfUTF16(t *testing.T) {
	text := utf16.Encode([]rune("\uFEFF😀é " + plainJWS + "\n日😀 " + plainJWS + "\n"))
	b := make([]byte, 0, 2*len(text))
	for _, unit := range text {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	f := NewFinder(bytes.NewReader(b))
	var got []string
	for hit, err := f.Next(t.Context()); err == nil; hit, err = f.Next(t.Context()) {
		got = append(got, fmt.Sprint(hit.Line, ":", hit.ColumnUTF16))
	}
	if want := []string{"1:5", "2:5"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Lines and columns are right for the whole text, in whatever order the places are asked for.
func TestPlacesInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "é", "日", "😀", "\n", "12345678", "\r\n"}
	for range 300 {
		var text []byte
		for range random.IntN(60) {
			text = append(text, pieces[random.IntN(len(pieces))]...)
		}
		// The line begins three bytes and two units before buf.
		f := &Finder{buf: text, read: int64(len(text)) + 3, headUnits: 2, units: 2}
		for range 20 {
			at := random.IntN(len(text) + 1)
			for at < len(text) && text[at]&0xC0 == 0x80 {
				at--
			}
			before := text[:at]
			line, column, units := int64(bytes.Count(before, []byte("\n")))+1, int64(at)+4, int64(2)
			if i := bytes.LastIndexByte(before, '\n') + 1; i > 0 {
				before = before[i:]
				column, units = int64(len(before))+1, 0
			}
			units += int64(len(utf16.Encode([]rune(string(before))))) + 1
			var s Sighting
			if f.place(&s, at); s.Line != line || s.Column != column || s.ColumnUTF16 != units {
				t.Fatalf("%q at %d: %d:%d (%d), want %d:%d (%d)", text, at, s.Line, s.Column, s.ColumnUTF16, line, column, units)
			}
		}
	}
}
