package keys

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

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
	in := make([]byte, 4, 192) // the round, and what the usual case needs
	in = append(in, z...)
	in = appendPrefixed(in, id)
	in = appendPrefixed(in, apu)
	in = appendPrefixed(in, apv)
	in = binary.BigEndian.AppendUint32(in, uint32(size)*8)
	defer clear(in)
	key := make([]byte, 0, 2*sha256.Size) // two rounds at most
	for round := uint32(1); len(key) < size; round++ {
		binary.BigEndian.PutUint32(in, round)
		sum := sha256.Sum256(in)
		key = append(key, sum[:]...)
	}
	return key[:size]
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

func appendPrefixed[T string | []byte](dst []byte, b T) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}
