package leak

import (
	"encoding/json"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// readJSON takes a token in the JSON serialization apart (RFC 7515 section 7.2, RFC 7516 section
// 7.2), general or flattened, and cut off too. Members that the RFCs do not know count
// as headers: they are read all the same.
func (r *reading) readJSON(l *Layer, text string) {
	l.Form, l.JSON = JWS, true
	l.fault(r, "it is in the JSON serialization, and only the compact one is taken: parts with dots between them")
	s := serial{r: r, l: l}
	p := lax{text: text}
	if !s.object(&p) {
		l.CutOff = BeforeSignature
	}
	s.readPayloads()
	if name := s.jwk.private(); name != "" {
		s.privateKey(name)
	}
	if s.disclosures != nil {
		l.fault(r, faultSD)
		r.readDisclosures(l, s.disclosures)
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

	payloads    []payload // of which careless readers take one or another
	disclosures []string  // RFC 9901 section 8
	encrypted   bool
	unencoded   bool // the payload, since a header says b64
	recipients  int
	signatures  int
	jwk         key // of members that are not of a token
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
			s.discloses(p.text[start:p.i])
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

// discloses notes the disclosures in an unprotected header. The token beside them, which binds them
// to a key, was found with the other members of the header.
func (s *serial) discloses(header string) {
	p := lax{text: header}
	p.object(func(name string) bool {
		if name != "disclosures" || !p.take('[') {
			return p.skip()
		}
		for i := 0; !p.take(']'); i++ {
			if i > 0 && !p.take(',') {
				return false
			}
			ok := false
			if text := ""; p.peek() == '"' {
				text, ok = p.str()
				s.disclosures = append(s.disclosures, text)
			} else {
				ok = p.skip()
			}
			if !ok {
				return false
			}
		}
		return true
	})
}

// text reads a member that is a string.
func (s *serial) text(name, text, spelled string) {
	switch name {
	case "payload":
		s.payloads = append(s.payloads, payload{text, spelled})
	case "protected":
		s.protected(text, spelled)
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
		if b, _ := decode(nil, text); isBase64(text) && isReadable(b) {
			s.foreign(name, quoted(string(b)))
			return
		}
		s.foreign(name, spelled)
	default:
		s.jwk.note(name, text)
		s.foreign(name, spelled)
	}
}

func (s *serial) protected(text, spelled string) {
	b, how := decode(nil, text)
	s.l.spelled(s.r, "its protected header", how)
	s.l.size(s.r, "header", len(b))
	before := len(s.l.Header)
	s.r.readHeader(s.l, b)
	switch {
	case !isBase64(text) || !isReadable(b):
		s.written("protected", spelled)
	case len(s.l.Header) == before:
		s.foreign("protected", quoted(string(b))) // it is not an object, and may hold anything
	}
	if o, err := strict.ParseObject(b); err == nil {
		_, s.unencoded = o.Raw("b64")
	}
}

// size notes the length of a member. A value with characters that Base64 does not have is also read
// as a text.
func (s *serial) size(name, text, spelled string) {
	b, how := decode(nil, text)
	if text == "" || isBase64(text) {
		s.written(name, spelled)
	} else {
		s.foreign(name, spelled)
	}
	s.l.spelled(s.r, "its "+strings.ReplaceAll(name, "_", " "), how)
	s.l.size(s.r, name, len(b))
}

// header reads an unprotected header.
func (s *serial) header(text string) {
	s.r.members(&s.l.Header, s.l.Where+" header", true, text)
}

// foreign reads a member that is not part of the serialization, or that has a wrong type.
func (s *serial) foreign(name, value string) {
	s.header("{" + quoted(name) + ":" + value + "}")
}

// written judges a member of the serialization as it is written. It may be a claim of that name in
// an object that only looks like a token. The member is kept if there is something to tell of it.
func (s *serial) written(name, spelled string) {
	before := len(s.l.Header)
	s.foreign(name, spelled)
	if n := len(s.l.Header); n > before && len(s.l.Header[n-1].Personal) == 0 && !s.l.Header[n-1].HoldsToken {
		s.l.Header = s.l.Header[:before]
	}
}

// privateKey notes that members which are not of a token are a private key.
func (s *serial) privateKey(name string) {
	var top pii.Place
	for i := range s.l.Header {
		if m := &s.l.Header[i]; m.Name == name {
			at, _, _ := top.Member(name)
			s.r.found(&m.Personal, at.Finding(pii.PrivateKey))
			return
		}
	}
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // never fails for a string
	return string(b)
}
