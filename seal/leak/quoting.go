package leak

import (
	"bytes"
	"strings"
)

// quoting is how the quotation marks and braces of JSON are spelled in a text.
type quoting struct {
	quote, open, shut, escape string
	unescape                  func([]byte) []byte
}

// inSmallLetters is the index in quotings of percent-encoding in small letters.
const inSmallLetters = 1

var quotings = []quoting{
	{"%22", "%7B", "%7D", "%5C", percentDecoded},
	{"%22", "%7b", "%7d", "%5c", percentDecoded},
	{`"`, "{", "}", `\`, func(b []byte) []byte { return b }},
	{`\"`, "{", "}", `\\`, jsonDecoded},
	{`\u0022`, "{", "}", `\\`, jsonDecoded},
	{doubled, "{", "}", `\`, undoQuotes(doubled)},
	{`'`, "{", "}", `\`, pythonDecoded},
	{"&quot;", "{", "}", `\`, undoQuotes("&quot;")},
	{"&#34;", "{", "}", `\`, undoQuotes("&#34;")},
	{"&#x22;", "{", "}", `\`, undoQuotes("&#x22;")},
}

// doubled is the quotation mark in a field of CSV, RFC 4180 section 2.
const doubled = `""`

// quotingBefore returns how a value is quoted, and the text before the value, quotation mark
// included; nil if the value is not quoted.
func quotingBefore(buf []byte, near int, st *stretch) (q *quoting, before []byte) {
	before = buf[near:st.start]
	if len(before) == 0 || bytes.IndexByte([]byte("\"'%\\;"), before[len(before)-1]) < 0 {
		return nil, nil // most values in a log are not quoted
	}
	for _, cut := range []string{"%22", `\u0022`} { // all but the first character are digits too
		if bytes.HasSuffix(before, []byte(cut[:1])) && bytes.HasPrefix(st.text, []byte(cut[1:])) {
			before = buf[near : st.start+len(cut)-1]
			break
		}
	}
	for i := range quotings {
		if bytes.HasSuffix(before, []byte(quotings[i].quote)) && (q == nil || len(quotings[i].quote) > len(q.quote)) {
			q = &quotings[i]
		}
	}
	if q != nil && q.quote == "%22" && bytes.Contains(before, []byte("%7b")) {
		q = &quotings[inSmallLetters]
	}
	return q, before
}

func undoQuotes(entity string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(entity), []byte(`"`)) }
}

func jsonDecoded(b []byte) []byte { return []byte(unescape(string(b))) }

// pythonDecoded returns the text of a dict of Python as JSON. Python writes a string with an apostrophe
// in it between other quotation marks, and such a dict is not decoded.
func pythonDecoded(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\'':
			out = append(out, '"')
		case b[i] == '\\' && i+1 < len(b) && b[i+1] == '\'':
			out = append(out, '\'')
			i++
		case b[i] == '\\' && i+1 < len(b):
			out = append(out, b[i], b[i+1])
			i++
		default:
			out = append(out, b[i])
		}
	}
	return out
}

// trimSpace drops white space at the end, also as a form, a URL or a string of JSON spells it.
func trimSpace(b []byte) []byte {
	for {
		t := bytes.TrimRight(b, " \t\r\n+")
		for _, space := range []string{"%20", "%0A", "%0D", "%09", "%0a", "%0d", `\n`, `\r`, `\t`} {
			t = bytes.TrimSuffix(t, []byte(space))
		}
		if len(t) == len(b) {
			return b
		}
		b = t
	}
}

// quotes reports whether a quotation mark stands at i, with no escape before it.
func (q quoting) quotes(b []byte, i int) bool {
	if !bytes.HasPrefix(b[i:], []byte(q.quote)) {
		return false
	}
	return !q.isEscaped(b[:i])
}

// isEscaped reports whether b ends with an escape for what follows.
func (q quoting) isEscaped(b []byte) (is bool) {
	for ; bytes.HasSuffix(b, []byte(q.escape)); b = b[:len(b)-len(q.escape)] {
		is = !is
	}
	return is
}

// opens and shuts report whether an object or an array begins or ends with the first byte of b.
func (q quoting) opens(b []byte) bool {
	return bytes.HasPrefix(b, []byte(q.open)) || b[0] == '[' || q.quote == "%22" && hasFolded(b, "%5B")
}

func (q quoting) shuts(b []byte) bool {
	return bytes.HasPrefix(b, []byte(q.shut)) || b[0] == ']' || q.quote == "%22" && hasFolded(b, "%5D")
}

// hasFolded reports whether b begins with an escape, in capitals or not.
func hasFolded(b []byte, escape string) bool {
	return len(b) >= len(escape) && strings.EqualFold(string(b[:len(escape)]), escape)
}

// trimColon drops white space at the end of b, then a colon and the white space before the colon.
// ok reports whether there was a colon.
func trimColon(b []byte) (rest []byte, ok bool) {
	b = trimSpace(b)
	for _, colon := range []string{":", "%3A", "%3a"} {
		if rest, ok := bytes.CutSuffix(b, []byte(colon)); ok {
			return trimSpace(rest), true
		}
	}
	return b, false
}

// percentDecoded undoes percent-encoding (RFC 3986 section 2.1), and the + of forms between the
// strings of JSON: in a string it may be a digit of Base64.
func percentDecoded(b []byte) []byte {
	const hex = "0123456789abcdefABCDEF"
	out := make([]byte, 0, len(b))
	inString, isEscaped := false, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '%' && i+2 < len(b) && strings.IndexByte(hex, b[i+1]) >= 0 && strings.IndexByte(hex, b[i+2]) >= 0:
			c = unhex(b[i+1])<<4 | unhex(b[i+2])
			i += 2
		case c == '+' && !inString:
			c = ' '
		}
		if c == '"' && !isEscaped {
			inString = !inString
		}
		isEscaped = inString && c == '\\' && !isEscaped
		out = append(out, c)
	}
	return out
}
