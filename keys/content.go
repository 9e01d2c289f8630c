package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// Content is a content encryption algorithm, the "enc" of a JWE (RFC 7518
// section 5). The zero value is A256GCM, the default.
type Content uint8

// The four contents. Every opener takes any of them with any key.
const (
	A256GCM      Content = iota // AES-256-GCM
	A128GCM                     // AES-128-GCM
	A256CBCHS512                // AES-256-CBC with HMAC-SHA-512
	A128CBCHS256                // AES-128-CBC with HMAC-SHA-256
)

const gcmNonceSize = 12

var contents = [...]struct {
	enc               string
	key, iv, tag      int // bytes
	authenticatedMode func(cek []byte) (cipher.AEAD, error)
}{
	A256GCM:      {"A256GCM", 32, gcmNonceSize, 16, newGCM},
	A128GCM:      {"A128GCM", 16, gcmNonceSize, 16, newGCM},
	A256CBCHS512: {"A256CBC-HS512", 64, aes.BlockSize, 32, newCBC},
	A128CBCHS256: {"A128CBC-HS256", 32, aes.BlockSize, 16, newCBC},
}

// errDecrypt is the only thing that a failed decryption says: a caller who
// could tell a bad tag from bad padding has an oracle.
var errDecrypt = errors.New("keys: decryption failed")

// ParseContent returns the content encryption of a JOSE name ("enc"). It
// returns [ErrUnsupported] for every name that is not offered.
func ParseContent(enc string) (Content, error) {
	for i, c := range contents {
		if c.enc == enc {
			return Content(i), nil
		}
	}
	return 0, fmt.Errorf("%w: content encryption %s", ErrUnsupported, quote(enc))
}

// String returns the JOSE name.
func (c Content) String() string {
	if !c.Valid() {
		return "Content(" + strconv.Itoa(int(c)) + ")"
	}
	return contents[c].enc
}

// Valid reports whether c is one of the four.
func (c Content) Valid() bool { return int(c) < len(contents) }

// KeySize returns the length in bytes of the content encryption key.
func (c Content) KeySize() int { return contents[c].key }

// IVSize returns the length in bytes of the initialization vector.
func (c Content) IVSize() int { return contents[c].iv }

// TagSize returns the length in bytes of the authentication tag.
func (c Content) TagSize() int { return contents[c].tag }

// AppendEncrypt encrypts plaintext under cek with a fresh random initialization vector
// and appends that vector, the ciphertext and the tag to dst, which shares no memory with
// aad and plaintext. The caller uses cek, which has KeySize bytes, for no other token.
// AppendEncrypt is the content encryption step of RFC 7516 section 5.1; most users want
// package seal. It fails only for a key of the wrong length.
func (c Content) AppendEncrypt(dst, cek, aad, plaintext []byte) ([]byte, error) {
	mode, err := c.mode(cek)
	if err != nil {
		return nil, err
	}
	if mode.NonceSize() == 0 {
		return mode.Seal(dst, nil, plaintext, aad), nil
	}
	iv := make([]byte, contents[c].iv)
	rand.Read(iv)
	return mode.Seal(append(dst, iv...), iv, plaintext, aad), nil
}

// AppendDecrypt decrypts what [Content.AppendEncrypt] appended, initialization vector,
// ciphertext and tag in one piece, and appends the plaintext to dst. With sealed[:0] for
// dst it decrypts in place; aad shares no memory with either. AppendDecrypt is the content
// decryption step of RFC 7516 section 5.2, whose caller has checked the lengths of the
// parts. A wrong key, a wrong tag and a text that is too short fail alike.
func (c Content) AppendDecrypt(dst, cek, aad, sealed []byte) ([]byte, error) {
	mode, err := c.mode(cek)
	if err != nil || len(sealed) < contents[c].iv+contents[c].tag {
		return nil, errDecrypt
	}
	n := mode.NonceSize()
	plaintext, err := mode.Open(dst, sealed[:n], sealed[n:], aad)
	if err != nil {
		return nil, errDecrypt
	}
	return plaintext, nil
}

func (c Content) mode(cek []byte) (cipher.AEAD, error) {
	if !c.Valid() || len(cek) != contents[c].key {
		return nil, errors.New("keys: wrong length of the content encryption key")
	}
	return contents[c].authenticatedMode(cek)
}

// newGCM draws its nonces itself, which is the one form of GCM that FIPS 140-3
// approves for keys agreed on outside TLS; the nonce precedes the ciphertext.
func newGCM(cek []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func newCBC(cek []byte) (cipher.AEAD, error) { return josecipher.NewCBCHMAC(cek, aes.NewCipher) }
