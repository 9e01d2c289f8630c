package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
)

// Sign returns the JWS signature over message in the form of RFC 7518 section 3, such as R || S
// for ES256. Sign waits for a key that lives elsewhere until ctx ends, and verifies its
// signature before it returns it.
//
// It returns [ErrNoKey] when the key cannot sign. For a key that lives elsewhere it
// returns [ErrUnavailable], the error of its signer or of ctx, and [ErrMalformed] when the
// signature does not verify.
func (k *Key) Sign(ctx context.Context, message []byte) ([]byte, error) {
	if k = orZero(k); k.sign == nil {
		return nil, fmt.Errorf("%w: the key %q cannot sign", ErrNoKey, k.id)
	}
	return k.sign(ctx, message)
}

// Verify reports whether signature is this key's JWS signature over message, RFC 7515
// section 5.2 step 8. A key that is not for signing verifies nothing.
func (k *Key) Verify(message, signature []byte) bool {
	k = orZero(k)
	scheme := suites[k.suite].signature
	return scheme != nil && scheme.verify(k.public, message, signature)
}

// signature is how a suite signs and verifies, RFC 7518 section 3.
type signature interface {
	sign(s crypto.Signer, message []byte) ([]byte, error)
	verify(pub crypto.PublicKey, message, signature []byte) bool
}

// coordinateSize is the length in bytes of a number modulo the order of P-256, and of a
// coordinate of a point of P-256 and X25519.
const coordinateSize = 32

type eddsaSignature struct{}

func (eddsaSignature) sign(s crypto.Signer, message []byte) ([]byte, error) {
	// Other options can make the signer use Ed25519ctx or Ed25519ph, which are other algorithms.
	return s.Sign(rand.Reader, message, crypto.Hash(0))
}

func (eddsaSignature) verify(pub crypto.PublicKey, message, signature []byte) bool {
	p, ok := pub.(ed25519.PublicKey)
	return ok && ed25519.Verify(p, message, signature)
}

type pkcs1Signature struct{}

func (pkcs1Signature) sign(s crypto.Signer, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return s.Sign(rand.Reader, digest[:], crypto.SHA256)
}

func (pkcs1Signature) verify(pub crypto.PublicKey, message, signature []byte) bool {
	p, ok := pub.(*rsa.PublicKey)
	digest := sha256.Sum256(message)
	return ok && rsa.VerifyPKCS1v15(p, crypto.SHA256, digest[:], signature) == nil
}

type pssSignature struct{}

// options requires a salt as long as the hash, to verify too: RFC 7518 section 3.5.
func (pssSignature) options() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
}

func (p pssSignature) sign(s crypto.Signer, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return s.Sign(rand.Reader, digest[:], p.options())
}

func (p pssSignature) verify(pub crypto.PublicKey, message, signature []byte) bool {
	r, ok := pub.(*rsa.PublicKey)
	digest := sha256.Sum256(message)
	return ok && rsa.VerifyPSS(r, crypto.SHA256, digest[:], signature, p.options()) == nil
}

// ecdsaSignature is ES256. RFC 7518 section 3.4 writes a signature as R || S, and
// package crypto as SEQUENCE { r INTEGER, s INTEGER } in DER.
type ecdsaSignature struct{}

func (ecdsaSignature) sign(s crypto.Signer, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	der, err := s.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 2*coordinateSize)
	content, rest, ok := cutElement(der, 0x30)
	r, content, okR := cutElement(content, 0x02)
	t, content, okS := cutElement(content, 0x02)
	if !ok || !okR || !okS || len(rest) != 0 || len(content) != 0 ||
		!fillInteger(out[:coordinateSize], r) || !fillInteger(out[coordinateSize:], t) {
		return nil, fmt.Errorf("%w: the signer gave no P-256 signature", ErrMalformed)
	}
	return out, nil
}

// verify leaves it to crypto/ecdsa to check that both numbers are in range and not zero
// (CVE-2022-21449).
func (ecdsaSignature) verify(pub crypto.PublicKey, message, signature []byte) bool {
	p, ok := pub.(*ecdsa.PublicKey)
	if !ok || len(signature) != 2*coordinateSize {
		return false
	}
	var room [2 + 2*(2+1+coordinateSize)]byte
	der := append(room[:0], 0x30, 0) // SEQUENCE
	der = appendInteger(der, signature[:coordinateSize])
	der = appendInteger(der, signature[coordinateSize:])
	der[1] = byte(len(der) - 2)
	digest := sha256.Sum256(message)
	return ecdsa.VerifyASN1(p, digest[:], der)
}

// cutElement returns the content of the DER element with this tag at the start of b, and the
// rest of b. It reads lengths of one byte only, since no signature on P-256 is 128 bytes long.
func cutElement(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag || b[1] >= 0x80 || len(b) < 2+int(b[1]) {
		return nil, nil, false
	}
	end := 2 + int(b[1])
	return b[2:end], b[end:], true
}

// fillInteger writes a DER integer to the end of dst, whose bytes must all be zero. It refuses an
// integer that is negative, zero, too large for dst or not in its shortest form.
func fillInteger(dst, integer []byte) bool {
	if len(integer) > 1 && integer[0] == 0 && integer[1] >= 0x80 {
		integer = integer[1:] // drop the zero that keeps the number positive
	} else if len(integer) == 0 || integer[0] == 0 || integer[0] >= 0x80 {
		return false
	}
	if len(integer) > len(dst) {
		return false
	}
	copy(dst[len(dst)-len(integer):], integer)
	return true
}

// appendInteger appends a number, big-endian, as an INTEGER of DER. It drops leading zeros. It
// puts one zero in front of a first byte from 0x80 on, which would make the number negative,
// and keeps one zero for the number 0.
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
