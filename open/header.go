package open

import (
	"bytes"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// header is a protected header of either layer.
type header struct {
	members       strict.Object
	alg, kid, typ string
	hasKid        bool
}

// refusedMembers: extensions that we would have to understand (crit), that make
// bombs (zip), that change what is signed (b64, RFC 7797 section 7), and keys that a
// stranger brings along (jwk, jku, x5u). All others that we do not know are
// ignored, as RFC 7515 and RFC 7516 section 4 demand.
var refusedMembers = []string{"crit", "zip", "b64", "jwk", "jku", "x5u"}

func parseHeader(part string) (header, error) {
	// Before it is decoded: a header is what a stranger makes us read first.
	if len(part) > maxHeader/3*4+3 {
		return header{}, refuse(ErrMalformed, "a header of %d characters, and %d bytes are allowed", len(part), maxHeader)
	}
	raw, err := strict.DecodeBase64URL(part)
	if err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	if len(raw) > maxHeader {
		return header{}, refuse(ErrMalformed, "a header of %d bytes, and %d are allowed", len(raw), maxHeader)
	}
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
	if h.alg, hasAlg, err = members.Text("alg"); err != nil || !hasAlg {
		return header{}, refuse(ErrMalformed, "a header lacks alg, or has one that is no string")
	}
	if h.kid, h.hasKid, err = members.Text("kid"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	if h.typ, _, err = members.Text("typ"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	return h, nil
}

// jwe is a compact JWE, not yet decrypted (RFC 7516 section 7.1).
type jwe struct {
	header                            header
	parts                             []string
	content                           keys.Content
	encryptedKey, iv, ciphertext, tag []byte
}

// parseJWE reads a compact JWE with this cty.
func parseJWE(token, cty string) (*jwe, error) {
	j, err := parseEnvelope(token)
	if err != nil {
		return nil, err
	}
	if err := j.decode(); err != nil {
		return nil, err
	}
	return j, j.checkType(cty)
}

// parseEnvelope reads the header alone, which says whom a JWE is for.
func parseEnvelope(token string) (*jwe, error) {
	if n := 1 + strings.Count(token, "."); n != 5 {
		return nil, refuse(ErrMalformed, "it has %d parts, and a JWE has 5", n)
	}
	j := &jwe{parts: strings.Split(token, ".")}
	var err error
	if j.header, err = parseHeader(j.parts[0]); err != nil {
		return nil, err
	}
	return j, nil
}

func (j *jwe) checkType(cty string) error {
	found, _, err := j.header.members.Text("cty")
	if err != nil {
		return refuse(ErrMalformed, "a header: %v", err)
	}
	if !strict.SameMediaType(found, cty) {
		return refuse(ErrType, "the cty of a JWE is %s, and %s is expected", quote(found), cty)
	}
	return nil
}

// decode reads the other parts.
func (j *jwe) decode() (err error) {
	for i, dst := range []*[]byte{&j.encryptedKey, &j.iv, &j.ciphertext, &j.tag} {
		if *dst, err = strict.DecodeBase64URL(j.parts[i+1]); err != nil {
			return refuse(ErrMalformed, "part %d of a JWE: %v", i+2, err)
		}
	}
	enc, ok, err := j.header.members.Text("enc")
	if err != nil || !ok {
		return refuse(ErrMalformed, "the header of a JWE lacks enc, or has one that is no string")
	}
	if j.content, err = keys.ParseContent(enc); err != nil {
		return refuse(ErrAlgorithm, "enc is %s, which is not offered", quote(enc))
	}
	// Lengths exactly: octets that wander between ciphertext and an over-long
	// tag would make two texts of one token.
	if len(j.iv) != j.content.IVSize() || len(j.tag) != j.content.TagSize() {
		return refuse(ErrMalformed, "an initialization vector of %d bytes and a tag of %d, and %v has %d and %d",
			len(j.iv), len(j.tag), j.content, j.content.IVSize(), j.content.TagSize())
	}
	return nil
}

// jws is a compact JWS, decoded and not yet verified (RFC 7515 section 7.1).
type jws struct {
	header             header
	input              []byte // the first two parts as they stand, which are signed
	payload, signature []byte
}

func parseJWS(compact []byte, typ string) (*jws, error) {
	// Claims that are encrypted and not signed come from anybody who has our
	// public key (CVE-2026-29000); a JWE inside a JWE would be a third layer.
	if n := 1 + bytes.Count(compact, []byte(".")); n != 3 {
		return nil, refuse(ErrMalformed, "%d parts where a signed token of 3 is expected", n)
	}
	parts := bytes.Split(compact, []byte("."))
	h, err := parseHeader(string(parts[0]))
	if err != nil {
		return nil, err
	}
	s := &jws{header: h, input: compact[:len(parts[0])+1+len(parts[1])]}
	if s.payload, err = strict.DecodeBase64URLBytes(parts[1]); err != nil {
		return nil, refuse(ErrMalformed, "the payload: %v", err)
	}
	if s.signature, err = strict.DecodeBase64URLBytes(parts[2]); err != nil {
		return nil, refuse(ErrMalformed, "the signature: %v", err)
	}
	if _, nested := h.members.Raw("cty"); nested {
		return nil, refuse(ErrType, "the signed token has a cty: it holds another token")
	}
	if !strict.SameMediaType(h.typ, typ) {
		return nil, refuse(ErrType, "typ is %s, and %s is expected", quote(h.typ), typ)
	}
	return s, nil
}
