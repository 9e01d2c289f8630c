package strict

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string, RFC 8259 section 7, and returns the text between its quotes, which is valid
// UTF-8. escaped reports whether it has escapes; appendUnescaped decodes them.
//
// It refuses bad UTF-8 and unpaired surrogates, because decoders replace them: two different
// subjects could then have the same name.
func (s *scanner) str() (body []byte, escaped bool, err error) {
	if !s.accept('"') {
		return nil, false, s.fail("string expected")
	}
	start := s.pos
	for {
		n, ascii := plain(s.data[s.pos:])
		if run := s.data[s.pos : s.pos+n]; !ascii && !utf8.Valid(run) {
			s.pos += invalidAt(run)
			return nil, false, s.fail("invalid UTF-8")
		}
		s.pos += n
		switch {
		case s.pos == len(s.data):
			return nil, false, s.fail("unterminated string")
		case s.data[s.pos] == '"':
			body = s.data[start:s.pos]
			s.pos++
			return body, escaped, nil
		case s.data[s.pos] != '\\':
			return nil, false, s.fail("control character in string")
		}
		_, n = escape(s.data[s.pos:])
		if n == 0 {
			return nil, false, s.fail("invalid escape or unpaired surrogate")
		}
		escaped = true
		s.pos += n
	}
}

// appendUnescaped appends the characters of body, which str has returned, with escapes decoded.
func appendUnescaped(dst, body []byte) []byte {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return append(dst, body...)
		}
		dst = append(dst, body[:i]...)
		r, n := escape(body[i:])
		dst = utf8.AppendRune(dst, r)
		body = body[i+n:]
	}
}

// escape decodes the escape sequence at the start of b and returns its length, 0 if it is
// invalid. Two escapes that are a surrogate pair count as one sequence, and half of a pair is
// invalid.
func escape(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unicodeEscape(b)
	}
	return 0, 0
}

// unicodeEscape does the work of escape for an escape that starts with \u.
func unicodeEscape(b []byte) (r rune, n int) {
	r = hex4(b[2:])
	if r < 0 {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
		return 0, 0
	}
	if r = utf16.DecodeRune(r, hex4(b[8:])); r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 decodes the four hexadecimal digits at the start of b, or returns -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
