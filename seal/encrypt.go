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

// appendEncrypted makes a compact JWE, RFC 7516 section 5.1, and appends it to dst.
// Every one has its own content encryption key.
func (m *scratch) appendEncrypted(dst []byte, to *keys.Key, content keys.Content, h protectedHeader, plaintext []byte) ([]byte, error) {
	cek, encryptedKey, epk, err := contentKey(to, content)
	if err != nil {
		return nil, fmt.Errorf("seal: encrypting: %w", err)
	}
	defer clear(cek)
	m.header = h.append(m.header[:0], to, content, epk)
	if len(m.header) > maxHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes, and openers take %d: shorten iss, sub, aud or jti", ErrTooLarge, len(m.header), maxHeader)
	}
	start := len(dst)
	dst = strict.AppendBase64URL(dst, m.header)
	if m.sealed, err = content.AppendEncrypt(m.sealed[:0], cek, dst[start:], plaintext); err != nil {
		return nil, fmt.Errorf("seal: encrypting: %w", err)
	}
	iv, rest := m.sealed[:content.IVSize()], m.sealed[content.IVSize():]
	ciphertext, tag := rest[:len(rest)-content.TagSize()], rest[len(rest)-content.TagSize():]
	for _, part := range [...][]byte{encryptedKey, iv, ciphertext, tag} {
		dst = append(dst, '.')
		dst = strict.AppendBase64URL(dst, part)
	}
	return dst, nil
}

// contentKey determines the content encryption key and its encrypted form, RFC
// 7516 section 5.1 steps 1 to 8, and the sender's half of a key agreement.
func contentKey(to *keys.Key, content keys.Content) (cek, encryptedKey []byte, epk *ecdh.PublicKey, err error) {
	switch to.Suite() {
	case keys.ECDHES, keys.ECDHESX25519:
		cek, epk, err = agree(to, content)
		return cek, nil, epk, err
	case keys.ECDHESA256KW, keys.ECDHESA256KWX25519:
		kek, epk, err := agree(to, content)
		if err != nil {
			return nil, nil, nil, err
		}
		defer clear(kek)
		cek = newContentKey(content)
		encryptedKey, err = keys.WrapKey(kek, cek)
		return cek, encryptedKey, epk, err
	case keys.RSAOAEP256:
		cek = newContentKey(content)
		encryptedKey, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, to.Public().(*rsa.PublicKey), cek, nil)
		return cek, encryptedKey, nil, err
	}
	return nil, nil, nil, errors.New("the key's algorithm does not encrypt")
}

func newContentKey(content keys.Content) []byte {
	cek := make([]byte, content.KeySize())
	rand.Read(cek)
	return cek
}

// agree performs one key agreement, RFC 7518 section 4.6 and RFC 8037 section 3.2, on
// the curve of the recipient's key. Its half on our side is drawn for this token alone.
func agree(to *keys.Key, content keys.Content) (key []byte, epk *ecdh.PublicKey, err error) {
	public := to.Public().(*ecdh.PublicKey)
	ephemeral, err := public.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	z, err := ephemeral.ECDH(public)
	if err != nil {
		return nil, nil, err
	}
	defer clear(z)
	return to.Suite().AgreedKey(z, content, nil, nil), ephemeral.PublicKey(), nil
}
