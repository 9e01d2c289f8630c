package leak

import (
	"bytes"
	"slices"
)

// A stretch is a piece of a text in which only the characters of tokens stand, when the
// encodings of the text around are undone: escapes of URLs, of JSON and of quoted-printable, and
// lines that are wrapped.

const (
	// minWrapped is the shortest line that counts as wrapped. Base64 and mail wrap at 60 to 76.
	minWrapped = 40
	// maxIndent is the longest indentation of a wrapped line.
	maxIndent = 32
	// lookBack is how far before a stretch the finder looks, for a line's beginning and for
	// the member that a value belongs to.
	lookBack = 1 << 10
)

// stretch is buf[start:end] with the encodings undone.
type stretch struct {
	start, end int
	text       []byte // of buf, if nothing was undone
	marks      []mark
	joins      []int // where lines were joined, in text
	open       bool  // what follows buf may belong to it

	lineAt int // where the last line begins that was joined, in buf
	width  int // of the lines that were joined, but the first and the last
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

// joinBefore returns where the last word of the line before begins, if what begins at start
// may be the rest of it.
func joinBefore(buf []byte, floor, start int) int {
	i := start
	for i > floor && (buf[i-1] == ' ' || buf[i-1] == '\t') && start-i < maxIndent {
		i--
	}
	if i == floor || buf[i-1] != '\n' {
		return start
	}
	i--
	if i > floor && buf[i-1] == '\r' {
		i--
	}
	for i > floor && class[buf[i-1]]&inToken != 0 {
		i--
	}
	return i
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
	s.end, s.open = p, s.open || len(rest) == 0 || len(rest) < len(`\u002e`) && bytes.IndexByte([]byte("%\\\r="), rest[0]) >= 0
	if s.marks == nil {
		s.text = buf[start:p]
	} else {
		s.text = append(text, buf[from:p]...)
	}
	return s
}

// unit returns the character that an escape at p stands for, or that the lines are joined there,
// and the length of the escape; neither if the stretch ends.
func (s *stretch) unit(buf []byte, p int) (char byte, n int, isJoin bool) {
	b := buf[p:]
	switch b[0] {
	case '=':
		if n := lineEnd(b[1:]); n > 0 { // a soft line break, RFC 2045 section 6.7
			rest := b[1+n:]
			s.open = s.open || len(rest) == 0
			ok := len(rest) > 0 && class[rest[0]]&inToken != 0 && !beginsToken(word(rest))
			return 0, 1 + n, ok
		}
		return hexChar(b, 1, "2D", "2E", "3D", "5F", "7E", "2B", "2F")
	case '%':
		return hexChar(b, 1, "2D", "2E", "3D", "5F", "7E", "2B", "2F", "2d", "2e", "3d", "5f", "7e", "2b", "2f")
	case '\\':
		if len(b) > 1 && b[1] == '/' {
			return '/', 2, false
		}
		if len(b) > 5 && b[1] == 'u' && b[2] == '0' && b[3] == '0' {
			return hexChar(b, 4, "2D", "2E", "3D", "5F", "7E", "2B", "2F", "2d", "2e", "3d", "5f", "7e", "2b", "2f")
		}
	}
	if n := lineEnd(b); n > 0 {
		if indent, ok := s.isWrapped(buf, p, p+n); ok {
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

// lineEnd returns the length of the line ending that b begins with, in JSON escapes too.
func lineEnd(b []byte) int {
	for _, end := range []string{"\n", "\r\n", `\n`, `\r\n`} {
		if bytes.HasPrefix(b, []byte(end)) {
			return len(end)
		}
	}
	return 0
}

// isWrapped reports whether a token that was wrapped goes on from the line that ends at p into the
// line that begins at next. The first line must not hold a whole token. The next line, behind its
// indent, must begin with characters of tokens and not with a token, and be no wider. Each line but
// the last has at least minWrapped characters, and all but the first and the last have one width.
// indent is the length of the indent.
func (s *stretch) isWrapped(buf []byte, p, next int) (indent int, ok bool) {
	width := p - s.lineAt
	switch {
	case len(s.joins) == 0:
		if width = p - s.start; buf[p] != '\\' {
			width = p - lineStart(buf, p)
		}
		line := buf[s.start:p]
		dots := bytes.Count(line, []byte{'.'})
		if dots >= partsJWS-1 && !bytes.ContainsRune(line, '~') || dots == 1 && isWhole(line[bytes.IndexByte(line, '.')+1:]) {
			return 0, false // a whole token stands on the line, or one without its signature
		}
	case len(s.joins) == 1:
		s.width = width
	case width != s.width:
		return 0, false
	}
	if width < minWrapped {
		return 0, false
	}
	rest := buf[next:]
	for indent < len(rest) && indent < maxIndent && (rest[indent] == ' ' || rest[indent] == '\t') {
		indent++
	}
	line := word(rest[indent:])
	after := rest[indent+len(line):]
	if len(after) == 0 {
		s.open = true
	} else if lineEnd(after) == 0 && !bytes.ContainsRune([]byte("\"'`,;)<\\"), rune(after[0])) {
		return 0, false
	}
	return indent, len(line) > 0 && len(line) <= width && !beginsToken(line)
}

// word returns the characters of tokens at the beginning of b, at most lookBack of them and one.
func word(b []byte) []byte {
	n := 0
	for n < len(b) && n <= lookBack && class[b[n]]&inToken != 0 {
		n++
	}
	return b[:n]
}

// lineStart returns where the line of p begins, at most lookBack bytes before p.
func lineStart(buf []byte, p int) int {
	near := max(0, p-lookBack)
	return near + bytes.LastIndexByte(buf[near:p], '\n') + 1
}

// beginsToken reports whether a token begins with the line b.
func beginsToken(b []byte) bool {
	dot := bytes.IndexByte(b, '.')
	if dot < 0 {
		return false
	}
	_, _, ok, _ := headerIn(b[:dot])
	return ok
}
