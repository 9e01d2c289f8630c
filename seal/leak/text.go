package leak

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Reasons why package open refuses a spelling.
const (
	faultBOM    = "begins with a byte order mark"
	faultUTF16  = "is text in UTF-16"
	faultLatin1 = "is not UTF-8, and read as Latin-1 where it is not"
)

// asText returns bytes as a person reads them, in UTF-8, and the fault of their encoding. A
// careless reader takes all of these encodings. ok is false for bytes that are not in a known
// encoding and have control characters.
func asText(b []byte) (text, fault string, ok bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		text, _, ok = asText(b[3:])
		return text, faultBOM, ok
	case isUTF16(b, 0):
		return fromUTF16(b, 0), faultUTF16, true
	case isUTF16(b, 1):
		return fromUTF16(b, 1), faultUTF16, true
	case utf8.Valid(b):
		return string(b), "", true
	}
	var s strings.Builder
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(b[i:]) {
				break // the character was cut off
			}
			r = rune(b[i])
		}
		s.WriteRune(r)
		i += n
	}
	return s.String(), faultLatin1, !isBinary(b)
}

// isBinary reports whether bytes have control characters that no text has.
func isBinary(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\x1b' })
}

// isUTF16 reports whether bytes are UTF-16 with the low byte at index low of each pair: by their
// byte order mark, or because their first two characters are ASCII (as RFC 4627 section 3 tells
// encodings apart).
func isUTF16(b []byte, low int) bool {
	high := 1 - low
	if len(b) >= 2 && b[low] == 0xFF && b[high] == 0xFE {
		return true
	}
	return len(b) >= 4 && b[low] != 0 && b[high] == 0 && b[low+2] != 0 && b[high+2] == 0
}

func fromUTF16(b []byte, low int) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i+low])|uint16(b[i+1-low])<<8)
	}
	if len(units) > 0 && units[0] == 0xFEFF {
		units = units[1:]
	}
	return string(utf16.Decode(units))
}

// noDigit marks a byte that is in neither alphabet of RFC 4648.
const noDigit = 0xFF

// digits are the values of the characters of both alphabets of RFC 4648 sections 4 and 5.
var digits = func() (table [256]byte) {
	for i := range table {
		table[i] = noDigit
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		table[c] = byte(i)
	}
	table['+'], table['/'] = 62, 63
	return table
}()

// spelling is how a Base64 text differs from the one that RFC 7515 section 2 allows.
type spelling struct {
	padded   bool // with =
	standard bool // with + or /
	loose    bool // spare bits are set, a character is left over, or one is foreign
}

func (s spelling) fault(part string) string {
	const not = " is not canonical base64url without padding"
	switch {
	case s.padded:
		return part + not + ": it is padded with ="
	case s.standard:
		return part + not + ": it is standard Base64 with + or /"
	case s.loose:
		return part + not
	}
	return ""
}

// decode decodes as much as it can of a Base64 text in either alphabet. A character that is
// left over at the end, because the rest was cut off, has no bytes.
func decode[T string | []byte](dst []byte, s T) ([]byte, spelling) {
	var how spelling
	end := len(s)
	for end > 0 && s[end-1] == '=' {
		end--
		how.padded = true
	}
	bits, n := uint32(0), 0
	for i := 0; i < end; i++ {
		v := digits[s[i]]
		if v == noDigit {
			how.loose = true
			break
		}
		how.standard = how.standard || s[i] == '+' || s[i] == '/'
		bits = bits<<6 | uint32(v)
		if n++; n == 4 {
			dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
			bits, n = 0, 0
		}
	}
	switch n {
	case 1:
		how.loose = true
	case 2:
		dst = append(dst, byte(bits>>4))
		how.loose = how.loose || bits&0xF != 0
	case 3:
		dst = append(dst, byte(bits>>10), byte(bits>>2))
		how.loose = how.loose || bits&0x3 != 0
	}
	return dst, how
}
