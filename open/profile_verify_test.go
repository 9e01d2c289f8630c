package open

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha512" // the hashes of the algorithms with 384 and 512 in their names
	"math/big"
)

// extendedVerify decides about a signed token for which the shipped half has no key.
func (p *profile) extendedVerify(token string) ([]byte, error) {
	s, err := parseAnyJWS(token)
	if err != nil {
		return nil, err
	}
	k, err := p.other(s.header)
	if err != nil {
		return nil, err
	}
	if !k.isSignature(s.input, s.signature) {
		return nil, ErrNotAuthentic
	}
	return s.payload, nil
}

// isSignature is RFC 7518 section 3; k.alg is HS, RS, PS or ES and the size of the hash.
func (k *otherKey) isSignature(signed, signature []byte) bool {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[k.alg[2:]]
	if k.alg[:2] == "HS" {
		mac := hmac.New(hash.New, k.material.([]byte))
		mac.Write(signed)
		return hmac.Equal(mac.Sum(nil), signature)
	}
	h := hash.New()
	h.Write(signed)
	digest := h.Sum(nil)
	switch public := k.material.(type) {
	case *rsa.PrivateKey:
		return isRSASignature(k.alg, &public.PublicKey, hash, digest, signature)
	case *rsa.PublicKey:
		return isRSASignature(k.alg, public, hash, digest, signature)
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(public, digest, r, s)
	}
	return false
}

func isRSASignature(alg string, public *rsa.PublicKey, hash crypto.Hash, digest, signature []byte) bool {
	if alg[:2] == "PS" {
		return rsa.VerifyPSS(public, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
}
