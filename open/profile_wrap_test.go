package open

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/pbkdf2"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// keyWrapSizes are the lengths in bytes of the keys of AES Key Wrap.
var keyWrapSizes = map[string]int{"A128KW": 16, "A192KW": 24, "A256KW": 32}

// contentKey is RFC 7518 section 4 for what is not offered, and for an offered
// algorithm with a content that is not.
func (k *otherKey) contentKey(j *jwe, c otherContent) ([]byte, error) {
	_, wrap, _ := strings.Cut(k.alg, "+")
	switch material := k.material.(type) {
	case *ecdh.PrivateKey:
		if wrap == "" {
			if len(j.decoded[0]) != 0 {
				return nil, fmt.Errorf("%w: an encrypted key where there is none", ErrMalformed)
			}
			return agreed(material, j, c.enc, c.key)
		}
		kek, err := agreed(material, j, k.alg, keyWrapSizes[wrap])
		if err != nil {
			return nil, err
		}
		return unwrap(kek, j, c)
	case *rsa.PrivateKey:
		return decryptRSA(material, k.alg, j.decoded[0], c.key)
	case []byte:
		switch {
		case k.alg == "dir":
			if len(j.decoded[0]) != 0 {
				return nil, fmt.Errorf("%w: an encrypted key where there is none", ErrMalformed)
			}
			return material, nil
		case strings.HasPrefix(k.alg, "PBES2-"):
			kek, err := derived(material, j, k.alg, keyWrapSizes[wrap])
			if err != nil {
				return nil, err
			}
			return unwrap(kek, j, c)
		case strings.HasSuffix(k.alg, "GCMKW"):
			return unwrapGCM(material, j)
		}
		return unwrap(material, j, c)
	}
	return nil, fmt.Errorf("%w: no private key", ErrKey)
}

// agreed is RFC 7518 section 4.6, on every curve that crypto/ecdh has.
func agreed(private *ecdh.PrivateKey, j *jwe, id string, size int) ([]byte, error) {
	epk, err := j.ephemeralKeyOn(private.Curve())
	if err != nil {
		return nil, err
	}
	apu, err := partyInfo(j, "apu")
	if err != nil {
		return nil, err
	}
	apv, err := partyInfo(j, "apv")
	if err != nil {
		return nil, err
	}
	z, err := private.ECDH(epk)
	if err != nil {
		return nil, err
	}
	return concatKDF(z, id, apu, apv, size), nil
}

func concatKDF(z []byte, id string, apu, apv []byte, size int) []byte {
	prefixed := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	bits := binary.BigEndian.AppendUint32(nil, uint32(size)*8)
	key := make([]byte, size)
	// A Reader of as many bytes as one likes.
	io.ReadFull(josecipher.NewConcatKDF(crypto.SHA256, z, prefixed([]byte(id)), prefixed(apu), prefixed(apv), bits, nil), key)
	return key
}

// partyInfo returns apu or apv.
func partyInfo(j *jwe, name string) ([]byte, error) {
	if _, there := j.header.members.Raw(name); !there {
		return nil, nil
	}
	return bytesOf(j.header.members, name)
}

// ephemeralKeyOn reads the epk on any curve.
func (j *jwe) ephemeralKeyOn(curve ecdh.Curve) (*ecdh.PublicKey, error) {
	name := map[ecdh.Curve]string{ecdh.P256(): "P-256", ecdh.P384(): "P-384", ecdh.P521(): "P-521", ecdh.X25519(): "X25519"}[curve]
	size := map[ecdh.Curve]int{ecdh.P256(): 32, ecdh.P384(): 48, ecdh.P521(): 66, ecdh.X25519(): 32}[curve]
	want, point, coordinates := "EC", []byte{4}, []string{"x", "y"} // uncompressed
	if curve == ecdh.X25519() {
		want, point, coordinates = "OKP", nil, []string{"x"}
	}
	epk, _, err := j.header.members.Object("epk")
	kty, _, _ := epk.Text("kty")
	crv, _, _ := epk.Text("crv")
	if err != nil || kty != want || crv != name {
		return nil, fmt.Errorf("%w: the epk is no public key on %v", ErrMalformed, curve)
	}
	for _, name := range coordinates {
		b, err := bytesOf(epk, name)
		if err != nil || len(b) != size {
			return nil, fmt.Errorf("%w: the %s of the epk is no coordinate of %d bytes", ErrMalformed, name, size)
		}
		point = append(point, b...)
	}
	return curve.NewPublicKey(point)
}

func decryptRSA(private *rsa.PrivateKey, alg string, encryptedKey []byte, size int) ([]byte, error) {
	if len(encryptedKey) != private.Size() {
		return nil, fmt.Errorf("%w: an encrypted key of %d bytes", ErrMalformed, len(encryptedKey))
	}
	switch alg {
	case "RSA-OAEP":
		return rsa.DecryptOAEP(sha1.New(), nil, private, encryptedKey, nil)
	case "RSA-OAEP-256":
		return rsa.DecryptOAEP(sha256.New(), nil, private, encryptedKey, nil)
	}
	// Of a key with bad padding nothing may show: it becomes another, of no use.
	key := make([]byte, size)
	//lint:ignore SA1019 here are its vectors
	err := rsa.DecryptPKCS1v15SessionKey(nil, private, encryptedKey, key)
	return key, err
}

// derived is RFC 7518 section 4.8.
func derived(password []byte, j *jwe, alg string, size int) ([]byte, error) {
	p2s, err := bytesOf(j.header.members, "p2s")
	if err != nil {
		return nil, err
	}
	raw, _ := j.header.members.Raw("p2c")
	var p2c int
	const most = 1 << 16
	if err := json.Unmarshal(raw, &p2c); err != nil || p2c < 1 || p2c > most || len(p2s) < 8 {
		return nil, fmt.Errorf("%w: p2c or p2s", ErrMalformed)
	}
	hash := map[int]crypto.Hash{16: crypto.SHA256, 24: crypto.SHA384, 32: crypto.SHA512}[size]
	return pbkdf2.Key(hash.New, string(password), append([]byte(alg+"\x00"), p2s...), p2c, size)
}

// unwrapGCM is RFC 7518 section 4.7.
func unwrapGCM(kek []byte, j *jwe) ([]byte, error) {
	iv, err := bytesOf(j.header.members, "iv")
	if err != nil {
		return nil, err
	}
	tag, err := bytesOf(j.header.members, "tag")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil || len(iv) != aead.NonceSize() || len(tag) != aead.Overhead() {
		return nil, fmt.Errorf("%w: iv or tag of the key", ErrMalformed)
	}
	return aead.Open(nil, iv, slices.Concat(j.decoded[0], tag), nil)
}
