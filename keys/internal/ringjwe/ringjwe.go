// Package ringjwe encrypts a ring, and the ring key that encrypts the ring. Both are stored as
// compact JWEs with A256CBC-HS512: any JOSE tool that has the key encryption key (KEK) can open
// them, and FIPS 140-3 approves that algorithm.
package ringjwe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// The faults of a JWE and its key. Package keyring documents and exports these errors.
var (
	ErrUnreadable = errors.New("keyring: the ring cannot be opened: wrong key file or passphrase, or a damaged ring")
	ErrKEK        = errors.New("keyring: unusable key encryption key")
)

// KeySize is the length in bytes of a ring key, as A256CBC-HS512 demands.
const KeySize = 64

const (
	ivSize  = 16 // bytes, of A256CBC-HS512
	tagSize = 32

	wrappedSize = KeySize + 8
)

// Parts are the decoded parts of a compact JWE.
type Parts struct{ Header, EncryptedKey, IV, Ciphertext, Tag []byte }

// Split decodes a JWE that Encrypt made, and refuses every other spelling of it. go-jose would
// accept line feeds inside base64, and bytes that were moved between the ciphertext and the tag
// over the dot. Split returns ErrUnreadable.
func Split(s string) (Parts, error) {
	var p Parts
	fields := strings.Split(s, ".")
	targets := []*[]byte{&p.Header, &p.EncryptedKey, &p.IV, &p.Ciphertext, &p.Tag}
	if len(fields) != len(targets) {
		return p, ErrUnreadable
	}
	for i, f := range fields {
		b, err := strict.DecodeBase64URL(f)
		if err != nil {
			return p, ErrUnreadable
		}
		*targets[i] = b
	}
	if len(p.IV) != ivSize || len(p.Tag) != tagSize {
		return p, ErrUnreadable
	}
	return p, nil
}

// Encrypt encrypts a ring key or a ring. It makes a new Encrypter each time, because go-jose
// fixes the salt and the rounds of a passphrase for an Encrypter and not for each message.
func Encrypt(r jose.Recipient, plaintext []byte) (string, error) {
	e, err := jose.NewEncrypter(jose.A256CBC_HS512, r, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKEK, err)
	}
	obj, err := e.Encrypt(plaintext)
	if err != nil {
		return "", fmt.Errorf("keyring: encrypting the ring: %w", err)
	}
	jwe, err := obj.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("keyring: encrypting the ring: %w", err)
	}
	p, err := Split(jwe)
	if err != nil {
		return "", err
	}
	// go-jose drops an error of PBKDF2 and goes on without a wrapped key.
	if r.Algorithm != jose.DIRECT && len(p.EncryptedKey) != wrappedSize {
		return "", fmt.Errorf("keyring: encrypting the ring: no wrapped key")
	}
	return jwe, nil
}

// Decrypt decrypts what Encrypt returns. It does not refuse other spellings of the JWE, so the
// caller must call Split first.
func Decrypt(jwe string, alg jose.KeyAlgorithm, key []byte) ([]byte, error) {
	obj, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{jose.A256CBC_HS512})
	if err != nil {
		return nil, ErrUnreadable
	}
	plaintext, err := obj.Decrypt(key)
	if err != nil {
		return nil, ErrUnreadable
	}
	return plaintext, nil
}
