package seal

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// protectedHeader is the protected header of a JWE, in the order it is written.
type protectedHeader struct {
	Alg string        `json:"alg"`
	Enc string        `json:"enc"`
	Kid string        `json:"kid"`
	Epk *ephemeralKey `json:"epk,omitempty"`
	Cty string        `json:"cty"`
	Iss string        `json:"iss,omitempty"`
	Sub string        `json:"sub,omitempty"`
	Aud any           `json:"aud,omitempty"`
	Jti string        `json:"jti,omitempty"`
}

// maxHeader is the longest header in bytes that openers read.
const maxHeader = 4 << 10

// ephemeralKey is the sender's half of one key agreement, RFC 7518 section
// 4.6.1.1; on X25519 RFC 8037 section 3.2.
type ephemeralKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y,omitempty"` // P-256 alone has one
}

// encrypt makes a compact JWE, RFC 7516 section 5.1. Every one has its own content
// encryption key.
func encrypt(to *keys.Key, content keys.Content, h protectedHeader, plaintext []byte) (string, error) {
	h.Alg, h.Enc, h.Kid = to.Suite().Alg(), content.String(), to.ID()
	cek, encryptedKey, err := contentKey(to, content, &h)
	if err != nil {
		return "", fmt.Errorf("seal: encrypting: %w", err)
	}
	defer clear(cek)
	header, err := marshal(h)
	if err != nil {
		return "", err
	}
	if len(header) > maxHeader {
		return "", fmt.Errorf("%w: a header of %d bytes, and openers take %d: shorten iss, sub, aud or jti", ErrTooLarge, len(header), maxHeader)
	}
	protected := strict.EncodeBase64URL(header)
	iv, ciphertext, tag, err := content.Encrypt(cek, []byte(protected), plaintext)
	if err != nil {
		return "", fmt.Errorf("seal: encrypting: %w", err)
	}
	return protected + "." + strict.EncodeBase64URL(encryptedKey) + "." + strict.EncodeBase64URL(iv) +
		"." + strict.EncodeBase64URL(ciphertext) + "." + strict.EncodeBase64URL(tag), nil
}

// contentKey determines the content encryption key and its encrypted form, RFC
// 7516 section 5.1 steps 1 to 8.
func contentKey(to *keys.Key, content keys.Content, h *protectedHeader) (cek, encryptedKey []byte, err error) {
	if to.Suite() == keys.ECDHES || to.Suite() == keys.ECDHESX25519 {
		agreed, err := agree(to, content, h)
		return agreed, nil, err
	}
	cek = make([]byte, content.KeySize())
	rand.Read(cek)
	switch to.Suite() {
	case keys.ECDHESA256KW, keys.ECDHESA256KWX25519:
		agreed, err := agree(to, content, h)
		if err != nil {
			return nil, nil, err
		}
		encryptedKey, err = keys.WrapKey(agreed, cek)
		return cek, encryptedKey, err
	case keys.RSAOAEP256:
		encryptedKey, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, to.Public().(*rsa.PublicKey), cek, nil)
		return cek, encryptedKey, err
	}
	return nil, nil, errors.New("the key's algorithm does not encrypt")
}

func agree(to *keys.Key, content keys.Content, h *protectedHeader) ([]byte, error) {
	public := to.Public().(*ecdh.PublicKey)
	ephemeral, err := public.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	z, err := ephemeral.ECDH(public)
	if err != nil {
		return nil, err
	}
	defer clear(z)
	h.Epk = newEphemeralKey(ephemeral.PublicKey())
	return to.Suite().AgreedKey(z, content, nil, nil), nil
}

func newEphemeralKey(public *ecdh.PublicKey) *ephemeralKey {
	point := public.Bytes()
	if public.Curve() == ecdh.X25519() {
		return &ephemeralKey{Kty: "OKP", Crv: "X25519", X: strict.EncodeBase64URL(point)}
	}
	half := 1 + len(point)/2 // 4 || x || y
	return &ephemeralKey{"EC", "P-256", strict.EncodeBase64URL(point[1:half]), strict.EncodeBase64URL(point[half:])}
}
