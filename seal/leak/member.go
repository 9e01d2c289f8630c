package leak

import (
	"bytes"
	"slices"
)

// A token in the JSON serialization has no dots. It is found by the name of a member before a
// long value, and then read from the beginning of its object.

// serialNames are the members of RFC 7515 section 7.2 and RFC 7516 section 7.2 with a value in
// base64url.
var serialNames = []string{"payload", "protected", "signature", "ciphertext", "encrypted_key", "iv", "tag", "aad"}

// serialized checks whether the stretch is the value of a member of a token in the JSON
// serialization. If it is, serialized adds the token to the hits and returns where the token ends
// in buf, and true. If it needs more of buf to tell, it returns a negative end and true. Else it
// returns false, and adds a hit if a limit kept it from telling.
func (s *scanner) serialized(buf []byte, st *stretch, atEnd bool) (end int, ok bool) {
	if st.start < s.quiet {
		return 0, false
	}
	near := max(0, st.start-lookBack)
	q, before := quotingBefore(buf, near, st)
	if q == nil {
		return 0, false
	}
	name, ok := memberBefore(before, *q)
	if !ok {
		return 0, false
	}
	start, ok := objectBefore(before[:name], *q)
	if start += near; !ok {
		s.unreached(st, near)
		return 0, false
	}
	if start == s.object {
		return 0, false // an earlier member has shown that this object is not a token
	}
	length, whole := objectLength(buf[start:], *q)
	end = start + length
	s.parsed += int64(length)
	if !whole && end == len(buf) && !atEnd {
		if len(buf)-start <= s.most {
			return -1, true
		}
		// Any long JSON may begin with a member of such a name. A token does if its members say so
		// already, or if claims begin here.
		if beginsObject(st.text) || isSerialized(string(q.unescape(buf[start:end]))) {
			s.hits = append(s.hits, hit{start: start, end: end, limit: LimitLength})
		}
		s.quiet = end
		return 0, false
	}
	token := q.unescape(buf[start:end])
	if !isSerialized(string(token)) {
		s.passed(start, end)
		return 0, false
	}
	s.hits = append(s.hits, hit{start: start, end: end, token: string(token)})
	return end, true
}

// passed notes an object that is not a token. A token may stand in it, so the scanner looks at the
// members of its inner objects too. It stops when it has read maxPasses times the length of the
// outermost object, so that the time stays linear.
func (s *scanner) passed(start, end int) {
	if start >= s.outerEnd {
		s.outer, s.spent = start, 0
	}
	s.object, s.outerEnd = start, max(s.outerEnd, end)
	if s.spent += end - start; s.spent > maxPasses*(s.outerEnd-s.outer) {
		s.hits = append(s.hits, hit{start: start, end: s.outerEnd, limit: LimitObjects})
		s.quiet = s.outerEnd
	}
}

// unreached adds a hit with LimitBefore if a stretch is the beginning of an object in base64url, as
// a payload or a header is, but the object around it does not begin within lookBack bytes before
// it.
func (s *scanner) unreached(st *stretch, near int) {
	if st.start-near < lookBack {
		return // the text begins there
	}
	if beginsObject(st.text) {
		s.hits = append(s.hits, hit{start: st.start, end: st.end, limit: LimitBefore})
	}
}

// memberBefore reports whether a text ends with the name of a member that a token has and with the
// opening quotation mark of its value, and returns where the quoted name begins.
func memberBefore(before []byte, q quoting) (start int, ok bool) {
	b, ok := trimColon(bytes.TrimSuffix(before, []byte(q.quote)))
	if !ok {
		return 0, false
	}
	if b, ok = bytes.CutSuffix(b, []byte(q.quote)); !ok {
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

// objectBefore returns where the outermost object of a token begins: the object that is open at
// the end of before, which is in no string, or, if that is one of signatures or recipients, the
// one around it.
func objectBefore(before []byte, q quoting) (start int, ok bool) {
	depth, inString, inList := 0, false, false
	for i := len(before) - 1; i >= 0; i-- {
		b := before[i:]
		switch {
		case before[i] == '\n' && inString:
			return start, ok // a string does not go on in the next line
		case q.quote == doubled && before[i] == '"':
			run := len(before[:i+1]) - len(bytes.TrimRight(before[:i+1], `"`))
			if i -= run - 1; run%2 != 0 {
				return start, ok // the field begins
			}
			if isEscaped := q.isEscaped(before[:i]); (run/2)%2 != 0 != isEscaped {
				inString = !inString
			}
		case q.quotes(before, i):
			inString = !inString
		case q.quote != `"` && before[i] == '"' && (i == 0 || before[i-1] != '\\'):
			return start, ok // here begins the string that holds the token
		case inString:
		case q.shuts(b):
			depth++
		case !q.opens(b):
		case depth > 0:
			depth--
		case bytes.HasPrefix(b, []byte(q.open)):
			if ok && !inList {
				return start, true // the object at start is the value of a member
			}
			if start, ok = i, true; inList {
				return start, true
			}
		case !ok || !namesList(before[:i], q):
			return start, ok
		default:
			inList = true
		}
	}
	return start, ok
}

// namesList reports whether a text ends with the name of signatures or recipients.
func namesList(before []byte, q quoting) bool {
	b, ok := trimColon(before)
	return ok && (bytes.HasSuffix(b, []byte("signatures"+q.quote)) || bytes.HasSuffix(b, []byte("recipients"+q.quote)))
}

// objectLength returns how long the object is that b begins with. The object is not whole if b ends
// first, if a line ends in one of its strings, or if the string around it ends.
func objectLength(b []byte, q quoting) (length int, whole bool) {
	depth, inString := 0, false
	quote, open, shut, escape := []byte(q.quote), []byte(q.open), []byte(q.shut), []byte(q.escape)
	for i := 0; i < len(b); i++ {
		switch rest := b[i:]; {
		case bytes.HasPrefix(rest, quote):
			inString = !inString
			i += len(quote) - 1
		case b[i] == '\n' && inString:
			return i, false
		case inString && bytes.HasPrefix(rest, escape):
			i += len(escape) - 1
			for _, next := range [][]byte{escape, quote} {
				if bytes.HasPrefix(b[i+1:], next) {
					i += len(next)
					break
				}
			}
		case q.quote != `"` && b[i] == '"':
			return i, false // here ends the string that holds the token
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

// isSerialized reports whether a JSON text has what makes it a token.
func isSerialized(text string) bool {
	var has serialNamesSeen
	p := lax{text: text}
	p.object(func(name string) bool {
		has.note(name, p.peek())
		return p.skip()
	})
	return has.token()
}

// serialNamesSeen is the set of members of the JSON serialization that an object has.
type serialNamesSeen uint16

const signatures = 15 // the bit of the list; the others are indices of serialNames

// note notes a member whose value begins with c.
func (s *serialNamesSeen) note(name string, c byte) {
	if c == '[' && name == "signatures" {
		*s |= 1 << signatures
	}
	if c != '"' {
		return
	}
	for i, known := range serialNames {
		if name == known {
			*s |= 1 << i
		}
	}
}

func (s serialNamesSeen) has(name string) bool { return s&(1<<slices.Index(serialNames, name)) != 0 }

// token reports whether the members make an object a token: a payload with a signature, with
// signatures or with a protected header, or a ciphertext with an iv, a tag or a protected header.
func (s serialNamesSeen) token() bool {
	signed := s&(1<<signatures) != 0 || s.has("signature") || s.has("protected")
	return s.has("payload") && signed || s.has("ciphertext") && (s.has("iv") || s.has("tag") || s.has("protected"))
}
