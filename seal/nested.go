package seal

import (
	"context"

	"github.com/sealjwt/sealjwt/keys"
)

// nested signs the claims and encrypts the signed token, RFC 7519 section 5.2.
func (s *Sealer) nested(ctx context.Context, m *scratch, set claimsSet, from *keys.Key) (err error) {
	m.claims.Grow(s.cfg.limits.Pad) // otherwise pad moves the claims and leaves a copy that nothing wipes
	payload := pad(closed(m.claims.Bytes(), set.headSize), s.cfg.limits.Pad)
	if m.signed, err = m.appendSigned(ctx, m.signed, from, s.cfg.typ, payload); err != nil {
		return err
	}
	h := protectedHeader{cty: "JWT"}
	for _, name := range s.cfg.replicate { // RFC 7519 section 5.3
		switch name {
		case "iss":
			h.iss = s.cfg.issuer
		case "sub":
			h.sub = set.subject
		case "aud":
			h.aud = s.registered.audience
		}
	}
	m.out, err = m.appendEncrypted(m.out, m.to[0], s.cfg.recipients[0].Content, h, m.signed)
	return err
}

// closed joins the head, which lacks its closing brace, and the object of the custom claims
// behind it into one compact object, in place. No name is in both, because customObject refuses
// custom claims with the names of the head.
func closed(claims []byte, headSize int) []byte {
	if len(claims) == headSize+len("{}") {
		claims[headSize] = '}'
		return claims[:headSize+1]
	}
	claims[headSize] = ','
	return claims
}

// pad rounds the length of an object up to the next multiple, with spaces before the closing
// brace. Such spaces mean nothing in JSON (RFC 8259 section 2).
func pad(object []byte, multiple int) []byte {
	if multiple == 0 || len(object)%multiple == 0 {
		return object
	}
	object = object[:len(object)-1]
	for len(object)%multiple != multiple-1 {
		object = append(object, ' ')
	}
	return append(object, '}')
}
