package open

import (
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
	raw, err := strict.DecodeBase64URL(part)
	if err != nil || len(raw) > maxHeader {
		return header{}, ErrMalformed
	}
	members, err := strict.ParseObject(raw)
	if err != nil {
		return header{}, ErrMalformed
	}
	for _, name := range refusedMembers {
		if _, ok := members.Raw(name); ok {
			return header{}, ErrMalformed
		}
	}
	h := header{members: members}
	var hasAlg bool
	if h.alg, hasAlg, err = members.Text("alg"); err != nil || !hasAlg {
		return header{}, ErrMalformed
	}
	if h.kid, h.hasKid, err = members.Text("kid"); err != nil {
		return header{}, ErrMalformed
	}
	if h.typ, _, err = members.Text("typ"); err != nil {
		return header{}, ErrMalformed
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
	if strings.Count(token, ".") != 4 {
		return nil, ErrMalformed
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
		return ErrMalformed
	}
	if !strict.SameMediaType(found, cty) {
		return ErrType
	}
	return nil
}

// decode reads the other parts.
func (j *jwe) decode() (err error) {
	for i, dst := range []*[]byte{&j.encryptedKey, &j.iv, &j.ciphertext, &j.tag} {
		if *dst, err = strict.DecodeBase64URL(j.parts[i+1]); err != nil {
			return ErrMalformed
		}
	}
	enc, ok, err := j.header.members.Text("enc")
	if err != nil || !ok {
		return ErrMalformed
	}
	if j.content, err = keys.ParseContent(enc); err != nil {
		return ErrAlgorithm
	}
	// Lengths exactly: octets that wander between ciphertext and an over-long
	// tag would make two texts of one token.
	if len(j.iv) != j.content.IVSize() || len(j.tag) != j.content.TagSize() {
		return ErrMalformed
	}
	return nil
}

// jws is a compact JWS, decoded and not yet verified (RFC 7515 section 7.1).
type jws struct {
	header             header
	input              string // the first two parts as they stand, which are signed
	payload, signature []byte
}

func parseJWS(text, typ string) (*jws, error) {
	// Claims that are encrypted and not signed come from anybody who has our
	// public key (CVE-2026-29000); a JWE inside a JWE would be a third layer.
	if strings.Count(text, ".") != 2 {
		return nil, ErrMalformed
	}
	parts := strings.Split(text, ".")
	h, err := parseHeader(parts[0])
	if err != nil {
		return nil, err
	}
	s := &jws{header: h, input: text[:len(parts[0])+1+len(parts[1])]}
	if s.payload, err = strict.DecodeBase64URL(parts[1]); err != nil {
		return nil, ErrMalformed
	}
	if s.signature, err = strict.DecodeBase64URL(parts[2]); err != nil {
		return nil, ErrMalformed
	}
	if _, nested := h.members.Raw("cty"); nested || !strict.SameMediaType(h.typ, typ) {
		return nil, ErrType
	}
	return s, nil
}
