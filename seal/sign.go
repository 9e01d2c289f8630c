package seal

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// coordinateSize is the length in bytes of each half of an ES256 signature.
const coordinateSize = 32

// sign makes a compact JWS, RFC 7515 section 7.1.
func sign(k *keys.Key, typ string, payload []byte) ([]byte, error) {
	header, err := marshal(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}{k.Suite().Alg(), k.ID(), typ})
	if err != nil {
		return nil, err
	}
	input := strict.EncodeBase64URL(header) + "." + strict.EncodeBase64URL(payload)
	signature, err := signature(k, []byte(input))
	if err == nil && len(signature) != signatureSize(k) {
		err = errors.New("the signer gave no signature of this algorithm")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigning, err)
	}
	return []byte(input + "." + strict.EncodeBase64URL(signature)), nil
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

// fixedLength turns the ASN.1 form that crypto.Signer gives into R || S, RFC 7518
// section 3.4.
func fixedLength(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) != 0 || !isScalar(sig.R) || !isScalar(sig.S) {
		return nil, errors.New("the signer gave no P-256 signature")
	}
	out := make([]byte, 2*coordinateSize)
	sig.R.FillBytes(out[:coordinateSize])
	sig.S.FillBytes(out[coordinateSize:])
	return out, nil
}

func isScalar(n *big.Int) bool { return n.Sign() > 0 && n.BitLen() <= 8*coordinateSize }
