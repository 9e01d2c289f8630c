package open

import (
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Package seal spells the headers of the usual suites in one way, and such a header is
// recognized here by its bytes: to read JSON takes many times as long. This is only a
// fast path. A header that differs in a single byte goes to the JSON parser, and for one
// that matches both return the same (TestDirect). Without it a selective token with 16
// recipients takes 28 % longer to open, and a nested one of 512 bytes makes 42
// allocations and not 29 (testdata/peers, TestCompare).

// directJWE reads the header of a JWE as package seal writes it for a key agreement. Only
// tail may stand behind the cty.
func directJWE(raw []byte, tail string) (h header, ok bool) {
	encryption, rest, ok := keys.CutHeader(raw)
	if !ok {
		return header{}, false
	}
	h.encryption, h.alg, h.kid, h.hasKid = encryption, encryption.Alg, encryption.KeyID, true
	l := strict.Literal{Rest: rest, OK: true}
	l.Skip(`,"cty":"`)
	h.cty, h.hasCty = interned(l.Text()), true
	l.Skip(tail)
	l.Skip("}")
	h.tail = tail
	return h, l.OK && len(l.Rest) == 0
}

// directJWS reads the header of a JWS as package seal writes it.
func directJWS(raw []byte) (h header, ok bool) {
	l := strict.Literal{Rest: raw, OK: true}
	l.Skip(`{"alg":"`)
	h.alg = interned(l.Text())
	l.Skip(`,"kid":"`)
	h.kid, h.hasKid = l.Text(), true
	l.Skip(`,"typ":"`)
	h.typ, h.hasTyp = interned(l.Text()), true
	l.Skip("}")
	return h, l.OK && len(l.Rest) == 0
}

// interned returns string(b), without a copy for the texts that nearly every token has.
func interned(b []byte) string {
	switch string(b) {
	case "ES256":
		return "ES256"
	case "EdDSA":
		return "EdDSA"
	case DefaultType:
		return DefaultType
	case DefaultSelectiveType:
		return DefaultSelectiveType
	case sealedClaims:
		return sealedClaims
	}
	return string(b)
}
