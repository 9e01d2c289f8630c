package peers

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
)

// floorKeys makes the calls with keys. Each key is prepared in the form that the standard library
// needs.
type floorKeys struct {
	*benchKeys
	own  *ecdh.PrivateKey // of the recipient, with its public key
	to   *ecdh.PublicKey
	x, y int    // where the header has the coordinates of epk
	kdf  []byte // the input of Concat KDF: 00000001 || z || the rest
}

const (
	coordinate = 32 // in bytes
	keySize    = 32 // in bytes, for A256GCM and for A256KW
)

func newFloorKeys(t testing.TB, k *benchKeys, header []byte) floorKeys {
	t.Helper()
	f := floorKeys{benchKeys: k}
	if k.alg == keys.RSAOAEP256 {
		return f
	}
	own, err := k.decrypter.(*ecdsa.PrivateKey).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	f.own, f.to = own, own.PublicKey()
	find := func(member string) int { return bytes.Index(header, []byte(member)) + len(member) }
	f.x, f.y = find(`"x":"`), find(`"y":"`)
	id := k.alg.Alg()
	if k.alg == keys.ECDHES {
		id = keys.A256GCM.String()
	}
	f.kdf = append([]byte{0, 0, 0, 1}, make([]byte, coordinate)...)
	f.kdf = binary.BigEndian.AppendUint32(f.kdf, uint32(len(id)))
	f.kdf = append(f.kdf, id...)
	f.kdf = append(f.kdf, make([]byte, 8)...) // apu and apv are empty
	f.kdf = binary.BigEndian.AppendUint32(f.kdf, 8*keySize)
	return f
}

func (f *floorKeys) sign(input []byte) ([]byte, error) {
	if f.sig == keys.EdDSA {
		return f.signer.Sign(nil, input, crypto.Hash(0))
	}
	digest := sha256.Sum256(input)
	signature, err := f.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil || f.sig == keys.RS256 {
		return signature, err
	}
	// The signature is SEQUENCE { INTEGER r, INTEGER s }. Each number may have a leading zero byte,
	// or lack its own.
	out := make([]byte, 2*coordinate)
	r := signature[4 : 4+signature[3]]
	s := signature[4+len(r)+2:]
	copy(out[coordinate-min(len(r), coordinate):], r[max(0, len(r)-coordinate):])
	copy(out[2*coordinate-min(len(s), coordinate):], s[max(0, len(s)-coordinate):])
	return out, nil
}

func (f *floorKeys) verify(input, signature []byte) bool {
	if f.sig == keys.EdDSA {
		return ed25519.Verify(f.signer.Public().(ed25519.PublicKey), input, signature)
	}
	digest := sha256.Sum256(input)
	if f.sig == keys.RS256 {
		return rsa.VerifyPKCS1v15(&f.signer.(*rsa.PrivateKey).PublicKey, crypto.SHA256, digest[:], signature) == nil
	}
	var buffer [2*coordinate + 8]byte
	der := append(buffer[:0], 0x30, 0)
	for _, n := range [][]byte{signature[:coordinate], signature[coordinate:]} {
		n = bytes.TrimLeft(n, "\x00")
		if n[0] >= 0x80 {
			der = append(der, 2, byte(len(n)+1), 0)
		} else {
			der = append(der, 2, byte(len(n)))
		}
		der = append(der, n...)
	}
	der[1] = byte(len(der) - 2)
	return ecdsa.VerifyASN1(&f.signer.(*ecdsa.PrivateKey).PublicKey, digest[:], der)
}

// newContentKey draws the keys of a token, and writes the epk.
func (f *floorKeys) newContentKey(header []byte) (cek, encryptedKey []byte, err error) {
	if f.alg == keys.RSAOAEP256 {
		cek = make([]byte, keySize)
		rand.Read(cek)
		encryptedKey, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &f.decrypter.(*rsa.PrivateKey).PublicKey, cek, nil)
		return cek, encryptedKey, err
	}
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	point := ephemeral.PublicKey().Bytes()
	b64.Encode(header[f.x:], point[1:1+coordinate])
	b64.Encode(header[f.y:], point[1+coordinate:])
	agreed, err := f.agree(ephemeral, f.to)
	if err != nil || f.alg == keys.ECDHES {
		return agreed, nil, err
	}
	cek = make([]byte, keySize)
	rand.Read(cek)
	block, err := aes.NewCipher(agreed)
	if err != nil {
		return nil, nil, err
	}
	encryptedKey, err = josecipher.KeyWrap(block, cek)
	return cek, encryptedKey, err
}

// agree does ECDH and Concat KDF (RFC 7518 section 4.6.2).
func (f *floorKeys) agree(private *ecdh.PrivateKey, public *ecdh.PublicKey) ([]byte, error) {
	z, err := private.ECDH(public)
	if err != nil {
		return nil, err
	}
	copy(f.kdf[4:], z)
	key := sha256.Sum256(f.kdf)
	return key[:], nil
}

func (f *floorKeys) contentKey(header, encryptedKey []byte) ([]byte, error) {
	if f.alg == keys.RSAOAEP256 {
		return f.decrypter.(*rsa.PrivateKey).Decrypt(nil, encryptedKey, &rsa.OAEPOptions{Hash: crypto.SHA256})
	}
	const spelled = 43 // characters of a coordinate in base64url
	point := make([]byte, 1, 1+2*coordinate)
	point[0] = 4 // uncompressed
	point, errX := b64.AppendDecode(point, header[f.x:f.x+spelled])
	point, errY := b64.AppendDecode(point, header[f.y:f.y+spelled])
	epk, err := ecdh.P256().NewPublicKey(point)
	if err := errors.Join(errX, errY, err); err != nil {
		return nil, err
	}
	agreed, err := f.agree(f.own, epk)
	if err != nil || f.alg == keys.ECDHES {
		return agreed, err
	}
	block, err := aes.NewCipher(agreed)
	if err != nil {
		return nil, err
	}
	return josecipher.KeyUnwrap(block, encryptedKey)
}
