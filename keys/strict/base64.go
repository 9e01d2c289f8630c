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

// AppendBase64URL appends to dst what [EncodeBase64URL] returns for b.
func AppendBase64URL(dst, b []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, b)
}

// DecodeBase64URL returns the bytes of which s is the canonical spelling: the spelling
// of RFC 7515 section 2 and appendix C, without padding. The empty string spells no
// bytes.
//
// It refuses padding, line breaks and white space, characters outside of the alphabet of RFC
// 4648 section 5, a length of 4n+1 characters, and bits behind the last byte that are not zero. If
// it accepted one of these, the same bytes would have a second spelling, and one token a second
// text. The error is an [*Error].
func DecodeBase64URL[T string | []byte](s T) ([]byte, error) {
	b, err := AppendDecodeBase64URL(make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(s))), s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// AppendDecodeBase64URL appends the bytes that [DecodeBase64URL] returns, and allocates nothing
// if dst has room for them. With an error it returns dst as it was, but the capacity behind the
// end of dst may hold some of the bytes. That capacity must not overlap with s.
//
// It does not call encoding/base64, which accepts line breaks, and needs a copy of a string.
func AppendDecodeBase64URL[T string | []byte](dst []byte, s T) ([]byte, error) {
	start, want := len(dst), base64.RawURLEncoding.DecodedLen(len(s))
	dst = slices.Grow(dst, want)
	room := dst[start : start+want] // cut, so that PutUint64 cannot write over later bytes of dst
	i, n := 0, 0
	// Eight characters are six bytes. One write of eight bytes is faster than six writes; the
	// next write overwrites the last two.
	for ; len(s)-i >= 8 && len(room)-n >= 8; i, n = i+8, n+6 {
		c := s[i : i+8]
		x := sextets[0][c[0]] | sextets[1][c[1]] | sextets[2][c[2]] | sextets[3][c[3]]
		y := sextets[0][c[4]] | sextets[1][c[5]] | sextets[2][c[6]] | sextets[3][c[7]]
		if x|y >= none { // a character is not in the alphabet
			break
		}
		binary.BigEndian.PutUint64(room[n:], uint64(x)<<40|uint64(y)<<16)
	}
	dst = dst[:start+n]
	var bits uint // the number of bits in value that are not written yet
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
	// Refuse six bits that are left, which come from a last character too many, and spare bits
	// that are not zero.
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

// none is the sextet of a byte that is not in the alphabet. It is larger than any value of
// three bytes, so that it shows in x|y.
const none = 1 << 24

// sextets has the value of each character of the alphabet, RFC 4648 section 5, shifted to each
// of the four places that a character can have in three bytes.
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
