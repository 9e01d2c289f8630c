package strict

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// EncodeBase64URL returns the base64url spelling of b without padding, RFC 7515
// section 2. [DecodeBase64URL] accepts exactly these spellings.
func EncodeBase64URL(b []byte) string {
	return base64.RawURLEncoding.EncodeToString(b)
}

// AppendBase64URL appends what [EncodeBase64URL] returns.
func AppendBase64URL(dst, b []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, b)
}

// DecodeBase64URL returns the bytes of which s is the canonical spelling: the spelling
// of RFC 7515 section 2 and appendix C, without padding. The empty string spells no
// bytes.
//
// It refuses padding, line breaks and white space, characters of any other
// alphabet, lengths that no bytes have, and spare bits that are not zero. Each of
// those would give the same bytes a second spelling, and with it one token a
// second text. The error is an [*Error].
func DecodeBase64URL[T string | []byte](s T) ([]byte, error) {
	b, err := AppendDecodeBase64URL(make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(s))), s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// AppendDecodeBase64URL appends the bytes that [DecodeBase64URL] returns, and
// allocates nothing if dst has room for them. With an error it returns dst as it was,
// and the room behind its end may hold some of the bytes. That room and s must not
// overlap.
//
// It does not call encoding/base64, which skips line breaks, and reads strings from
// a copy.
func AppendDecodeBase64URL[T string | []byte](dst []byte, s T) ([]byte, error) {
	start, want := len(dst), base64.RawURLEncoding.DecodedLen(len(s))
	dst = slices.Grow(dst, want)
	room := dst[start : start+want] // no byte that the caller may have behind it
	i, n := 0, 0
	// Eight characters are six bytes. They are written as eight, and the last two
	// overwritten by what follows.
	for ; len(s)-i >= 8 && len(room)-n >= 8; i, n = i+8, n+6 {
		c := s[i : i+8]
		x := sextets[0][c[0]] | sextets[1][c[1]] | sextets[2][c[2]] | sextets[3][c[3]]
		y := sextets[0][c[4]] | sextets[1][c[5]] | sextets[2][c[6]] | sextets[3][c[7]]
		if x|y >= none { // one of them is
			break
		}
		binary.BigEndian.PutUint64(room[n:], uint64(x)<<40|uint64(y)<<16)
	}
	dst = dst[:start+n]
	var bits uint // so many of them in value are not written yet
	var value uint32
	for ; i < len(s); i++ {
		x := sextets[3][s[i]]
		if x == none {
			return dst[:start], notCanonical(i, s[i])
		}
		value, bits = value<<6|x, bits+6
		if bits >= 8 {
			bits -= 8
			dst = append(dst, byte(value>>bits))
		}
	}
	// Spare bits are not zero, or there are six of them: one character too many.
	if bits == 6 || value&(1<<bits-1) != 0 {
		return dst[:start], notCanonical(len(s)-1, 0)
	}
	return dst, nil
}

func notCanonical(at int, c byte) error {
	if c == '\n' || c == '\r' {
		return &Error{at, "line break in base64url"}
	}
	return &Error{at, "not canonical base64url"}
}

// none is the sextet of a byte that is not in the alphabet. No three bytes are as large.
const none = 1 << 24

// sextets has the value of each character of the alphabet, RFC 4648 section 5, for each
// of the four places that it can have in three bytes.
var sextets = func() (values [4][256]uint32) {
	for place := range values {
		for i := range values[place] {
			values[place][i] = none
		}
		for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			values[place][c] = uint32(i) << (6 * (3 - place))
		}
	}
	return values
}()
