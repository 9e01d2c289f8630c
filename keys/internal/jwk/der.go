package jwk

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

// privateKeyInfo is a PKCS#8 key, RFC 5208 section 5 and RFC 5958 section 2.
type privateKeyInfo struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	PrivateKey []byte
	Attributes asn1.RawValue  `asn1:"optional,tag:0"`
	PublicKey  asn1.BitString `asn1:"optional,tag:1"`
}

// ecPrivateKey is a SEC1 key, RFC 5915 section 3.
type ecPrivateKey struct {
	Version    int
	PrivateKey []byte
	Curve      asn1.RawValue  `asn1:"optional,explicit,tag:0"`
	PublicKey  asn1.BitString `asn1:"optional,explicit,tag:1"`
}

// publicKeyInfo is a SubjectPublicKeyInfo, RFC 5280 section 4.1.
type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	PublicKey asn1.BitString
}

// certificate is an X.509 certificate up to its key, RFC 5280 section 4.1. parseCertificate reads
// it instead of package x509, which fails on a certificate whose key it does not support.
type certificate struct {
	Signed struct {
		Version                                   int `asn1:"optional,explicit,default:0,tag:0"`
		Serial, Signature, Issuer, Dates, Subject asn1.RawValue
		PublicKey                                 asn1.RawValue
	}
}

func parsePrivate(block *pem.Block) (JWK, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return JWK{}, fmt.Errorf("%w: the PEM key has a passphrase: remove it first, with openssl pkey -in FILE", ErrUnsupported)
	}
	switch block.Type {
	case "PRIVATE KEY":
		return parsePKCS8(block.Bytes)
	case "EC PRIVATE KEY":
		return parseSEC1(block.Bytes)
	case "RSA PRIVATE KEY":
		return rsaPrivate(block.Type, block.Bytes)
	case "DSA PRIVATE KEY":
		return JWK{}, unsupported("a DSA key")
	case "OPENSSH PRIVATE KEY":
		return JWK{}, unsupported("a key of OpenSSH; ssh-keygen -p -m PKCS8 -f COPY makes PKCS#8 of a copy")
	}
	return JWK{}, fmt.Errorf("%w: PEM block %s", ErrUnsupported, Quote(block.Type))
}

func parsePKCS8(der []byte) (JWK, error) {
	const label = "PRIVATE KEY"
	var info privateKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return JWK{}, damaged(label)
	}
	switch {
	case info.Algorithm.Algorithm.Equal(oidRSA):
		return rsaPrivate(label, info.PrivateKey)
	case info.Algorithm.Algorithm.Equal(oidRSAPSS):
		if err := checkPSS(label, info.Algorithm.Parameters); err != nil {
			return JWK{}, err
		}
		j, err := rsaPrivate(label, info.PrivateKey)
		j.Alg = PS256.Alg
		return j, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return JWK{}, nameFault(label, info.Algorithm)
	}
	j := newJWK(key)
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		err = checkSEC1(j.Public, info.PrivateKey)
	}
	return j, errors.Join(err, checkHalves(j.Public, info.PublicKey))
}

func parseSEC1(der []byte) (JWK, error) {
	const label = "EC PRIVATE KEY"
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		var e ecPrivateKey
		if _, err := asn1.Unmarshal(der, &e); err != nil {
			return JWK{}, damaged(label)
		}
		return JWK{}, nameFault(label, pkix.AlgorithmIdentifier{Algorithm: oidEC, Parameters: asn1.RawValue{FullBytes: e.Curve.Bytes}})
	}
	return newJWK(key), checkSEC1(&key.PublicKey, der)
}

// checkSEC1 refuses a SEC1 key that holds another public key than own. Package x509 ignores the
// public key in a SEC1 key.
func checkSEC1(own crypto.PublicKey, der []byte) error {
	var e ecPrivateKey
	if _, err := asn1.Unmarshal(der, &e); err != nil {
		return damaged("EC PRIVATE KEY")
	}
	return checkHalves(own, e.PublicKey)
}

