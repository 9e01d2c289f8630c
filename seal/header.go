package seal

import (
	"crypto/ecdh"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// protectedHeader is what the protected header of a JWE says beside its encryption.
// What is empty is left out, but for cty.
type protectedHeader struct {
	cty, iss, sub, jti string
	aud                []byte // JSON
}

// maxHeader is the longest header in bytes that openers read.
const maxHeader = 4 << 10

// append appends the header as JSON. The members of its encryption come first, in
// one order and one spelling, by which an opener that expects them knows them at a
// glance.
func (h protectedHeader) append(dst []byte, to *keys.Key, content keys.Content, epk *ecdh.PublicKey) []byte {
	dst = append(dst, `{"alg":"`...)
	dst = append(dst, to.Suite().Alg()...)
	dst = append(dst, `","enc":"`...)
	dst = append(dst, content.String()...)
	dst = append(dst, `","kid":`...)
	dst = strict.AppendString(dst, to.ID())
	if epk != nil {
		dst = appendEphemeralKey(append(dst, `,"epk":`...), epk)
	}
	dst = append(dst, `,"cty":`...)
	dst = strict.AppendString(dst, h.cty)
	if h.iss != "" {
		dst = strict.AppendString(append(dst, `,"iss":`...), h.iss)
	}
	if h.sub != "" {
		dst = strict.AppendString(append(dst, `,"sub":`...), h.sub)
	}
	if h.aud != nil {
		dst = append(append(dst, `,"aud":`...), h.aud...)
	}
	if h.jti != "" {
		dst = strict.AppendString(append(dst, `,"jti":`...), h.jti)
	}
	return append(dst, '}')
}

// appendEphemeralKey appends the sender's half of a key agreement, RFC 7518 section
// 4.6.1.1 and RFC 8037 section 2.
func appendEphemeralKey(dst []byte, epk *ecdh.PublicKey) []byte {
	point := epk.Bytes()
	if epk.Curve() == ecdh.X25519() {
		dst = append(dst, `{"kty":"OKP","crv":"X25519","x":"`...)
		dst = strict.AppendBase64URL(dst, point)
		return append(dst, `"}`...)
	}
	point = point[1:] // 4, for x || y
	dst = append(dst, `{"kty":"EC","crv":"P-256","x":"`...)
	dst = strict.AppendBase64URL(dst, point[:coordinateSize])
	dst = append(dst, `","y":"`...)
	dst = strict.AppendBase64URL(dst, point[coordinateSize:])
	return append(dst, `"}`...)
}
