package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable replaces by an escape, as JSON writes it, every character that a reader cannot see or
// that changes how the text around it looks: control characters, C1, bidirectional marks, blanks
// other than the space, and all that Unicode calls default ignorable, such as variation selectors.
// Two names that differ in such a character would look the same.
func Printable(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case isVisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// isVisible reports whether a reader sees a character. Four kinds of invisible ones are letters,
// marks or symbols to package unicode: the fillers of Hangul, variation selectors, the combining
// grapheme joiner and the blank pattern of Braille.
func isVisible(r rune) bool {
	return unicode.IsPrint(r) && r != blankBraille &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

const blankBraille = '\u2800'

// PrintableJSON returns a line of JSON with the same meaning, in which no text can move a cursor
// or turn text around. C1 control characters and bidirectional marks may stand in JSON as they
// are (RFC 8259 section 7), and a terminal obeys them.
func PrintableJSON(line []byte) []byte {
	for _, c := range line {
		if c >= 0x7f {
			return []byte(Printable(string(line)))
		}
	}
	return line
}

// Word returns a kid for a table. It quotes a kid that is not one plain word, such as an empty kid
// or one with spaces.
func Word(kid string) string {
	if kid == "" || strings.ContainsAny(kid, " \"'`\\") || Printable(kid) != kid {
		return strconv.QuoteToASCII(kid)
	}
	return kid
}

// Duration returns a duration as text, such as 30d or 1d2h4m. Package time has no days.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		return withinDay(d)
	}
	rest := ""
	if d%day != 0 {
		rest = withinDay(d % day)
	}
	return fmt.Sprintf("%dd%s", d/day, rest)
}

func withinDay(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}

// Count returns a number with its noun, in the plural unless it is one.
func Count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
