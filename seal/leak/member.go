package leak

import (
	"bytes"
	"slices"
	"strings"
)

// A token in the JSON serialization has no dots. It is found by the name of a member before a
// long value, and then read from the beginning of its object.

// serialNames are the members of RFC 7515 section 7.2 and RFC 7516 section 7.2 with a value in
// base64url.
var serialNames = []string{"payload", "protected", "signature", "ciphertext", "encrypted_key", "iv", "tag", "aad"}

// quoting is how the quotation marks and braces of JSON are spelled in a text.
type quoting struct {
	quote, open, shut string
	unescape          func([]byte) []byte
}

var quotings = []quoting{
	{`"`, "{", "}", func(b []byte) []byte { return b }},
	{`\"`, "{", "}", func(b []byte) []byte { return []byte(unescape(string(b))) }},
	{"%22", "%7B", "%7D", percentDecoded},
	{"&quot;", "{", "}", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("&quot;"), []byte(`"`)) }},
}

// serialized looks whether the stretch is the value of a member of a token in the JSON
// serialization. ok says that it is; end is then where the token ends in buf, or negative if
// there has to be more of buf.
func (s *scanner) serialized(buf []byte, st *stretch, atEnd bool) (end int, ok bool) {
	if st.start < s.quiet {
		return 0, false
	}
	near := max(0, st.start-lookBack)
	before := buf[near:st.start]
	var q quoting
	switch {
	case bytes.HasSuffix(before, []byte(`\"`)):
		q = quotings[1]
	case bytes.HasSuffix(before, []byte(`"`)):
		q = quotings[0]
	case bytes.HasSuffix(before, []byte("%")) && bytes.HasPrefix(st.text, []byte("22")):
		q, before = quotings[2], buf[near:st.start+2]
	case bytes.HasSuffix(before, []byte("&quot;")):
		q = quotings[3]
	default:
		return 0, false
	}
	name, ok := memberBefore(before, q)
	if !ok {
		return 0, false
	}
	start, ok := objectBefore(before[:name], q)
	if !ok {
		return 0, false
	}
	start += near
	length, whole := objectLength(buf[start:], q)
	end = start + length
	if !whole && end == len(buf) && !atEnd {
		if len(buf)-start <= s.most {
			return -1, true
		}
		s.hits = append(s.hits, hit{start: start, end: end, limit: LimitLength})
		s.quiet = end
		return 0, false
	}
	token := q.unescape(buf[start:end])
	if !isSerialized(string(token)) {
		s.quiet = end
		return 0, false
	}
	s.hits = append(s.hits, hit{start: start, end: end, token: string(token)})
	return end, true
}

// memberBefore reports whether a text ends with the name of a member that a token has and with
// the opening quotation mark of its value, and returns where the name begins.
func memberBefore(before []byte, q quoting) (start int, ok bool) {
	b := bytes.TrimSuffix(before, []byte(q.quote))
	b = trimSpace(b)
	colon := bytes.TrimSuffix(bytes.TrimSuffix(b, []byte(":")), []byte("%3A"))
	if len(colon) == len(b) {
		return 0, false
	}
	b, ok = bytes.CutSuffix(trimSpace(colon), []byte(q.quote))
	if !ok {
		return 0, false
	}
	for _, name := range serialNames {
		if rest, ok := bytes.CutSuffix(b, []byte(name)); ok {
			rest, ok = bytes.CutSuffix(rest, []byte(q.quote))
			return len(rest), ok
		}
	}
	return 0, false
}

// trimSpace drops white space at the end, also as a form or a URL spells it.
func trimSpace(b []byte) []byte {
	for {
		t := bytes.TrimRight(b, " \t\r\n+")
		t = bytes.TrimSuffix(bytes.TrimSuffix(t, []byte("%20")), []byte(`\n`))
		if len(t) == len(b) {
			return b
		}
		b = t
	}
}

// objectBefore returns where the outermost object of a token begins: the object that is open at
// the end of before, or, if that is one of signatures or recipients, the one around it.
func objectBefore(before []byte, q quoting) (start int, ok bool) {
	depth := 0
	for i := len(before) - len(q.open); i >= 0; i-- {
		switch b := before[i:]; {
		case bytes.HasPrefix(b, []byte(q.shut)):
			depth++
		case !bytes.HasPrefix(b, []byte(q.open)):
		case depth > 0:
			depth--
		default:
			start, ok = i, true
			if !opensList(before[:i], q) {
				return start, true
			}
		}
	}
	return start, ok
}

// opensList reports whether a text ends with the beginning of signatures or recipients, and
// with elements of them before.
func opensList(before []byte, q quoting) bool {
	b := trimSpace(before)
	if bytes.HasSuffix(b, []byte(q.shut+",")) {
		return true // an element before
	}
	for _, list := range []string{"[", "%5B"} {
		if rest, ok := bytes.CutSuffix(b, []byte(list)); ok {
			rest = trimSpace(bytes.TrimSuffix(bytes.TrimSuffix(trimSpace(rest), []byte(":")), []byte("%3A")))
			return bytes.HasSuffix(rest, []byte("signatures"+q.quote)) || bytes.HasSuffix(rest, []byte("recipients"+q.quote))
		}
	}
	return false
}

// objectLength returns how long the object is that b begins with. It is not whole if b ends before
// it does, or if a line ends in one of its strings.
func objectLength(b []byte, q quoting) (length int, whole bool) {
	depth, inString := 0, false
	quote, open, shut := []byte(q.quote), []byte(q.open), []byte(q.shut)
	for i := 0; i < len(b); i++ {
		switch rest := b[i:]; {
		case bytes.HasPrefix(rest, quote):
			inString = !inString
			i += len(quote) - 1
		case b[i] == '\n' && inString:
			return i, false
		case inString && b[i] == '\\' && q.quote == `"`:
			i++
		case q.quote != `"` && b[i] == '"':
			return i, false // the string around ends
		case inString:
		case bytes.HasPrefix(rest, open):
			depth++
		case bytes.HasPrefix(rest, shut):
			if depth--; depth == 0 {
				return i + len(shut), true
			}
		}
	}
	return len(b), false
}

// isSerialized reports whether a JSON text has what makes it a token: a payload and a signature or
// a header of one, or a ciphertext.
func isSerialized(text string) bool {
	var names []string
	p := lax{text: text}
	p.object(func(name string) bool {
		if c := p.peek(); c == '"' && slices.Contains(serialNames, name) || c == '[' && name == "signatures" {
			names = append(names, name)
		}
		return p.skip()
	})
	has := func(name string) bool { return slices.Contains(names, name) }
	return has("payload") && (has("signature") || has("signatures") || has("protected")) || has("ciphertext") && (has("iv") || has("tag") || has("protected"))
}

// percentDecoded undoes percent-encoding (RFC 3986 section 2.1).
func percentDecoded(b []byte) []byte {
	const hex = "0123456789abcdefABCDEF"
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && strings.IndexByte(hex, b[i+1]) >= 0 && strings.IndexByte(hex, b[i+2]) >= 0 {
			out = append(out, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}
