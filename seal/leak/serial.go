package leak

import (
	"encoding/json"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// readJSON takes a token in the JSON serialization apart (RFC 7515 section 7.2, RFC 7516 section
// 7.2), general or flattened, and cut off too. Members that the RFCs do not know count
// as headers: they are read all the same.
func (r *reading) readJSON(l *Layer, text string) {
	l.Form, l.JSON = JWS, true
	l.Faults = append(l.Faults, "it is in the JSON serialization, and only the compact one is taken: parts with dots between them")
	s := serial{r: r, l: l}
	p := lax{text: text}
	if !s.object(&p) {
		l.CutOff = BeforeSignature
	}
	for _, payload := range s.payloads {
		s.readPayload(payload)
	}
	if s.encrypted {
		l.Form, l.CutOff, l.SealedTo = JWE, Whole, max(1, s.recipients)
		return
	}
	if s.signatures == 0 && l.CutOff == Whole {
		l.CutOff = BeforeSignature
	}
}

// serial is what a JSON serialization has besides its headers.
type serial struct {
	r *reading
	l *Layer

	payloads   []string // of which careless readers take one or another
	encrypted  bool
	unencoded  bool // the payload, since a header says b64
	recipients int
	signatures int
}

// readPayload reads a payload, and adds its content to the content of the payloads before.
func (s *serial) readPayload(payload string) {
	b, how := decode(nil, payload)
	if how == (spelling{loose: true}) && s.unencoded {
		b = []byte(payload) // RFC 7797
		how.loose = false
	}
	s.l.spelled("its payload", how)
	s.l.Sizes = append(s.l.Sizes, Size{"payload", len(b)})
	before := *s.l
	s.l.Claims, s.l.Text, s.l.Personal = nil, "", nil
	s.r.readPayload(s.l, b)
	if len(s.payloads) == 1 {
		return
	}
	s.l.HasClaims = s.l.HasClaims && (before.HasClaims || before.Text == "" && !before.Binary)
	s.l.Claims = append(before.Claims, s.l.Claims...)
	s.l.Text = strings.TrimPrefix(before.Text+"\n"+s.l.Text, "\n")
	s.l.Personal = append(before.Personal, s.l.Personal...)
	s.l.Binary = s.l.Binary || before.Binary
	s.l.HoldsToken = s.l.HoldsToken || before.HoldsToken
	s.l.SealedTo += before.SealedTo
}

// object reads the object, or one of those in signatures or recipients.
func (s *serial) object(p *lax) (whole bool) {
	return p.object(func(name string) bool {
		p.peek()
		start := p.i
		switch name {
		case "signatures", "recipients":
			return s.list(name, p)
		case "header", "unprotected":
			if p.peek() != '{' {
				break
			}
			ok := p.skip()
			s.header(p.text[start:p.i])
			return ok
		}
		if p.peek() != '"' {
			ok := p.skip()
			s.foreign(name, p.text[start:p.i])
			return ok
		}
		text, ok := p.str()
		s.text(name, text, p.text[start:p.i])
		return ok
	})
}

func (s *serial) list(name string, p *lax) (whole bool) {
	if !p.take('[') {
		start := p.i
		ok := p.skip()
		s.foreign(name, p.text[start:p.i])
		return ok
	}
	for i := 0; !p.take(']'); i++ {
		if i > 0 && !p.take(',') {
			return false
		}
		if name == "recipients" {
			s.recipients++
		}
		if p.peek() == '{' {
			if !s.object(p) {
				return false
			}
			continue
		}
		start := p.i
		ok := p.skip()
		if s.foreign(name, p.text[start:p.i]); !ok {
			return false
		}
	}
	return true
}

// text reads a member that is a string.
func (s *serial) text(name, text, spelled string) {
	switch name {
	case "payload":
		s.payloads = append(s.payloads, text)
	case "protected":
		b, how := decode(nil, text)
		s.l.spelled("its protected header", how)
		s.l.Sizes = append(s.l.Sizes, Size{"header", len(b)})
		before := len(s.l.Header)
		if s.r.readHeader(s.l, b); len(s.l.Header) == before {
			quoted, _ := json.Marshal(string(b))
			s.foreign(name, string(quoted)) // it is not an object, and may hold anything
		}
		if o, err := strict.ParseObject(b); err == nil {
			_, s.unencoded = o.Raw("b64")
		}
	case "signature":
		s.signatures++
		s.size(name, text, spelled)
		s.l.Unsigned = s.l.Unsigned || text == ""
	case "ciphertext":
		s.encrypted = true
		s.size(name, text, spelled)
	case "encrypted_key", "iv", "tag":
		s.size(name, text, spelled)
	case "aad":
		b, _ := decode(nil, text)
		quoted, _ := json.Marshal(string(b))
		s.foreign(name, string(quoted))
	default:
		s.foreign(name, spelled)
	}
}

// size notes the length of a member. A value with characters that Base64 does not have is also read
// as a text.
func (s *serial) size(name, text, spelled string) {
	b, how := decode(nil, text)
	if strings.ContainsFunc(text, func(r rune) bool { return r != '=' && (r > 0x7F || digits[r] == noDigit) }) {
		s.foreign(name, spelled)
	}
	s.l.spelled("its "+strings.ReplaceAll(name, "_", " "), how)
	s.l.Sizes = append(s.l.Sizes, Size{name, len(b)})
}

// header reads an unprotected header.
func (s *serial) header(text string) {
	list, _ := s.r.members(s.l.Where+" header", true, text)
	s.l.Header = append(s.l.Header, list...)
}

// foreign reads a member that is not part of the serialization, or that has a wrong type.
func (s *serial) foreign(name, value string) {
	quoted, _ := json.Marshal(name)
	s.header("{" + string(quoted) + ":" + value + "}")
}

// sealedTo returns the number of JWEs in the claim sealed of a selective token. If the claim holds
// anything else, it is a claim like others, and the number is 0.
func sealedTo(claims []Member) int {
	n := 0
	for i := range claims {
		if claims[i].Name != "sealed" {
			continue
		}
		var items []string
		if json.Unmarshal(claims[i].Value, &items) != nil {
			return 0
		}
		for _, item := range items {
			if !isJWE(item) {
				return 0
			}
		}
		n += len(items)
	}
	return n
}

func isJWE(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != partsJWE {
		return false
	}
	header, _ := decode(nil, parts[0])
	encrypted, ok := isHeader(header)
	return ok && encrypted && tokenLength([]byte(token), len(parts[0]), true) == len(token)
}

// bind notes of each JWE in a selective token whether it names iss and jti of that token. Package
// open refuses a JWE that does not: an attacker may have moved it there from another token.
func (r *reading) bind() {
	for i := range r.u.Layers {
		outer := &r.u.Layers[i]
		if outer.Form != JWS || outer.SealedTo == 0 {
			continue
		}
		for j := i + 1; j < len(r.u.Layers); j++ {
			inner := &r.u.Layers[j]
			if inner.Form == JWE && strings.HasPrefix(inner.Where, outer.Where+" claim sealed[") {
				bound := sameText(outer.Claims, inner.Header, "iss") && sameText(outer.Claims, inner.Header, "jti")
				inner.Bound = &bound
			}
		}
	}
}

// sameText reports whether a member is there once in both lists and is the same string: absent
// never equals absent.
func sameText(a, b []Member, name string) bool {
	x, okX := only(a, name)
	y, okY := only(b, name)
	return okX && okY && x == y
}

func only(list []Member, name string) (text string, ok bool) {
	n := 0
	for i := range list {
		if list[i].Name == name {
			n++
			ok = json.Unmarshal(list[i].Value, &text) == nil && list[i].Value[0] == '"'
		}
	}
	return text, ok && n == 1
}
