package leak

import "bytes"

// Programs wrap tokens: mail, manifests, terminals, shells and people who paste.

const (
	// minWrapped is the shortest line that counts as wrapped. Base64 and mail wrap at 60 to 76.
	minWrapped = 40
	// minNarrow is the shortest line that counts as wrapped if a header begins on it.
	minNarrow = 16
	// maxIndent is the longest indentation of a wrapped line, and the longest white space at its end.
	maxIndent = 32
)

// lineEnd returns the length of the line ending that b begins with: white space, and a line feed in
// JSON escapes or percent-encoding too, or behind the backslash with which a shell joins lines. raw
// reports that it is a line feed of the text.
func lineEnd(b []byte) (n int, raw bool) {
	for n < len(b) && n < maxIndent && (b[n] == ' ' || b[n] == '\t') {
		n++
	}
	if n == len(b) {
		return 0, false
	}
	rest := b[n:]
	switch rest[0] {
	case '\n':
		return n + 1, true
	case '\r':
		if bytes.HasPrefix(rest, []byte("\r\n")) {
			return n + 2, true
		}
	case '\\':
		for _, end := range []string{"\\\n", "\\\r\n", `\n`, `\r\n`} {
			if bytes.HasPrefix(rest, []byte(end)) {
				return n + len(end), end[len(end)-1] == '\n'
			}
		}
	case '%':
		for _, end := range []string{"%0A", "%0D%0A"} {
			if hasFolded(rest, end) {
				return n + len(end), false
			}
		}
	}
	return 0, false
}

// mayEndLine reports whether b may become a line ending or an escape when more of the text is known.
func mayEndLine(b []byte) bool {
	for n := 0; len(b) > 0 && n < maxIndent && (b[0] == ' ' || b[0] == '\t'); n++ {
		b = b[1:]
	}
	return len(b) == 0 || len(b) < len(`\u002e`) && bytes.IndexByte([]byte("%\\\r="), b[0]) >= 0
}

// indented returns the length of the indentation that b begins with, or of the marks that a mail
// program writes before the lines of a message that is answered.
func indented(b []byte) (n int) {
	for n < len(b) && n < maxIndent && (b[n] == ' ' || b[n] == '\t' || b[n] == '>') {
		n++
	}
	return n
}

// joinBefore returns where the last word of the line before begins, if what begins at start
// may be the rest of it.
func joinBefore(buf []byte, floor, start int) int {
	i := start
	for i > floor && (buf[i-1] == ' ' || buf[i-1] == '\t' || buf[i-1] == '>') && start-i < maxIndent {
		i--
	}
	if i == floor || buf[i-1] != '\n' {
		return start
	}
	i--
	if i > floor && buf[i-1] == '\r' {
		i--
	}
	if i > floor && buf[i-1] == '\\' {
		i--
	}
	for end := i; i > floor && (buf[i-1] == ' ' || buf[i-1] == '\t') && end-i < maxIndent; {
		i--
	}
	for i > floor && class[buf[i-1]]&inToken != 0 {
		i--
	}
	return i
}

// isWrapped reports whether a token that was wrapped goes on from the line that ends at p into the
// line that begins at next. The first line must not hold a whole token. The next line, behind its
// indent, must begin with characters of tokens and not with a token, and be no wider. Each line but
// the last has at least minWrapped characters, and all but the first and the last have one width.
// indent is the length of the indent.
func (s *stretch) isWrapped(buf []byte, p, next int, raw bool) (indent int, ok bool) {
	width := p - s.lineAt
	switch {
	case len(s.joins) == 0:
		line := buf[s.start:p]
		s.least = minWrapped
		if opensObject(line[max(bytes.LastIndexByte(line, '='), bytes.LastIndexByte(line, '/'))+1:]) {
			s.least = minNarrow
		}
		if width = len(line); raw {
			width = p - lineStart(buf, p)
		}
		if width >= s.least && endsToken(line) {
			return 0, false
		}
	case len(s.joins) == 1:
		s.width = width
	case width != s.width:
		return 0, false
	}
	if width < s.least {
		return 0, false
	}
	rest := buf[next:]
	indent = indented(rest)
	line := word(rest[indent:])
	after := rest[indent+len(line):]
	if mayEndLine(after) {
		s.open = true
	}
	if n, _ := lineEnd(after); len(after) > 0 && n == 0 && !bytes.ContainsRune([]byte("\"'`,;)<\\&%]}|"), rune(after[0])) {
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

// endsToken reports whether a line ends with a whole token, or with one without its signature.
// Dots of a host name may stand before the token.
func endsToken(line []byte) bool {
	if bytes.IndexByte(line, '~') >= 0 {
		return false
	}
	for lo := 0; ; {
		dot := bytes.IndexByte(line[lo:], '.')
		if dot < 0 {
			return false
		}
		if _, _, ok, _ := headerIn(line[lo : lo+dot]); ok {
			behind := line[lo+dot+1:]
			return bytes.IndexByte(behind, '.') >= 0 || isWhole(behind)
		}
		if _, ok := damagedIn(line[lo:], dot); ok {
			return true
		}
		lo += dot + 1
	}
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
