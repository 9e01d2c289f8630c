package strict

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// name is a member name on the scanner's stack: folded[lo:hi].
type name struct {
	span
	at uint32 // offset in the text
}

// push puts the decoded name that stands at offset at on the stack.
func (s *scanner) push(at int, decoded []byte) {
	lo := len(s.folded)
	s.folded = appendFolded(s.folded, decoded)
	s.names = add(s.names, name{newSpan(lo, len(s.folded)), uint32(at)})
}

// unique refuses the object whose names are on the stack from index first on if
// two of them are equal. It sorts rather than hashes: small objects need no map,
// and no choice of names makes it slow.
func (s *scanner) unique(first int) error {
	names := s.names[first:]
	slices.SortFunc(names, func(a, b name) int {
		if c := s.compare(a, b); c != 0 {
			return c
		}
		return cmp.Compare(a.at, b.at)
	})
	for i := 1; i < len(names); i++ {
		if s.compare(names[i-1], names[i]) == 0 {
			return &Error{int(names[i].at), "duplicate member name"}
		}
	}
	return nil
}

// compare orders two names by length first, which settles most pairs.
func (s *scanner) compare(a, b name) int {
	if c := cmp.Compare(a.hi-a.lo, b.hi-b.lo); c != 0 {
		return c
	}
	return bytes.Compare(a.of(s.folded), b.of(s.folded))
}

// appendFolded appends name as encoding/json folds it: two names that it could
// assign to the same struct field become equal, and none becomes longer.
func appendFolded(dst, name []byte) []byte {
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		dst = utf8.AppendRune(dst, foldRune(r))
		i += n
	}
	return dst
}

// foldRune returns the smallest rune that folds with r, so that U+017F, the long
// s, becomes S, and U+212A, the Kelvin sign, becomes K.
func foldRune(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}
