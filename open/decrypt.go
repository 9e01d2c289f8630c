package open

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	coordinateSize = 32 // bytes of a P-256 coordinate
	wrapOverhead   = 8  // bytes that AES Key Wrap adds, RFC 3394
)

// decrypt returns the plaintext, RFC 7516 section 5.2. The form of the key
// agreement is checked before any private key is used; from then on there is one
// error.
func (j *jwe) decrypt(k *keys.Key) ([]byte, error) {
	cek, err := j.contentKey(k)
	if err != nil {
		return nil, err
	}
	defer clear(cek)
	j.memory.decoded = append(j.memory.decoded, j.parts[0]...)
	aad := j.memory.decoded[len(j.memory.decoded)-len(j.parts[0]):]
	plaintext, err := j.content.AppendDecrypt(j.sealed[:0], cek, aad, j.sealed)
	if err != nil {
		return nil, ErrNotAuthentic
	}
	return plaintext, nil
}

func (j *jwe) contentKey(k *keys.Key) ([]byte, error) {
	switch k.Suite() {
	case keys.ECDHES, keys.ECDHESX25519:
		// RFC 7516 section 5.2 step 10; any other would be a second spelling.
		if len(j.encryptedKey) != 0 {
			return nil, refuse(ErrMalformed, "an encrypted key where %v has none", k.Suite())
		}
		return j.agree(k)
	case keys.ECDHESA256KW, keys.ECDHESA256KWX25519:
		if len(j.encryptedKey) != j.content.KeySize()+wrapOverhead {
			return nil, refuse(ErrMalformed, "an encrypted key of %d bytes", len(j.encryptedKey))
		}
		kek, err := j.agree(k)
		if err != nil {
			return nil, err
		}
		defer clear(kek)
		cek, err := keys.UnwrapKey(kek, j.encryptedKey)
		if err != nil {
			return nil, ErrNotAuthentic
		}
		return cek, nil
	case keys.RSAOAEP256:
		// RFC 8017 section 7.1.2 step 1b. crypto/rsa also takes a ciphertext that
		// lacks its leading zeros: a second text of the same token.
		if len(j.encryptedKey) != k.Public().(*rsa.PublicKey).Size() {
			return nil, refuse(ErrMalformed, "an encrypted key of %d bytes", len(j.encryptedKey))
		}
		cek, err := k.Decrypter().Decrypt(rand.Reader, j.encryptedKey, &rsa.OAEPOptions{Hash: crypto.SHA256})
		if err != nil {
			return nil, ErrNotAuthentic
		}
		return cek, nil
	}
	return nil, refuse(ErrAlgorithm, "%v does not decrypt", k.Suite())
}

// agree performs the key agreement, RFC 7518 section 4.6 and RFC 8037 section 3.2.
func (j *jwe) agree(k *keys.Key) ([]byte, error) {
	exchanger := k.KeyExchanger()
	epk, err := j.ephemeralKey(exchanger.Curve())
	if err != nil {
		return nil, err
	}
	apu, err := j.partyInfo("apu")
	if err != nil {
		return nil, err
	}
	apv, err := j.partyInfo("apv")
	if err != nil {
		return nil, err
	}
	// On X25519 a point of low order agrees on zero with every key: anybody could
	// read such a token. crypto/ecdh refuses it (RFC 7748 section 6.1).
	z, err := exchanger.ECDH(epk)
	if err != nil {
		return nil, ErrNotAuthentic
	}
	defer clear(z)
	return k.Suite().AgreedKey(z, j.content, apu, apv), nil
}

// ephemeralKey is the sender's public key, on the curve of our key and no other, RFC
// 7518 section 6.2.1 and RFC 8037 section 2. A point off P-256 would let the sender read
// our private key bit by bit (CVE-2016-9121); crypto/ecdh refuses it. On X25519 every 32
// bytes are a point, also of the twist, and of some there are two spellings, which the
// header authenticates.
func (j *jwe) ephemeralKey(curve ecdh.Curve) (*ecdh.PublicKey, error) {
	kty, crv, start := "EC", "P-256", len(j.memory.decoded)
	coordinates := [][]byte{j.epk.x, j.epk.y}
	if curve == ecdh.X25519() {
		kty, crv, coordinates = "OKP", "X25519", coordinates[:1]
	} else {
		j.memory.decoded = append(j.memory.decoded, 4) // uncompressed
	}
	if j.epk.kty != kty || j.epk.crv != crv || j.epk.private {
		return nil, refuse(ErrMalformed, "the epk is no public key on %s", crv)
	}
	for _, text := range coordinates {
		if n, err := decodePart(j.memory, text); err != nil || len(n) != coordinateSize {
			return nil, refuse(ErrMalformed, "a coordinate of the epk has not %d bytes", coordinateSize)
		}
	}
	pub, err := curve.NewPublicKey(j.memory.decoded[start:])
	if err != nil {
		return nil, refuse(ErrMalformed, "the epk is no point on %s", crv)
	}
	return pub, nil
}

func (j *jwe) partyInfo(name string) ([]byte, error) {
	s, _, err := j.members.Text(name)
	if err != nil {
		return nil, refuse(ErrMalformed, "a header: %v", err)
	}
	b, err := strict.DecodeBase64URL(s)
	if err != nil {
		return nil, refuse(ErrMalformed, "%s in the header: %v", name, err)
	}
	return b, nil
}
