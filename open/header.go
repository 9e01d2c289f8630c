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

// jwe is a compact JWE, decoded and not yet decrypted (RFC 7516 section 7.1).
type jwe struct {
	header                            header
	content                           keys.Content
	aad                               string // the first part as it stands
	encryptedKey, iv, ciphertext, tag []byte
}

func parseJWE(token string, maxSize int) (*jwe, error) {
	// The length first: everything after it costs time and memory.
	if len(token) > maxSize || strings.Count(token, ".") != 4 {
		return nil, ErrMalformed
	}
	parts := strings.Split(token, ".")
	h, err := parseHeader(parts[0])
	if err != nil {
		return nil, err
	}
	j := &jwe{header: h, aad: parts[0]}
	for i, dst := range []*[]byte{&j.encryptedKey, &j.iv, &j.ciphertext, &j.tag} {
		if *dst, err = strict.DecodeBase64URL(parts[i+1]); err != nil {
			return nil, ErrMalformed
		}
	}
	enc, ok, err := h.members.Text("enc")
	if err != nil || !ok {
		return nil, ErrMalformed
	}
	if j.content, err = keys.ParseContent(enc); err != nil {
		return nil, ErrAlgorithm
	}
	// Lengths exactly: octets that wander between ciphertext and an over-long
	// tag would make two texts of one token.
	if len(j.iv) != j.content.IVSize() || len(j.tag) != j.content.TagSize() {
		return nil, ErrMalformed
	}
	cty, _, err := h.members.Text("cty")
	if err != nil {
		return nil, ErrMalformed
	}
	if !strict.SameMediaType(cty, "JWT") {
		return nil, ErrType
	}
	return j, nil
}

// jws is a compact JWS, decoded and not yet verified (RFC 7515 section 7.1).
type jws struct {
	header             header
	signed             []byte // the first two parts as they stand
	payload, signature []byte
}

func parseJWS(inner []byte, typ string) (*jws, error) {
	text := string(inner)
	// Claims that are encrypted and not signed come from anybody who has our
	// public key (CVE-2026-29000); a JWE in here would be a third layer.
	if strings.Count(text, ".") != 2 {
		return nil, ErrMalformed
	}
	parts := strings.Split(text, ".")
	h, err := parseHeader(parts[0])
	if err != nil {
		return nil, err
	}
	s := &jws{header: h, signed: inner[:len(parts[0])+1+len(parts[1])]}
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
