package forge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"slices"
)

// CBC encrypts whole blocks with AES-CBC and HMAC, RFC 7518 section 5.2. The caller pads them.
func CBC(cek, iv, aad, blocks []byte) (ciphertext, tag []byte) {
	ciphertext = slices.Clone(blocks)
	cipher.NewCBCEncrypter(must(aes.NewCipher(cek[len(cek)/2:])), iv).CryptBlocks(ciphertext, ciphertext)
	return ciphertext, CBCTag(cek, iv, aad, ciphertext)
}

// CBCTag returns the authentication tag of a ciphertext, RFC 7518 section 5.2.2.1.
func CBCTag(cek, iv, aad, ciphertext []byte) []byte {
	half, hash := len(cek)/2, sha512.New
	if half == 16 {
		hash = sha256.New
	}
	return MAC(hash, cek[:half])(slices.Concat(aad, iv, ciphertext, binary.BigEndian.AppendUint64(nil, uint64(len(aad))*8)))[:half]
}
