package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// rsaBits is the size of generated RSA keys: what NIST SP 800-57 asks for beyond
// 2030.
const rsaBits = 3072

// generatedIDLength is how much of the thumbprint is the kid: 96 bits, far
// beyond an accidental twin among the keys of one ring.
const generatedIDLength = 16

// Generate makes a new key for suite from the system's random source. RSA keys
// get 3072 bits and take about a second. It returns [ErrUnsupported] for a suite
// that does not exist, and for X25519 with GODEBUG=fips140=only.
func Generate(suite Suite) (*Key, error) {
	for {
		priv, err := generateMaterial(suite.kind())
		if err != nil {
			return nil, err
		}
		k, err := newPrivateKey("", suite, priv)
		if err != nil {
			return nil, err
		}
		// A kid that starts with a dash would be read as a flag.
		if c := k.thumbprint[0]; c != '-' && c != '_' {
			return k, nil
		}
	}
}

// privateHalf is what every private key of the standard library is: it signs, or it
// agrees on keys.
type privateHalf interface{ Public() crypto.PublicKey }

func generateMaterial(k kind) (privateHalf, error) {
	switch k {
	case kindP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case kindEd25519:
		_, priv, err := ed25519.GenerateKey(rand.Reader)
		return priv, err
	case kindRSA:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case kindX25519:
		return generateX25519()
	}
	return nil, fmt.Errorf("%w: no such suite", ErrUnsupported)
}

// newKey is the one way to a Key: it fixes the algorithm, refuses weak public
// keys and computes thumbprint and, if kid is empty, kid.
func newKey(kid string, suite Suite, pub crypto.PublicKey) (*Key, error) {
	if k, ok := kindOf(pub); !ok || k != suite.kind() {
		return nil, fmt.Errorf("%w: %v with this type of key", ErrUnsupported, suite)
	}
	if err := checkStrength(pub); err != nil {
		return nil, err
	}
	sum, err := thumbprint(pub)
	if err != nil {
		return nil, fmt.Errorf("%w: no thumbprint", ErrMalformed)
	}
	k := &Key{id: kid, thumbprint: strict.EncodeBase64URL(sum), suite: suite, material: pub, public: pub}
	if p, ok := pub.(*ecdsa.PublicKey); ok && suite.Use() == UseEnc {
		// Once, and not for every token that is sealed to it.
		if k.public, err = p.ECDH(); err != nil {
			return nil, fmt.Errorf("%w: not a point of P-256", ErrMalformed)
		}
	}
	if kid == "" {
		k.id = strings.TrimLeft(k.thumbprint, "-_")[:generatedIDLength]
	}
	if err := checkID(k.id); err != nil {
		return nil, err
	}
	return k, nil
}

// newPrivateKey takes an *ecdsa.PrivateKey, ed25519.PrivateKey, *rsa.PrivateKey or
// *ecdh.PrivateKey on X25519 and keeps it behind handles.
func newPrivateKey(kid string, suite Suite, priv privateHalf) (*Key, error) {
	k, err := newKey(kid, suite, priv.Public())
	if err != nil {
		return nil, err
	}
	if err := k.addHandles(priv); err != nil {
		return nil, err
	}
	k.private = func() ([]byte, error) {
		return json.Marshal(writtenJWK{priv, k.id, k.Use(), suite.Alg()})
	}
	return k, nil
}

func (k *Key) addHandles(priv privateHalf) error {
	if s, ok := priv.(crypto.Signer); ok && k.Use() == UseSig {
		k.signer = signerHandle{s.Public(), func(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
			if !k.suite.signsWith(o) {
				return nil, fmt.Errorf("%w: the key is for %v only", ErrUnsupported, k.suite)
			}
			return s.Sign(r, digest, o)
		}}
		return nil
	}
	switch p := priv.(type) {
	case *rsa.PrivateKey:
		k.decrypter = decrypterHandle{p.Public(), func(r io.Reader, c []byte, o crypto.DecrypterOpts) ([]byte, error) {
			// Without options crypto/rsa decrypts PKCS #1 v1.5, and is an oracle.
			if oaep, ok := o.(*rsa.OAEPOptions); !ok || oaep.Hash != crypto.SHA256 || oaep.MGFHash != 0 && oaep.MGFHash != crypto.SHA256 {
				return nil, fmt.Errorf("%w: the key is for %v only", ErrUnsupported, k.suite)
			}
			return p.Decrypt(r, c, o)
		}}
	case *ecdsa.PrivateKey:
		x, err := p.ECDH()
		if err != nil {
			return fmt.Errorf("%w: not a P-256 key", ErrMalformed)
		}
		k.exchanger = exchangerHandle{x.PublicKey(), x.ECDH}
	case *ecdh.PrivateKey:
		k.exchanger = exchangerHandle{p.PublicKey(), p.ECDH}
	}
	return nil
}

// signsWith reports whether options ask for this suite, and not for another that the
// same key could do.
func (s Suite) signsWith(o crypto.SignerOpts) bool {
	pss, isPSS := o.(*rsa.PSSOptions)
	switch {
	case o == nil || isPSS != (s == PS256):
		return false
	case isPSS:
		return pss.Hash == crypto.SHA256 && pss.SaltLength == rsa.PSSSaltLengthEqualsHash
	case s == EdDSA:
		return o == crypto.Hash(0) // any other options make another algorithm, Ed25519ctx or Ed25519ph
	}
	return o.HashFunc() == crypto.SHA256
}

func kindOf(pub crypto.PublicKey) (kind, bool) {
	switch p := pub.(type) {
	case *ecdsa.PublicKey:
		return kindP256, p.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return kindEd25519, true
	case *rsa.PublicKey:
		return kindRSA, true
	case *ecdh.PublicKey:
		return kindX25519, p.Curve() == ecdh.X25519()
	}
	return 0, false
}
