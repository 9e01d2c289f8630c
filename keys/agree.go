package keys

import (
	"crypto"
	"crypto/aes"
	_ "crypto/sha256" // the hash of Concat KDF
	"encoding/binary"
	"fmt"
	"io"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// keyWrapSize is the length in bytes of the key that A256KW takes.
const keyWrapSize = 32

// AgreedKey derives a key from z, the shared secret of an ECDH key agreement,
// with Concat KDF as RFC 7518 section 4.6.2 has it: for ECDH-ES the content
// encryption key for c, for ECDH-ES+A256KW the key that wraps it. The party
// infos apu and apv are the decoded header values, empty when absent. It must be
// called on a suite of that family only.
func (s Suite) AgreedKey(z []byte, c Content, apu, apv []byte) []byte {
	id, size := s.Alg(), keyWrapSize
	if s == ECDHES || s == ECDHESX25519 {
		id, size = c.String(), c.KeySize()
	}
	bits := binary.BigEndian.AppendUint32(nil, uint32(size)*8)
	kdf := josecipher.NewConcatKDF(crypto.SHA256, z, prefixed([]byte(id)), prefixed(apu), prefixed(apv), bits, nil)
	key := make([]byte, size)
	if _, err := io.ReadFull(kdf, key); err != nil {
		panic("keys: Concat KDF ended early: " + err.Error())
	}
	return key
}

// WrapKey wraps a content encryption key with AES Key Wrap (RFC 3394; RFC 7518
// section 4.4). It fails when kek is not an AES key or cek not a multiple of 8
// bytes.
func WrapKey(kek, cek []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("keys: wrapping a key: %w", err)
	}
	return josecipher.KeyWrap(block, cek)
}

// UnwrapKey is the inverse of [WrapKey]. A wrong key and a damaged input fail
// alike.
func UnwrapKey(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped) < 24 {
		return nil, errDecrypt
	}
	cek, err := josecipher.KeyUnwrap(block, wrapped)
	if err != nil {
		return nil, errDecrypt
	}
	return cek, nil
}

func prefixed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}
