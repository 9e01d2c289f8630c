package keys

import (
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// Sender encrypts one message to the owner of a key, RFC 7516 section 5.1. It makes the parts of
// the JWE that depend on the key's suite: the members of the header that concern the encryption,
// and the four parts behind the header. Most users want package seal.
//
// Every Sender that [Key.NewSender] makes has a content encryption key of its own. A Sender is
// safe for concurrent use and prints as [redacted].
type Sender struct {
	redacted
	alg, enc, kid string // the values of the header's members; kid is empty for a key without kid
	epk           *ecdh.PublicKey
	encryptedKey  []byte
	frame         frame
	mode          func() cipher.AEAD
}

// NewSender returns a Sender to the owner of the key, with content as its content
// encryption. It returns [ErrUnsupported] when the key is not for encryption, or the
// content is not one of the four.
func (k *Key) NewSender(content Content) (Sender, error) {
	k = orZero(k)
	m := suites[k.suite].management
	if m == nil || !content.valid() {
		return Sender{}, fmt.Errorf("%w: %v does not encrypt with %v", ErrUnsupported, k.suite, content)
	}
	if err := suites[k.suite].CheckMode(); err != nil {
		return Sender{}, err
	}
	return m.send(k, content)
}

// newSender returns the Sender with this content encryption key, and wipes cek.
func newSender(k *Key, content Content, cek, encryptedKey []byte, epk *ecdh.PublicKey) (Sender, error) {
	mode, err := content.mode(cek)
	if err != nil {
		return Sender{}, err
	}
	return Sender{
		alg: k.suite.Alg(), enc: content.String(), kid: k.id,
		epk: epk, encryptedKey: encryptedKey, frame: contents[content].frame, mode: mode,
	}, nil
}

// AppendHeader appends the members of the protected header that concern the encryption: alg,
// enc, kid and epk, without the braces around them. If the key has no kid, the member kid is
// left out. The members are always spelled the same way, so that [CutHeader] can match the
// bytes instead of parsing JSON.
func (s Sender) AppendHeader(dst []byte) []byte {
	dst = append(dst, `"alg":"`...)
	dst = append(dst, s.alg...)
	if s.enc != "" {
		dst = append(dst, `","enc":"`...)
		dst = append(dst, s.enc...)
	}
	dst = append(dst, '"')
	if s.kid != "" {
		dst = strict.AppendString(append(dst, `,"kid":`...), s.kid)
	}
	if s.epk != nil {
		dst = appendEphemeralKey(append(dst, `,"epk":`...), s.epk)
	}
	return dst
}

// Seal encrypts plaintext and returns parts 2 to 5 of the compact serialization, not yet
// encoded: encrypted key, initialization vector, ciphertext and tag (RFC 7516 section 7.1). The
// aad is part 1, in base64url. If memory has the capacity, Seal writes the last three parts
// there, one behind the other. The memory must not overlap with aad or plaintext. The zero
// Sender has no key, and returns empty parts.
func (s Sender) Seal(memory, aad, plaintext []byte) (parts [4][]byte) {
	if s.mode == nil {
		return parts
	}
	mode, out := s.mode(), memory[:0]
	var iv []byte
	if n := mode.NonceSize(); n > 0 {
		iv = make([]byte, n)
		rand.Read(iv)
		out = append(out, iv...)
	}
	out = mode.Seal(out, iv, plaintext, aad)
	end := len(out) - s.frame.tag
	return [4][]byte{s.encryptedKey, out[:s.frame.iv], out[s.frame.iv:end], out[end:]}
}

// appendEphemeralKey appends the value of the member epk: the sender's ephemeral public key as a
// JWK, RFC 7518 section 4.6.1.1 and, for X25519, RFC 8037 section 2.
func appendEphemeralKey(dst []byte, epk *ecdh.PublicKey) []byte {
	point := epk.Bytes()
	if epk.Curve() == ecdh.X25519() {
		dst = append(dst, `{"kty":"OKP","crv":"X25519","x":"`...)
		dst = strict.AppendBase64URL(dst, point)
		return append(dst, `"}`...)
	}
	point = point[1:] // drop the leading 4, which says that x || y follows
	dst = append(dst, `{"kty":"EC","crv":"P-256","x":"`...)
	dst = strict.AppendBase64URL(dst, point[:coordinateSize])
	dst = append(dst, `","y":"`...)
	dst = strict.AppendBase64URL(dst, point[coordinateSize:])
	return append(dst, `"}`...)
}
