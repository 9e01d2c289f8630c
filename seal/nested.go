package seal

import (
	"bytes"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
)

// nested signs the claims and encrypts the signed token, RFC 7519 section 5.2.
func (s *Sealer) nested(set claimsSet, from, to *keys.Key) (string, error) {
	inner, err := sign(from, s.cfg.Type, pad(set.payload, s.cfg.Pad))
	if err != nil {
		return "", err
	}
	h := protectedHeader{Cty: "JWT"}
	h.replicate(s.cfg.Replicate, set)
	return encrypt(to, s.cfg.Recipients[0].Content, h, inner)
}

// replicate copies claims into the header, RFC 7519 section 5.3.
func (h *protectedHeader) replicate(names []string, set claimsSet) {
	if slices.Contains(names, "iss") {
		h.Iss = set.registered.Issuer
	}
	if slices.Contains(names, "sub") {
		h.Sub = set.registered.Subject
	}
	if slices.Contains(names, "aud") {
		h.Aud = set.registered.Audience
	}
}

// pad rounds the length of an object up to a multiple, with spaces before the
// closing brace: they are white space of JSON and mean nothing (RFC 8259 section
// 2).
func pad(object []byte, multiple int) []byte {
	if multiple == 0 || len(object)%multiple == 0 {
		return object
	}
	end := len(object) - 1
	spaces := bytes.Repeat([]byte(" "), multiple-len(object)%multiple)
	return slices.Concat(object[:end], spaces, object[end:])
}
