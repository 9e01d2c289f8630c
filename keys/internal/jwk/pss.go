package jwk

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// pssParameters are the restrictions of an RSA-PSS key, RFC 4055 section 3.1. If the hash is
// left out, it is SHA-1.
type pssParameters struct {
	Hash       pkix.AlgorithmIdentifier `asn1:"explicit,optional,tag:0"`
	Mask       pkix.AlgorithmIdentifier `asn1:"explicit,optional,tag:1"`
	SaltLength int                      `asn1:"explicit,optional,tag:2,default:20"`
	Trailer    int                      `asn1:"explicit,optional,tag:3,default:1"`
}

var (
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidMGF1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
)

var hashes = map[string]string{
	"1.3.14.3.2.26":          "SHA-1",
	"2.16.840.1.101.3.4.2.1": "SHA-256",
	"2.16.840.1.101.3.4.2.2": "SHA-384",
	"2.16.840.1.101.3.4.2.3": "SHA-512",
	"2.16.840.1.101.3.4.2.4": "SHA-224",
}

// pssSaltLength is the length of the salt of PS256 in bytes, RFC 7518 section 3.5. An RSA-PSS
// key may demand a longer salt, since its parameter is a least length.
const pssSaltLength = 32

// checkPSS refuses an RSA-PSS key whose parameters do not allow PS256. A key without
// parameters has no restrictions (RFC 4055 section 1.2).
func checkPSS(label string, parameters asn1.RawValue) error {
	if len(parameters.FullBytes) == 0 {
		return nil
	}
	var p pssParameters
	if rest, err := asn1.Unmarshal(parameters.FullBytes, &p); err != nil || len(rest) > 0 {
		return damaged(label)
	}
	if !p.Hash.Algorithm.Equal(oidSHA256) {
		return restricted("the hash " + nameOfHash(p.Hash.Algorithm))
	}
	if len(p.Mask.Algorithm) > 0 && !p.Mask.Algorithm.Equal(oidMGF1) {
		return restricted("the mask generation function " + shortOID(p.Mask.Algorithm))
	}
	mask, err := hashOfMask(p.Mask.Parameters)
	switch {
	case err != nil, p.SaltLength < 0:
		return damaged(label)
	case !mask.Equal(oidSHA256):
		return restricted("MGF1 with " + nameOfHash(mask))
	case p.SaltLength > pssSaltLength:
		return restricted(fmt.Sprintf("salts of at least %d bytes", p.SaltLength))
	case p.Trailer != 1:
		return restricted(fmt.Sprintf("the trailer field %d", p.Trailer))
	}
	return nil
}

func restricted(to string) error {
	return fmt.Errorf("%w: an RSA-PSS key that is restricted to %s, and %s has SHA-256, MGF1 with SHA-256 and a salt of %d bytes",
		ErrUnsupported, to, PS256.Name, pssSaltLength)
}

// hashOfMask returns the hash of MGF1, nil if the parameters leave it out: then it is SHA-1.
func hashOfMask(parameters asn1.RawValue) (asn1.ObjectIdentifier, error) {
	if len(parameters.FullBytes) == 0 || bytes.Equal(parameters.FullBytes, asn1.NullBytes) {
		return nil, nil
	}
	var hash pkix.AlgorithmIdentifier
	_, err := asn1.Unmarshal(parameters.FullBytes, &hash)
	return hash.Algorithm, err
}

func nameOfHash(oid asn1.ObjectIdentifier) string {
	if len(oid) == 0 {
		return "SHA-1"
	}
	if name, ok := hashes[oid.String()]; ok {
		return name
	}
	return "with the object identifier " + shortOID(oid)
}
