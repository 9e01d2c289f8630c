package seal

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// maxHeader is the length in bytes of the longest header that openers read by default.
const maxHeader = 4 << 10

// sealOverhead is enough room for the initialization vector, padding and tag of every
// content encryption, in bytes.
const sealOverhead = 128

// protectedHeader holds the members of a JWE's protected header that do not concern its
// encryption. append leaves out empty members, except cty, which every header has.
type protectedHeader struct {
	cty, iss, sub, jti string
	aud                []byte // JSON
}

// append appends the header as JSON. The members that the encryption writes (alg, enc, kid, epk)
// come first, so that package open can compare bytes (open/direct.go) instead of parsing JSON.
func (h protectedHeader) append(dst []byte, sender keys.Sender) []byte {
	dst = sender.AppendHeader(append(dst, '{'))
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

// appendEncrypted makes a compact JWE, RFC 7516 section 5.1, and appends it to dst. Every
// JWE has its own content encryption key.
func (m *scratch) appendEncrypted(dst []byte, to *keys.Key, content keys.Content, h protectedHeader, plaintext []byte) ([]byte, error) {
	sender, err := to.NewSender(content)
	if err != nil {
		return nil, fmt.Errorf("seal: encrypting: %w", err)
	}
	m.header = h.append(m.header[:0], sender)
	size := len(m.header)
	if size > maxHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes, and openers take %d: shorten iss, sub, aud or jti", ErrTooLarge, size, maxHeader)
	}
	m.header = strict.AppendBase64URL(m.header, m.header)
	aad := m.header[size:]
	m.sealed = slices.Grow(m.sealed[:0], len(plaintext)+sealOverhead)
	parts := sender.Seal(m.sealed, aad, plaintext)
	size = len(aad)
	for _, part := range parts {
		size += 1 + base64.RawURLEncoding.EncodedLen(len(part))
	}
	dst = append(slices.Grow(dst, size), aad...)
	for _, part := range parts {
		dst = append(dst, '.')
		dst = strict.AppendBase64URL(dst, part)
	}
	return dst, nil
}

// appendSigned makes a compact JWS, RFC 7515 section 7.1, and appends it to dst.
func (m *scratch) appendSigned(ctx context.Context, dst []byte, k *keys.Key, typ string, payload []byte) ([]byte, error) {
	header := append(m.header[:0], `{"alg":"`...)
	header = append(header, k.Suite().Alg()...)
	header = append(header, `","kid":`...)
	header = strict.AppendString(header, k.ID())
	header = append(header, `,"typ":`...)
	header = strict.AppendString(header, typ)
	m.header = append(header, '}')
	start := len(dst)
	dst = slices.Grow(dst, base64.RawURLEncoding.EncodedLen(len(m.header))+base64.RawURLEncoding.EncodedLen(len(payload))+maxSignature)
	dst = strict.AppendBase64URL(dst, m.header)
	dst = append(dst, '.')
	dst = strict.AppendBase64URL(dst, payload)
	signature, err := k.Sign(ctx, dst[start:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigning, err)
	}
	dst = append(dst, '.')
	return strict.AppendBase64URL(dst, signature), nil
}

// maxSignature is the length in base64url of the longest signature, made by an RSA key of 4096
// bits, plus the two dots of the token.
const maxSignature = 2 + (512*8+5)/6
