package strict

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The scanner reads eight bytes of a text at a time, as one number. The functions below test
// all eight bytes at once, so that long strings cost little.
const (
	ones  = 0x0101010101010101 // times c: eight bytes c
	highs = 0x80 * ones
)

// special marks the bytes of x that cannot stand in a string as they are, quotes, backslashes
// and control characters, by their high bit. Only the lowest mark is reliable: a subtraction
// that goes below zero borrows from the byte above, and may mark it wrongly.
func special(x uint64) uint64 {
	quote, backslash, control := (x^'"'*ones)-ones, (x^'\\'*ones)-ones, x-' '*ones
	return (quote | backslash | control) &^ x & highs
}

// plain returns the number of bytes at the start of b without a quote, a backslash or a control
// character, and whether they all are ASCII. If they are not, the caller has to check that they
// are UTF-8.
func plain(b []byte) (n int, ascii bool) {
	var seen uint64
	for len(b)-n >= 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		if marks := special(x); marks != 0 {
			lowest := marks & -marks
			seen |= x & (lowest - 1)
			return n + bits.TrailingZeros64(marks)/8, seen&highs == 0
		}
		seen |= x
		n += 8
	}
	for n < len(b) && b[n] >= ' ' && b[n] != '"' && b[n] != '\\' {
		seen |= uint64(b[n])
		n++
	}
	return n, seen&highs == 0
}

// upper makes lower case letters upper case, if the eight bytes of x are ASCII.
func upper(x uint64) uint64 {
	fromA, beyondZ := x+(0x80-'a')*ones, x+(0x7f-'z')*ones
	return x - (fromA&^beyondZ&highs)>>2
}

// invalidAt returns the offset of the first byte of b that is not UTF-8.
func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
