package open

import (
	"bytes"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// header is a protected header of either layer. The JSON parser fills members, and the
// fast path of direct.go does not.
type header struct {
	alg, typ, cty string
	kid           []byte
	hasKid        bool
	encryption    keys.Header // of a JWE

	members strict.Object
	tail    string // when direct.go has read the header, its text behind the cty
}

// refusedMembers: extensions that we would have to understand (crit), that make
// bombs (zip), that change what is signed (b64, RFC 7797 section 7), and keys that a
// stranger brings along (jwk, jku, x5u). All others that we do not know are
// ignored, as RFC 7515 and RFC 7516 section 4 demand.
var refusedMembers = []string{"crit", "zip", "b64", "jwk", "jku", "x5u"}

// decodeHeader decodes the first part of either layer.
func decodeHeader[T string | []byte](m *scratch, part T) ([]byte, error) {
	// Before it is decoded: a header is what a stranger makes us read first.
	if len(part) > maxHeader/3*4+3 {
		return nil, refuse(ErrMalformed, "a header of %d characters, and %d bytes are allowed", len(part), maxHeader)
	}
	raw, err := decodePart(m, part)
	if err != nil {
		return nil, refuse(ErrMalformed, "a header: %v", err)
	}
	if len(raw) > maxHeader {
		return nil, refuse(ErrMalformed, "a header of %d bytes, and %d are allowed", len(raw), maxHeader)
	}
	return raw, nil
}

// parseHeader reads a header as JSON.
func parseHeader(raw []byte) (header, error) {
	members, err := strict.ParseObject(raw)
	if err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	for _, name := range refusedMembers {
		if _, ok := members.Raw(name); ok {
			return header{}, refuse(ErrMalformed, "a header has %s, which is never taken", name)
		}
	}
	h := header{members: members}
	var hasAlg bool
	if h.alg, hasAlg, err = internedText(members, "alg"); err != nil || !hasAlg {
		return header{}, refuse(ErrMalformed, "a header lacks alg, or has one that is no string")
	}
	if h.kid, h.hasKid, err = members.TextBytes("kid"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	if h.typ, _, err = internedText(members, "typ"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	return h, nil
}

// internedText returns a member whose value is one of few texts in nearly every token.
func internedText(o strict.Object, name string) (s string, ok bool, err error) {
	b, ok, err := o.TextBytes(name)
	return interned(b), ok, err
}

// parseJWEHeader reads the header of a JWE as JSON.
func parseJWEHeader(raw []byte) (header, error) {
	h, err := parseHeader(raw)
	if err != nil {
		return header{}, err
	}
	if h.cty, _, err = internedText(h.members, "cty"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	if h.encryption, err = keys.ReadHeader(h.members); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	return h, nil
}

// jws is a compact JWS, decoded and not yet verified (RFC 7515 section 7.1).
type jws struct {
	header             header
	input              []byte // the first two parts as they stand, which are signed
	payload, signature []byte
}

func (m *scratch) parseJWS(compact []byte, typ string) (s jws, err error) {
	// Claims that are encrypted and not signed come from anybody who has our
	// public key (CVE-2026-29000); a JWE inside a JWE would be a third layer.
	if n := 1 + bytes.Count(compact, []byte(".")); n != 3 {
		return s, refuse(ErrMalformed, "%d parts where a signed token of 3 is expected", n)
	}
	first, rest, _ := bytes.Cut(compact, []byte("."))
	payload, signature, _ := bytes.Cut(rest, []byte("."))
	raw, err := decodeHeader(m, first)
	if err != nil {
		return s, err
	}
	h, direct := directJWS(raw)
	if !direct {
		h, err = parseHeader(raw)
	}
	if err != nil {
		return s, err
	}
	s.header, s.input = h, compact[:len(first)+1+len(payload)]
	// The payload stays with the token, and is the one part that is not in the scratch.
	if s.payload, err = strict.DecodeBase64URL(payload); err != nil {
		return s, refuse(ErrMalformed, "the payload: %v", err)
	}
	if s.signature, err = decodePart(m, signature); err != nil {
		return s, refuse(ErrMalformed, "the signature: %v", err)
	}
	if _, nested := h.members.Raw("cty"); nested {
		return s, refuse(ErrType, "the signed token has a cty: it holds another token")
	}
	if !strict.SameMediaType(h.typ, typ) {
		return s, refuse(ErrType, "typ is %s, and %s is expected", quote(h.typ), typ)
	}
	return s, nil
}

// jwe is a compact JWE, not yet decrypted (RFC 7516 section 7.1).
type jwe struct {
	header
	memory  *scratch
	parts   [5]string
	decoded [4][]byte // parts 2 to 5, the last three one behind the other
}

// parseJWE reads a compact JWE with this cty.
func (m *scratch) parseJWE(token, cty string) (jwe, error) {
	j, err := m.parseEnvelope(token, "")
	if err != nil {
		return j, err
	}
	if err := j.decode(); err != nil {
		return j, err
	}
	return j, j.checkType(cty)
}

// parseEnvelope reads the header alone, which says whom a JWE is for. One of ours ends,
// behind its cty, with tail.
func (m *scratch) parseEnvelope(token, tail string) (j jwe, err error) {
	if n := 1 + strings.Count(token, "."); n != len(j.parts) {
		return j, refuse(ErrMalformed, "it has %d parts, and a JWE has 5", n)
	}
	for i := range j.parts {
		j.parts[i], token, _ = strings.Cut(token, ".")
	}
	raw, err := decodeHeader(m, j.parts[0])
	if err != nil {
		return j, err
	}
	j.memory = m
	var direct bool
	if j.header, direct = directJWE(raw, tail); !direct {
		j.header, err = parseJWEHeader(raw)
	}
	return j, err
}

func (j *jwe) checkType(cty string) error {
	if !strict.SameMediaType(j.cty, cty) {
		return refuse(ErrType, "the cty of a JWE is %s, and %s is expected", quote(j.cty), cty)
	}
	return nil
}

// decode decodes the parts behind the header.
func (j *jwe) decode() error {
	m := j.memory
	var ends [5]int
	ends[0] = len(m.decoded)
	for i, part := range j.parts[1:] {
		if _, err := decodePart(m, part); err != nil {
			return refuse(ErrMalformed, "part %d of a JWE: %v", i+2, err)
		}
		ends[i+1] = len(m.decoded)
	}
	for i := range j.decoded {
		j.decoded[i] = m.decoded[ends[i]:ends[i+1]]
	}
	return nil
}

// looksLike reports whether a text is a token of so many parts with a header to match:
// three parts are a JWS, and five a JWE, whose header has enc. It serves the error that a
// token of the other form gets.
func (m *scratch) looksLike(token string, parts int) bool {
	if 1+strings.Count(token, ".") != parts {
		return false
	}
	first, _, _ := strings.Cut(token, ".")
	raw, err := decodeHeader(m, first)
	m.decoded = m.decoded[:0]
	if err != nil {
		return false
	}
	members, err := strict.ParseObject(raw)
	_, hasAlg := members.Raw("alg")
	_, hasEnc := members.Raw("enc")
	return err == nil && hasAlg && hasEnc == (parts == 5)
}
