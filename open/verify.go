package open

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"

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
	switch pub := k.Public().(type) {
	case *ecdsa.PublicKey:
		return isES256(pub, signed, signature)
	case ed25519.PublicKey:
		return ed25519.Verify(pub, signed, signature)
	case *rsa.PublicKey:
		digest := sha256.Sum256(signed)
		if k.Suite() == keys.PS256 {
			// The salt has the length of the hash, RFC 7518 section 3.5, no other.
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			return rsa.VerifyPSS(pub, crypto.SHA256, digest[:], signature, options) == nil
		}
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}

// isES256 checks two numbers of fixed length, RFC 7518 section 3.4; that they are in
// range, and not zero (CVE-2022-21449), crypto/ecdsa checks.
func isES256(pub *ecdsa.PublicKey, signed, signature []byte) bool {
	if len(signature) != 2*coordinateSize {
		return false
	}
	var room [2 + 2*(2+1+coordinateSize)]byte
	der := append(room[:0], 0x30, 0) // SEQUENCE
	der = appendInteger(der, signature[:coordinateSize])
	der = appendInteger(der, signature[coordinateSize:])
	der[1] = byte(len(der) - 2)
	digest := sha256.Sum256(signed)
	return ecdsa.VerifyASN1(pub, digest[:], der)
}

// appendInteger appends a number as an INTEGER of DER: without leading zeros, but for
// one where it would else be negative, or empty.
func appendInteger(der, number []byte) []byte {
	for len(number) > 1 && number[0] == 0 {
		number = number[1:]
	}
	if number[0] >= 0x80 {
		der = append(der, 2, byte(len(number)+1), 0)
	} else {
		der = append(der, 2, byte(len(number)))
	}
	return append(der, number...)
}
