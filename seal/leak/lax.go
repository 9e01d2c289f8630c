package leak

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lax reads JSON as a careless reader does. A parser that keeps one of two members with the same
// name would hide the other one, so lax reads both. It also reads the members before the place
// where a text breaks off.
type lax struct {
	text string
	i    int
}

// peek skips white space and returns the next byte; 0 at the end.
func (p *lax) peek() byte {
	for p.i < len(p.text) {
		switch c := p.text[p.i]; c {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return c
		}
	}
	return 0
}

// take skips white space and the byte c, if that is next.
func (p *lax) take(c byte) bool {
	if p.peek() != c || p.i == len(p.text) {
		return false
	}
	p.i++
	return true
}

// str reads a string, whose opening quotation mark is next. ok is false if it breaks off.
func (p *lax) str() (s string, ok bool) {
	p.i++
	start, escaped := p.i, false
	for ; p.i < len(p.text); p.i++ {
		switch p.text[p.i] {
		case '"':
			s = p.text[start:p.i]
			p.i++
			if escaped {
				s = unescape(s)
			}
			return s, true
		case '\\':
			escaped = true
			p.i++
		}
	}
	p.i = len(p.text)
	s = p.text[start:]
	if escaped {
		s = unescape(s)
	}
	return s, false
}

// literal reads a number, true, false, null, or whatever a careless writer put there.
func (p *lax) literal() string {
	start := p.i
	for ; p.i < len(p.text); p.i++ {
		switch p.text[p.i] {
		case ',', ']', '}', '"', ' ', '\t', '\r', '\n', ':', '{', '[':
			return p.text[start:p.i]
		}
	}
	return p.text[start:]
}

// skip reads past one value, whatever its depth, without looking at it. ok is false if
// it breaks off.
func (p *lax) skip() (ok bool) {
	depth := 0
	for {
		switch c := p.peek(); {
		case p.i == len(p.text):
			return false
		case c == '"':
			if _, ok := p.str(); !ok {
				return false
			}
		case c == '{' || c == '[':
			p.i++
			depth++
			continue
		case c == '}' || c == ']':
			p.i++
			depth--
		case c == ',' || c == ':':
			p.i++
			continue
		default:
			if p.literal() == "" {
				p.i++
			}
		}
		if depth <= 0 {
			return depth == 0
		}
	}
}

// object calls each for every member of the object that is next, with the reader before the value,
// which each must read. whole is false if the object breaks off, or if each returned false for a
// value that does.
func (p *lax) object(each func(name string) bool) (whole bool) {
	if !p.take('{') {
		return false
	}
	for first := true; ; first = false {
		comma := !first && p.take(',')
		switch {
		case p.take('}'):
			return true
		case !first && !comma:
			return false
		}
		if p.peek() != '"' {
			return false
		}
		name, ok := p.str()
		if !ok || !p.take(':') || !each(name) {
			return false
		}
	}
}

// atEnd reports whether nothing but white space follows.
func (p *lax) atEnd() bool { return p.peek() == 0 && p.i == len(p.text) }

// unescape undoes the escapes of a JSON string. From a sequence that is not an escape of JSON it
// drops the backslash.
func unescape(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		if r, n := escaped(s[i:]); n > 0 {
			b.WriteRune(r)
			s = s[i+n:]
			continue
		}
		b.WriteByte(s[i+1])
		s = s[i+2:]
	}
}

// escaped returns the character for the JSON escape at the beginning of s, and the length of the
// escape, 0 if there is none.
func escaped(s string) (r rune, n int) {
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	if s[1] != 'u' || len(s) < 6 {
		return 0, 0
	}
	high, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return 0, 0
	}
	if high&0xFC00 == 0xD800 && len(s) >= 12 && s[6:8] == `\u` {
		if low, err := strconv.ParseUint(s[8:12], 16, 16); err == nil && low&0xFC00 == 0xDC00 {
			return rune(0x10000 + (high&0x3FF)<<10 + low&0x3FF), 12
		}
	}
	if high&0xF800 == 0xD800 {
		return utf8.RuneError, 6
	}
	return rune(high), 6
}

// asJSON returns a value as it stands if it is valid JSON, and otherwise a JSON string with its
// text.
func asJSON(raw string) json.RawMessage {
	raw = strings.TrimSpace(raw)
	if json.Valid([]byte(raw)) {
		return json.RawMessage(raw)
	}
	quoted, _ := json.Marshal(raw) // never fails for a string
	return quoted
}
