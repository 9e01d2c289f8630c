package seal

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// coordinateSize is the length in bytes of each half of an ES256 signature.
const coordinateSize = 32

// appendSigned makes a compact JWS, RFC 7515 section 7.1, and appends it to dst.
func appendSigned(dst []byte, k *keys.Key, typ string, payload []byte) ([]byte, error) {
	start := len(dst)
	header := make([]byte, 0, 128)
	header = append(header, `{"alg":"`...)
	header = append(header, k.Suite().Alg()...)
	header = append(header, `","kid":`...)
	header = strict.AppendString(header, k.ID())
	header = append(header, `,"typ":`...)
	header = strict.AppendString(header, typ)
	header = append(header, '}')
	dst = strict.AppendBase64URL(dst, header)
	dst = append(dst, '.')
	dst = strict.AppendBase64URL(dst, payload)
	signature, err := signature(k, dst[start:])
	if err == nil && len(signature) != signatureSize(k) {
		err = errors.New("the signer gave no signature of this algorithm")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigning, err)
	}
	dst = append(dst, '.')
	return strict.AppendBase64URL(dst, signature), nil
}

// signature is the JWS signature over input in the form of RFC 7518 section 3.
func signature(k *keys.Key, input []byte) ([]byte, error) {
	if k.Suite() == keys.EdDSA {
		return k.Signer().Sign(rand.Reader, input, crypto.Hash(0))
	}
	digest := sha256.Sum256(input)
	switch k.Suite() {
	case keys.ES256:
		der, err := k.Signer().Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return fixedLength(der)
	case keys.RS256:
		return k.Signer().Sign(rand.Reader, digest[:], crypto.SHA256)
	case keys.PS256:
		return k.Signer().Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	return nil, errors.New("the key's algorithm does not sign")
}

// signatureSize is the length in bytes of every signature by k. A signer that
// lives elsewhere may give anything.
func signatureSize(k *keys.Key) int {
	if pub, ok := k.Public().(*rsa.PublicKey); ok {
		return pub.Size()
	}
	return 2 * coordinateSize // ES256, and EdDSA, RFC 8032 section 5.1.6
}

// fixedLength turns the ASN.1 form that crypto.Signer gives, SEQUENCE { r INTEGER, s
// INTEGER } in DER, into R || S, RFC 7518 section 3.4.
func fixedLength(der []byte) ([]byte, error) {
	out := make([]byte, 2*coordinateSize)
	content, rest, ok := element(der, 0x30)
	r, content, okR := element(content, 0x02)
	s, content, okS := element(content, 0x02)
	if !ok || !okR || !okS || len(rest) != 0 || len(content) != 0 || !fill(out[:coordinateSize], r) || !fill(out[coordinateSize:], s) {
		return nil, errors.New("the signer gave no P-256 signature")
	}
	return out, nil
}

// element is the content of the DER element with this tag at the start of b, and what
// follows it. No signature on P-256 has a length that takes more than one byte.
func element(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag || b[1] >= 0x80 || len(b) < 2+int(b[1]) {
		return nil, nil, false
	}
	end := 2 + int(b[1])
	return b[2:end], b[end:], true
}

// fill writes a DER integer into all of dst, unless it is negative, zero, too large or
// not in its shortest form.
func fill(dst, integer []byte) bool {
	if len(integer) > 1 && integer[0] == 0 && integer[1] >= 0x80 {
		integer = integer[1:] // the sign
	} else if len(integer) == 0 || integer[0] == 0 || integer[0] >= 0x80 {
		return false
	}
	if len(integer) > len(dst) {
		return false
	}
	copy(dst[len(dst)-len(integer):], integer)
	return true
}