// checkHalves returns nil if two public keys are equal: beside, which stands in the file of a
// private key, and own, which follows from that private key. It also returns nil if beside is
// empty, because such a file need not hold a public key.
func checkHalves(own crypto.PublicKey, beside asn1.BitString) error {
	if beside.BitLength == 0 {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(own)
	if err != nil {
		return errHalves
	}
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return errHalves
	}
	got, want := beside.RightAlign(), info.PublicKey.RightAlign()
	if _, ok := own.(*ecdsa.PublicKey); ok && got[0] != want[0] {
		// beside is compressed (SEC 1 section 2.3.3): 2 if y is even or 3 if y is odd, then x.
		want = append([]byte{2 + want[len(want)-1]&1}, want[1:1+len(want)/2]...)
	}
	if !bytes.Equal(got, want) {
		return errHalves
	}
	return nil
}

// rsaPrivate reads an RSAPrivateKey, RFC 8017 appendix A.1.2.
func rsaPrivate(label string, der []byte) (JWK, error) {
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		var k struct {
			Version int
			N, E    *big.Int
		}
		if _, err := asn1.Unmarshal(der, &k); err != nil {
			return JWK{}, damaged(label)
		}
		return JWK{}, rsaFault(label, k.N, k.E)
	}
	if len(key.Primes) != 2 {
		return JWK{}, errPrimes
	}
	return newJWK(key), nil
}

func parsePublic(block *pem.Block) (JWK, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return parsePKIX(block.Type, block.Bytes)
	case "RSA PUBLIC KEY":
		return rsaPublic(block.Type, block.Bytes)
	}
	return JWK{}, fmt.Errorf("%w: PEM block %s", ErrUnsupported, Quote(block.Type))
}

func parsePKIX(label string, der []byte) (JWK, error) {
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return JWK{}, damaged(label)
	}
	switch {
	case info.Algorithm.Algorithm.Equal(oidRSA):
		return rsaPublic(label, info.PublicKey.RightAlign())
	case info.Algorithm.Algorithm.Equal(oidRSAPSS):
		if err := checkPSS(label, info.Algorithm.Parameters); err != nil {
			return JWK{}, err
		}
		j, err := rsaPublic(label, info.PublicKey.RightAlign())
		j.Alg = PS256.Alg
		return j, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return JWK{}, nameFault(label, info.Algorithm)
	}
	return newJWK(key), nil
}

// rsaPublic reads an RSAPublicKey, RFC 8017 appendix A.1.1.
func rsaPublic(label string, der []byte) (JWK, error) {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		var k struct{ N, E *big.Int }
		if _, err := asn1.Unmarshal(der, &k); err != nil {
			return JWK{}, damaged(label)
		}
		return JWK{}, rsaFault(label, k.N, k.E)
	}
	return newJWK(key), nil
}

// rsaFault returns the reason why package x509 failed to read an RSA key: its modulus or
// exponent is out of bounds, or the key is damaged.
func rsaFault(label string, n, e *big.Int) error {
	if n.Sign() > 0 && e.Sign() > 0 {
		if err := checkRSABounds(n, e); err != nil {
			return err
		}
	}
	return damaged(label)
}

// parseCertificate returns the key of a certificate. It does not judge the certificate:
// neither its signature, nor its period of validity, nor its purposes.
func parseCertificate(block *pem.Block) (JWK, error) {
	var c certificate
	if _, err := asn1.Unmarshal(block.Bytes, &c); err != nil {
		return JWK{}, damaged(block.Type)
	}
	return parsePKIX(block.Type, c.Signed.PublicKey.FullBytes)
}

// nameFault returns the reason why package x509 failed to read a key: the kind of key is not
// supported, or not allowed in this process (CheckMode), or the key is damaged.
func nameFault(label string, a pkix.AlgorithmIdentifier) error {
	if a.Algorithm.Equal(oidX25519) && ECDHESX25519.CheckMode() != nil {
		return ECDHESX25519.CheckMode()
	}
	if name := nameOf(a); name != "" {
		return unsupported(name)
	}
	return damaged(label)
}

func unsupported(name string) error { return fmt.Errorf("%w: %s", ErrUnsupported, name) }

func isDamaged(err error) bool { return errors.Is(err, ErrMalformed) }

var (
	errHalves = fmt.Errorf("%w: the private and the public half do not belong together", ErrMalformed)
	errPrimes = fmt.Errorf("%w: RSA with more than two primes", ErrUnsupported)
)
