package strict

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"unicode"
	"unicode/utf8"
)

// few is the largest number of names for which unique calls twin, which compares names in pairs.
// For more names the hash table of twinOfMany is faster.
const few = 16

// name is a member name of an object that the scanner has not finished. It holds only the place
// of the name and a hash: decoded and folded copies of all names could take more memory than the
// text. compared makes such a copy again for the few names that need it.
type name struct {
	at   uint32 // offset of the opening quote
	hash uint32 // the hash of the decoded name, which is folded first if case does not count
}

// push puts a name on the stack. at is the offset of its opening quote, and decoded is the name
// without escapes.
func (s *scanner) push(at int, decoded []byte) {
	s.folded[0] = s.appendCompared(s.folded[0][:0], decoded)
	s.names = add(s.names, name{uint32(at), uint32(maphash.Bytes(s.seed, s.folded[0]))})
}

// unique refuses the object whose names are on the stack from index first on if two of
// them are equal. Otherwise it takes the names off the stack.
func (s *scanner) unique(first int) error {
	names := s.names[first:]
	twin := s.twin
	if len(names) > few {
		twin = s.twinOfMany
	}
	if i := twin(names); i >= 0 {
		return &Error{int(names[i].at), s.clash(names[:i+1])}
	}
	clear(names) // wiped like the names themselves, which may be personal data
	s.names = s.names[:first]
	return nil
}

// clash returns the reason why the last of the names is a twin of one before it.
func (s *scanner) clash(names []name) string {
	s.folds = false
	last := len(names) - 1
	s.compared(0, names[last])
	for _, n := range names[:last] {
		if s.compared(1, n); bytes.Equal(s.folded[0], s.folded[1]) {
			return "duplicate member name"
		}
	}
	return "member name that differs from another only in case"
}

// same reports whether two names are equal, without regard to case if s.folds is true. Names with
// equal hashes are nearly always equal, so names that differ are seldom read again.
func (s *scanner) same(a, b name) bool {
	if a.hash != b.hash {
		return false
	}
	s.compared(0, a)
	s.compared(1, b)
	return bytes.Equal(s.folded[0], s.folded[1])
}

// compared reads a name again from the text, and puts the decoded name into folded[i]. If case
// does not count, it folds the name.
func (s *scanner) compared(i int, n name) {
	again := scanner{data: s.data, pos: int(n.at)}
	decoded, escaped, _ := again.str()
	if escaped {
		s.decoded = appendUnescaped(s.decoded[:0], decoded)
		decoded = s.decoded
	}
	s.folded[i] = s.appendCompared(s.folded[i][:0], decoded)
}

// appendCompared appends a decoded name, folded where case does not count.
func (s *scanner) appendCompared(dst, decoded []byte) []byte {
	if s.folds {
		return appendFolded(dst, decoded)
	}
	return append(dst, decoded...)
}

// twin returns the index of the first name that equals one before it, or -1.
func (s *scanner) twin(names []name) int {
	// seen has a bit for each value that the last six bits of a hash have had. Only names that
	// share these six bits need a comparison.
	var seen uint64
	for i := range names {
		bit := uint64(1) << (names[i].hash & 63)
		if seen&bit == 0 {
			seen |= bit
			continue
		}
		for j := range i {
			if s.same(names[i], names[j]) {
				return i
			}
		}
	}
	return -1
}

// twinOfMany returns the same as twin, in linear time on average. Each place of its table holds
// the number of a name, counted from 1, or 0 if the place is free. A name stands at the place that
// its hash gives, or at the first free place behind it. The hash has a secret seed, so that an
// attacker cannot choose names that all hash to the same place and make twinOfMany slow.
func (s *scanner) twinOfMany(names []name) int {
	size := 1 << bits.Len(uint(len(names)+len(names)/4))
	if cap(s.table) < size {
		s.table = make([]uint16, size)
	}
	table := s.table[:size]
	clear(table)
	for i := range names {
		at := names[i].hash & uint32(size-1)
		for ; table[at] != 0; at = (at + 1) & uint32(size-1) {
			if s.same(names[i], names[table[at]-1]) {
				return i
			}
		}
		table[at] = uint16(i + 1)
	}
	return -1
}

// FoldedTwin returns one of names that the name of a member equals only if case does not count:
// sub if a member is named SUB or ſub. A reader that ignores case would take that member for sub.
// If several members have such names, the first member decides. ok is false if no member does.
func (o Object) FoldedTwin(names []string) (name string, ok bool) {
	p := o.open()
	for _, m := range p.members {
		found := p.name(m)
		for _, name := range names {
			if sameInitial(found, name) && string(found) != name && bytes.EqualFold(found, []byte(name)) {
				return name, true
			}
		}
	}
	return "", false
}

// sameInitial returns false if the first bytes show that a and b differ in more than the case
// of letters. It is a quick test before EqualFold.
func sameInitial(a []byte, b string) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return a[0]|0x20 == b[0]|0x20 || a[0]|b[0] >= utf8.RuneSelf
}

// appendFolded appends name with its case folded as encoding/json does: two names that
// encoding/json could assign to the same struct field become equal. No name becomes longer.
func appendFolded(dst, name []byte) []byte {
	for len(name) >= 8 {
		x := binary.LittleEndian.Uint64(name)
		if x&highs != 0 {
			break
		}
		dst = binary.LittleEndian.AppendUint64(dst, upper(x))
		name = name[8:]
	}
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
