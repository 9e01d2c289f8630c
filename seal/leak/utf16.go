package leak

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Decoder turns UTF-16 into UTF-8, piece by piece. Half a pair becomes U+FFFD, as everywhere.
type utf16Decoder struct {
	low  int  // the index of the low byte of a pair of bytes
	odd  int  // the first byte of a pair, plus 1; 0 if there is none
	high rune // the first half of a pair of units, 0 if there is none
}

// add appends the text of the next bytes.
func (u *utf16Decoder) add(dst, b []byte) []byte {
	if u.odd > 0 && len(b) > 0 {
		pair := [2]byte{byte(u.odd - 1), b[0]}
		u.odd = 0
		dst, b = u.unit(dst, rune(pair[u.low])|rune(pair[1-u.low])<<8), b[1:]
	}
	for ; len(b) > 1; b = b[2:] {
		dst = u.unit(dst, rune(b[u.low])|rune(b[1-u.low])<<8)
	}
	if len(b) == 1 {
		u.odd = int(b[0]) + 1
	}
	return dst
}

// end appends U+FFFD if the text ends within a character.
func (u *utf16Decoder) end(dst []byte) []byte {
	if u.high != 0 || u.odd != 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	u.high, u.odd = 0, 0
	return dst
}

// unit appends the character that a code unit ends.
func (u *utf16Decoder) unit(out []byte, c rune) []byte {
	if u.high != 0 {
		high := u.high
		u.high = 0
		if r := utf16.DecodeRune(high, c); r != utf8.RuneError {
			return utf8.AppendRune(out, r)
		}
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	if c&0xFC00 == 0xD800 {
		u.high = c
		return out
	}
	return utf8.AppendRune(out, c) // half a pair is written as U+FFFD
}

// utf16Reader reads a text in UTF-16 as UTF-8. Windows writes logs in UTF-16, and PowerShell what
// it redirects.
type utf16Reader struct {
	r   io.Reader
	d   utf16Decoder
	in  [32 << 10]byte
	out []byte // of buf, not read yet
	buf []byte
	err error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(u.in[:])
		u.buf = u.d.add(u.buf[:0], u.in[:n])
		if u.err = err; err != nil {
			u.buf = u.d.end(u.buf)
		}
		if u.out = u.buf; n == 0 && err == nil {
			return 0, nil // the caller knows when to give up
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}
