package leak

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Reader reads a text in UTF-16 as UTF-8. Windows writes logs in UTF-16, and PowerShell what
// it redirects. Half a surrogate pair becomes U+FFFD.
type utf16Reader struct {
	r    io.Reader
	low  int // the index of the low byte of a pair
	in   [4096]byte
	n    int    // bytes in in
	out  []byte // of buf, not read yet
	buf  [3 * 4096]byte
	high rune // the first half of a pair, 0 if there is none
	err  error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.fill()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// fill decodes what the reader has.
func (u *utf16Reader) fill() {
	n, err := u.r.Read(u.in[u.n:])
	u.n += n
	out := u.buf[:0]
	i := 0
	for ; i+1 < u.n; i += 2 {
		out = u.unit(out, rune(u.in[i+u.low])|rune(u.in[i+1-u.low])<<8)
	}
	u.n = copy(u.in[:], u.in[i:u.n])
	if err != nil {
		if u.high != 0 || u.n > 0 {
			out, u.high, u.n = utf8.AppendRune(out, utf8.RuneError), 0, 0
		}
		u.err = err
	}
	u.out = out
}

// unit appends the character that a code unit ends.
func (u *utf16Reader) unit(out []byte, c rune) []byte {
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
