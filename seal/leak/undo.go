package leak

import "slices"

// A stretch is a piece of a text in which only the characters of tokens stand, when the
// encodings of the text around are undone: escapes of URLs, of JSON and of quoted-printable, and
// lines that are wrapped.

// lookBack is how far before a stretch the finder looks, for a line's beginning and for
// the member that a value belongs to.
const lookBack = 1 << 10

// stretch is buf[start:end] with the encodings undone.
type stretch struct {
	start, end int
	text       []byte // of buf, if nothing was undone
	marks      []mark
	joins      []int // where lines were joined, in text
	open       bool  // what follows buf may belong to it

	lineAt int // where the last line begins that was joined, in buf
	width  int // of the lines that were joined, but the first and the last
	least  int // that they must have
}

// mark says that from text[at] on the characters stand at buf[raw] and what follows.
type mark struct{ at, raw int }

// raw returns where the character text[i] stands in buf.
func (s *stretch) raw(i int) int {
	k, exact := slices.BinarySearchFunc(s.marks, i, func(m mark, i int) int { return m.at - i })
	for exact && k+1 < len(s.marks) && s.marks[k+1].at == i {
		k++ // the last of several that begin there
	}
	if !exact {
		k--
	}
	if k < 0 {
		return s.start + i
	}
	return s.marks[k].raw + i - s.marks[k].at
}

// undo reads the stretch around the run that begins at run, and nothing before floor. scratch is
// where its text goes if something has to be undone.
func undo(buf []byte, floor, run int, scratch []byte) stretch {
	start := run
	for start > floor && class[buf[start-1]]&inToken != 0 {
		start--
	}
	if before := joinBefore(buf, floor, start); before < start {
		if s := undoFrom(buf, before, scratch); s.end > run {
			return s
		}
	}
	return undoFrom(buf, start, scratch)
}

func undoFrom(buf []byte, start int, scratch []byte) stretch {
	s := stretch{start: start}
	text := scratch[:0]
	from, p := start, start // buf[from:p] is not in text yet
	for p < len(buf) {
		c := buf[p]
		if class[c]&inToken != 0 && c != '=' {
			p++
			continue
		}
		char, n, isJoin := s.unit(buf, p)
		if n == 0 || char == 0 && !isJoin {
			if c != '=' {
				break
			}
			p++
			continue
		}
		text = append(text, buf[from:p]...)
		if isJoin {
			s.joins = append(s.joins, len(text))
			s.lineAt = p + n
		} else {
			text = append(text, char)
		}
		p += n
		from = p
		s.marks = append(s.marks, mark{len(text), p})
	}
	rest := buf[p:]
	s.end, s.open = p, s.open || mayEndLine(rest)
	if s.marks == nil {
		s.text = buf[start:p]
	} else {
		s.text = append(text, buf[from:p]...)
	}
	return s
}

// codes lists the hexadecimal codes of the characters of tokens that encoders escape.
var codes = []string{"2D", "2E", "3D", "5F", "7E", "2B", "2F", "2d", "2e", "3d", "5f", "7e", "2b", "2f"}

// unit returns the character that an escape at p stands for, or that the lines are joined there,
// and the length of the escape; neither if the stretch ends.
func (s *stretch) unit(buf []byte, p int) (char byte, n int, isJoin bool) {
	b := buf[p:]
	switch b[0] {
	case '=':
		if n, _ := lineEnd(b[1:]); n > 0 { // a soft line break, RFC 2045 section 6.7
			rest := b[1+n:]
			s.open = s.open || len(rest) == 0
			ok := len(rest) > 0 && class[rest[0]]&inToken != 0 && !beginsToken(word(rest))
			return 0, 1 + n, ok
		}
		return hexChar(b, 1, codes...)
	case '%':
		if char, n, _ := hexChar(b, 1, codes...); n > 0 {
			return char, n, false
		}
	case '\\':
		if len(b) > 1 && b[1] == '/' {
			return '/', 2, false
		}
		if len(b) > 5 && b[1] == 'u' && b[2] == '0' && b[3] == '0' {
			return hexChar(b, 4, codes...)
		}
	}
	if n, raw := lineEnd(b); n > 0 {
		if indent, ok := s.isWrapped(buf, p, p+n, raw); ok {
			return 0, n + indent, true
		}
	}
	return 0, 0, false
}

// hexChar returns the character whose code stands at b[at:], if that is one of the codes.
func hexChar(b []byte, at int, codes ...string) (char byte, n int, isJoin bool) {
	if len(b) < at+2 {
		return 0, 0, false
	}
	for _, code := range codes {
		if code == string(b[at:at+2]) {
			return unhex(b[at])<<4 | unhex(b[at+1]), at + 2, false
		}
	}
	return 0, 0, false
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
