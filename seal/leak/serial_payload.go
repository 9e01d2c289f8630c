package leak

import "strings"

// payload is the member payload of a token in the JSON serialization.
type payload struct{ text, spelled string }

// readPayloads reads the payloads, and adds up their contents.
func (s *serial) readPayloads() {
	var texts []string
	claims, binary := 0, false
	for _, p := range s.payloads {
		s.readPayload(p)
		if s.l.HasClaims {
			claims++
		}
		if s.l.Text != "" {
			texts = append(texts, s.l.Text)
		}
		binary = binary || s.l.Binary
		s.l.HasClaims, s.l.Text, s.l.Binary = false, "", false
	}
	s.l.Text, s.l.Binary = strings.Join(texts, "\n"), binary
	s.l.HasClaims = claims > 0 && texts == nil && !binary
}

// readPayload reads one payload. A careless reader takes a payload that is not in Base64 as it is
// written, and RFC 7797 lets a header say that it is.
func (s *serial) readPayload(p payload) {
	b, how := decode(nil, p.text)
	inBase64 := isBase64(p.text)
	raw := !inBase64 && p.text != "" && (s.unencoded || !beginsObject([]byte(p.text)))
	if raw {
		b = []byte(p.text)
		how.loose = how.loose && !s.unencoded
	}
	s.l.spelled(s.r, "its payload", how)
	s.l.size(s.r, "payload", len(b))
	before, holds := len(s.l.Personal), s.l.HoldsToken
	s.l.HoldsToken = false
	s.r.readPayload(s.l, b)
	told := raw && (s.l.HasClaims || s.l.HoldsToken || len(s.l.Personal) > before)
	s.l.HoldsToken = s.l.HoldsToken || holds
	if !told && !(inBase64 && isReadable(b)) {
		s.written("payload", p.spelled)
	}
}

// isBase64 reports whether a text is Base64 from its first to its last character, and is not a
// number, such as a card number.
func isBase64(text string) bool {
	text = strings.TrimRight(text, "=")
	letters := false
	for i := range len(text) {
		if digits[text[i]] == noDigit {
			return false
		}
		letters = letters || text[i] > '9'
	}
	return letters
}

// isReadable reports whether decoded bytes are a text, such as an object. Other bytes show that the
// member was not Base64.
func isReadable(b []byte) bool {
	text, fault, ok := asText(b)
	return ok && fault != faultLatin1 && !isBinary([]byte(text))
}
