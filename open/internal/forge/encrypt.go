package forge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// Content is a content encryption, RFC 7518 section 5.
type Content struct {
	Enc          string
	Key, IV, Tag int // lengths in bytes
}

// These are the content encryptions of RFC 7518. Offered lists those that sealed tokens may have.
var (
	A256GCM      = Content{"A256GCM", 32, 12, 16}
	A192GCM      = Content{"A192GCM", 24, 12, 16}
	A128GCM      = Content{"A128GCM", 16, 12, 16}
	A256CBCHS512 = Content{"A256CBC-HS512", 64, 16, 32}
	A192CBCHS384 = Content{"A192CBC-HS384", 48, 16, 24}
	A128CBCHS256 = Content{"A128CBC-HS256", 32, 16, 16}

	Offered = []Content{A256GCM, A128GCM, A256CBCHS512, A128CBCHS256}
)

// Parts holds the decoded parts of a JWE.
type Parts struct{ Header, EncryptedKey, IV, Ciphertext, Tag []byte }

// JWE makes a compact JWE, RFC 7516 section 5.1.
func (d *Draft) JWE(plaintext string) string {
	plaintext = apply(d.BendPlain, plaintext)
	cek := d.CEK
	if cek == nil {
		cek = Random(d.Content.Key)
	}
	var p Parts
	cek, p.EncryptedKey = d.contentKey(cek)
	p.Header = []byte(d.Outer.Text()) // must come after contentKey, which may add members
	header := d.spelled("JWE header", p.Header)
	p.IV = Random(d.Content.IV)
	seal := d.Seal
	if seal == nil {
		seal = EncryptContent
	}
	p.Ciphertext, p.Tag = seal(cek, p.IV, []byte(header), []byte(plaintext))
	if d.BendParts != nil {
		before := string(p.Header)
		d.BendParts(&p)
		if string(p.Header) != before {
			header = Encode(p.Header)
		}
	}
	return apply(d.BendJWE, strings.Join([]string{header, d.spelled("JWE encrypted key", p.EncryptedKey),
		d.spelled("JWE initialization vector", p.IV), d.spelled("JWE ciphertext", p.Ciphertext), d.spelled("JWE tag", p.Tag)}, "."))
}

// contentKey returns the content encryption key and the encrypted key. It also carries out algorithms
// that the library does not offer, in ways in which an attacker can who has only the public key.
func (d *Draft) contentKey(random []byte) (cek, encrypted []byte) {
	switch d.Management {
	case "ECDH-ES":
		return d.Agree(d.Content.Enc, d.Content.Key), nil
	case "ECDH-ES+A128KW":
		return random, Wrap(d.Agree(d.Management, 16), random)
	case "ECDH-ES+A256KW":
		return random, Wrap(d.Agree(d.Management, 32), random)
	case "RSA-OAEP-256", "RSA-OAEP":
		return random, d.Recipient.EncryptOAEP(OAEPHashes[d.Management], random, "")
	case "RSA1_5":
		//lint:ignore SA1019 openers must refuse this algorithm
		return random, must(rsa.EncryptPKCS1v15(rand.Reader, d.Recipient.Public().(*rsa.PublicKey), random))
	case "dir":
		return d.knownSecret(d.Content.Key), nil
	case "A128KW":
		return random, Wrap(d.knownSecret(16), random)
	case "A256KW":
		return random, Wrap(d.knownSecret(32), random)
	case "A256GCMKW":
		iv := make([]byte, 12)
		ciphertext, tag := EncryptContent(d.knownSecret(32), iv, nil, random)
		d.Outer.Set("iv", Quoted(Encode(iv)))
		d.Outer.Set("tag", Quoted(Encode(tag)))
		return random, ciphertext
	case "PBES2-HS256+A128KW":
		salt := append([]byte("PBES2-HS256+A128KW\x00"), "sodium chloride"...)
		d.Outer.Set("p2s", Quoted(Encode([]byte("sodium chloride"))))
		return random, Wrap(must(pbkdf2.Key(sha256.New, d.Recipient.PublicJWK(), salt, 1000, 16)), random)
	}
	panic("forge: no management algorithm " + d.Management)
}

// knownSecret returns a symmetric key that consists of bytes of the recipient's public key. An
// attacker uses it against an opener that takes its public key for a symmetric key.
func (d *Draft) knownSecret(size int) []byte {
	secret := []byte(d.Recipient.PublicJWK())
	switch pub := d.Recipient.Public().(type) {
	case *ecdsa.PublicKey:
		secret = must(pub.Bytes())[1:]
	case *ecdh.PublicKey:
		secret = pub.Bytes()
	case *rsa.PublicKey:
		secret = pub.N.Bytes()
	}
	return secret[:size:size]
}

// Wrap wraps a key with AES Key Wrap, RFC 3394.
func Wrap(kek, cek []byte) []byte { return must(josecipher.KeyWrap(must(aes.NewCipher(kek)), cek)) }

// Agree returns the key that ECDH and Concat KDF give for an algorithm, RFC 7518 section 4.6.2. If
// Secret is set, it takes the place of the result of ECDH.
func (d *Draft) Agree(id string, size int) []byte {
	z := d.Secret
	if z == nil {
		z = must(d.Ephemeral.ECDH(d.Recipient.Point()))
	}
	return ConcatKDF(z, id, d.APU, d.APV, size)
}

// ConcatKDF derives a key of size bytes from the shared secret z, RFC 7518 section 4.6.2.
func ConcatKDF(z []byte, id string, apu, apv []byte, size int) []byte {
	var info []byte
	for _, part := range [][]byte{[]byte(id), apu, apv} {
		info = append(binary.BigEndian.AppendUint32(info, uint32(len(part))), part...)
	}
	info = binary.BigEndian.AppendUint32(info, uint32(size)*8)
	var derived []byte
	for round := uint32(1); len(derived) < size; round++ {
		sum := sha256.Sum256(slices.Concat(binary.BigEndian.AppendUint32(nil, round), z, info))
		derived = append(derived, sum[:]...)
	}
	return derived[:size]
}

// EncryptContent encrypts with AES-CBC and HMAC if the IV has 16 bytes and the key has at least 32,
// and with AES-GCM otherwise.
func EncryptContent(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte) {
	var mode cipher.AEAD
	tagSize := 16
	if len(iv) == 16 && len(cek) >= 32 {
		mode = must(josecipher.NewCBCHMAC(cek, aes.NewCipher))
		tagSize = len(cek) / 2
	} else {
		mode = must(cipher.NewGCMWithNonceSize(must(aes.NewCipher(cek)), len(iv)))
	}
	out := mode.Seal(nil, iv, plaintext, aad)
	end := len(out) - tagSize
	return out[:end:end], out[end:]
}

// EPK returns the JWK of an uncompressed point of P-256, or of a point of X25519.
func EPK(point []byte) string {
	if len(point) == 32 {
		return fmt.Sprintf(`{"kty":"OKP","crv":"X25519","x":"%s"}`, Encode(point))
	}
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, Encode(point[1:33]), Encode(point[33:]))
}

// Random returns size random bytes.
func Random(size int) []byte {
	b := make([]byte, size)
	rand.Read(b)
	return b
}
