package open

import (
	"bytes"
)

// Package seal spells the headers of the usual suites in one way, and such a header is
// known here by its bytes: to read JSON takes many times as long. Here alone do the two
// ways part: a header that differs in one byte is read as JSON, and for one that does
// not both give the same.

// literal reads a header from left to right.
type literal struct {
	rest []byte
	ok   bool
}

// skip steps over what must stand here.
func (l *literal) skip(want string) {
	if l.ok = l.ok && len(l.rest) >= len(want) && string(l.rest[:len(want)]) == want; l.ok {
		l.rest = l.rest[len(want):]
	}
}

// text steps over a text and its closing quote. It takes printable ASCII alone, which
// is spelled as it reads.
func (l *literal) text() []byte {
	end := bytes.IndexByte(l.rest, '"')
	if l.ok = l.ok && end >= 0; !l.ok {
		return nil
	}
	text := l.rest[:end:end]
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' {
			l.ok = false
		}
	}
	l.rest = l.rest[end+1:]
	return text
}

// directJWE reads the header of a JWE as package seal writes it for a key agreement,
// with nothing behind the cty but tail.
func directJWE(raw []byte, tail string) (h header, ok bool) {
	l := literal{raw, true}
	l.skip(`{"alg":"`)
	h.alg = interned(l.text())
	l.skip(`,"enc":"`)
	h.enc, h.hasEnc = interned(l.text()), true
	l.skip(`,"kid":"`)
	h.kid, h.hasKid = l.text(), true
	l.skip(`,"epk":{"kty":"`)
	h.epk.kty = interned(l.text())
	l.skip(`,"crv":"`)
	h.epk.crv = interned(l.text())
	l.skip(`,"x":"`)
	h.epk.x = l.text()
	if h.epk.kty == "EC" {
		l.skip(`,"y":"`)
		h.epk.y = l.text()
	}
	l.skip(`},"cty":"`)
	h.cty = interned(l.text())
	l.skip(tail)
	l.skip("}")
	h.tail = tail
	return h, l.ok && len(l.rest) == 0
}

// directJWS reads the header of a JWS as package seal writes it.
func directJWS(raw []byte) (h header, ok bool) {
	l := literal{raw, true}
	l.skip(`{"alg":"`)
	h.alg = interned(l.text())
	l.skip(`,"kid":"`)
	h.kid, h.hasKid = l.text(), true
	l.skip(`,"typ":"`)
	h.typ = interned(l.text())
	l.skip("}")
	return h, l.ok && len(l.rest) == 0
}

// interned is string(b) without a copy of what is in nearly every token.
func interned(b []byte) string {
	switch string(b) {
	case "ES256":
		return "ES256"
	case "EdDSA":
		return "EdDSA"
	case "ECDH-ES":
		return "ECDH-ES"
	case "ECDH-ES+A256KW":
		return "ECDH-ES+A256KW"
	case "A256GCM":
		return "A256GCM"
	case "EC":
		return "EC"
	case "P-256":
		return "P-256"
	case "OKP":
		return "OKP"
	case "X25519":
		return "X25519"
	case DefaultType:
		return DefaultType
	case DefaultSelectiveType:
		return DefaultSelectiveType
	case sealedClaims:
		return sealedClaims
	}
	return string(b)
}
