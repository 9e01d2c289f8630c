package keys

import (
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// The ring at rest is made of compact JWEs with A256CBC-HS512, so that any JOSE
// tool that has the KEK can open it and FIPS 140-3 approves it.

// jweParts are the decoded parts of a compact JWE.
type jweParts struct{ header, encryptedKey, iv, ciphertext, tag []byte }

// splitJWE decodes a JWE of ours and refuses every other spelling of it: go-jose
// reads line feeds inside base64 and moves octets between ciphertext and tag.
func splitJWE(s string) (jweParts, error) {
	var p jweParts
	fields := strings.Split(s, ".")
	targets := []*[]byte{&p.header, &p.encryptedKey, &p.iv, &p.ciphertext, &p.tag}
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
	if len(p.iv) != A256CBCHS512.IVSize() || len(p.tag) != A256CBCHS512.TagSize() {
		return p, ErrUnreadable
	}
	return p, nil
}

// encryptJWE makes its Encrypter anew each time: go-jose draws the salt of a
// passphrase and counts its rounds once per Encrypter, not once per message.
func encryptJWE(r jose.Recipient, plaintext []byte) (string, error) {
	e, err := jose.NewEncrypter(jose.A256CBC_HS512, r, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKEK, err)
	}
	obj, err := e.Encrypt(plaintext)
	if err != nil {
		return "", fmt.Errorf("keys: encrypting the ring: %w", err)
	}
	jwe, err := obj.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("keys: encrypting the ring: %w", err)
	}
	p, err := splitJWE(jwe)
	if err != nil {
		return "", err
	}
	// go-jose drops an error of PBKDF2 and goes on without a wrapped key.
	if r.Algorithm != jose.DIRECT && len(p.encryptedKey) != wrappedSize {
		return "", fmt.Errorf("keys: encrypting the ring: no wrapped key")
	}
	return jwe, nil
}

func decryptJWE(jwe string, alg jose.KeyAlgorithm, key []byte) ([]byte, error) {
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
