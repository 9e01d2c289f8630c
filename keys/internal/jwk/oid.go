package jwk

import (
	"crypto"
	//lint:ignore SA1019 package x509 returns keys of crypto/dsa, which this file only names
	"crypto/dsa"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"reflect"
)

var (
	oidRSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidEC     = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidX25519 = asn1.ObjectIdentifier{1, 3, 101, 110}

	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// otherKeys names the key types that are not supported and that a user may have, by the object
// identifier of the algorithm, for error texts.
var otherKeys = map[string]string{
	"1.2.840.113549.1.1.7":    "an RSAES-OAEP key; an RSA key of the ordinary kind is for RSA-OAEP-256 too",
	"1.2.840.10040.4.1":       "a DSA key",
	"1.2.840.113549.1.3.1":    "a Diffie-Hellman key",
	"1.2.840.10046.2.1":       "a Diffie-Hellman key",
	"1.3.101.111":             "a key on the curve X448",
	"1.3.101.113":             "a key on the curve Ed448",
	"1.2.643.7.1.1.1.1":       "a GOST key",
	"1.2.643.7.1.1.1.2":       "a GOST key",
	"2.16.840.1.101.3.4.3.17": "an ML-DSA-44 key",
	"2.16.840.1.101.3.4.3.18": "an ML-DSA-65 key",
	"2.16.840.1.101.3.4.3.19": "an ML-DSA-87 key",
	"2.16.840.1.101.3.4.4.1":  "an ML-KEM-512 key",
	"2.16.840.1.101.3.4.4.2":  "an ML-KEM-768 key",
	"2.16.840.1.101.3.4.4.3":  "an ML-KEM-1024 key",
}

// curves are the names of elliptic curves by their object identifiers (RFC 5480 section
// 2.1.1.1, SEC 2, RFC 5639). read says whether package x509 reads keys on the curve.
var curves = map[string]struct {
	name string
	read bool
}{
	"1.2.840.10045.3.1.7":   {"P-256", true},
	"1.3.132.0.33":          {"P-224", true},
	"1.3.132.0.34":          {"P-384", true},
	"1.3.132.0.35":          {"P-521", true},
	"1.2.840.10045.3.1.1":   {"P-192", false},
	"1.3.132.0.10":          {"secp256k1", false},
	"1.3.36.3.3.2.8.1.1.7":  {"brainpoolP256r1", false},
	"1.3.36.3.3.2.8.1.1.11": {"brainpoolP384r1", false},
	"1.3.36.3.3.2.8.1.1.13": {"brainpoolP512r1", false},
	"1.2.156.10197.1.301":   {"SM2", false},
}

const onlyP256 = "; EC keys have to be on P-256"

// nameOf describes a key with this algorithm, for people. It returns an empty text for a key
// type that is supported, and for a curve that package x509 reads: then the fault is another
// one.
func nameOf(a pkix.AlgorithmIdentifier) string {
	oid := a.Algorithm
	switch {
	case oid.Equal(oidEC):
		return nameOfCurve(a.Parameters)
	case oid.Equal(oidRSA), oid.Equal(oidRSAPSS), oid.Equal(oidX25519), oid.Equal(oidEd25519):
		return ""
	}
	if name, ok := otherKeys[oid.String()]; ok {
		return name
	}
	return "a key for the algorithm with the object identifier " + shortOID(oid)
}

// nameOfCurve describes an EC key with these parameters, RFC 5480 section 2.1.1.
func nameOfCurve(parameters asn1.RawValue) string {
	var oid asn1.ObjectIdentifier
	_, err := asn1.Unmarshal(parameters.FullBytes, &oid)
	c, known := curves[oid.String()]
	switch {
	case len(parameters.FullBytes) == 0:
		return "an EC key that does not name its curve" + onlyP256
	case err != nil:
		return "an EC key that spells out the parameters of its curve; openssl ec -param_enc named_curve names it"
	case !known:
		return "an EC key on the curve with the object identifier " + shortOID(oid) + onlyP256
	case c.read:
		return ""
	}
	return "an EC key on the curve " + c.name + onlyP256
}

// shortOID returns the text of an object identifier, cut after 16 numbers: a file may hold one
// of any length.
func shortOID(oid asn1.ObjectIdentifier) string {
	const most = 16
	if len(oid) > most {
		return oid[:most].String() + "…"
	}
	return oid.String()
}

// Describe describes a public key that is not supported, for people.
func Describe(pub crypto.PublicKey) string {
	switch p := pub.(type) {
	case *ecdsa.PublicKey:
		if p != nil && p.Curve != nil {
			return "an EC key on the curve " + p.Params().Name + onlyP256
		}
	case *ecdh.PublicKey:
		if p != nil {
			return fmt.Sprintf("a key on the curve %v", p.Curve())
		}
	case *dsa.PublicKey:
		return "a DSA key"
	}
	return fmt.Sprintf("a key of type %v", reflect.TypeOf(pub))
}
