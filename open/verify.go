package open

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"

	"github.com/sealjwt/sealjwt/keys"
)

// verify checks a JWS signature, RFC 7515 section 5.2 step 8. Every failure is
// ErrNotAuthentic.
func verify(k *keys.Key, signed, signature []byte) error {
	if !isSignature(k, signed, signature) {
		return ErrNotAuthentic
	}
	return nil
}

func isSignature(k *keys.Key, signed, signature []byte) bool {
	digest := sha256.Sum256(signed)
	switch pub := k.Public().(type) {
	case *ecdsa.PublicKey:
		// Two numbers of fixed length, RFC 7518 section 3.4; that they are in
		// range, and not zero (CVE-2022-21449), crypto/ecdsa checks.
		if len(signature) != 2*coordinateSize {
			return false
		}
		r := new(big.Int).SetBytes(signature[:coordinateSize])
		s := new(big.Int).SetBytes(signature[coordinateSize:])
		return ecdsa.Verify(pub, digest[:], r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(pub, signed, signature)
	case *rsa.PublicKey:
		if k.Suite() == keys.PS256 {
			// The salt has the length of the hash, RFC 7518 section 3.5, no other.
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			return rsa.VerifyPSS(pub, crypto.SHA256, digest[:], signature, options) == nil
		}
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}
