package jwk

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// rsaBits is the size of generated RSA keys. NIST SP 800-57 asks for at least 3072 bits beyond
// 2030.
const rsaBits = 3072

// generatedIDLength is the number of characters of the thumbprint that a generated kid has. 96
// bits make it practically impossible that two keys of one ring get the same kid by chance.
const generatedIDLength = 16

// Generate draws a new key for the algorithm with this name from the system's random
// source, and returns its private JWK with kid, use and alg. RSA keys get 3072 bits
// and take about a second. It returns [ErrUnsupported] for an unknown name, and the errors
// of [Algorithm.CheckMode].
func Generate(name string) ([]byte, error) {
	all := []Algorithm{ES256, EdDSA, RS256, PS256, ECDHES, ECDHESKW, RSAOAEP256, RSAOAEP, ECDHESX25519, ECDHESKWX25519}
	i := slices.IndexFunc(all, func(a Algorithm) bool { return a.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: no algorithm is called %s", ErrUnsupported, Quote(name))
	}
	if err := all[i].CheckMode(); err != nil {
		return nil, err
	}
	for {
		priv, err := draw(all[i].Kind)
		if err != nil {
			return nil, err
		}
		sum, err := thumbprint(priv.Public())
		if err != nil {
			return nil, err
		}
		// A generated kid begins with a letter or a digit: the command line would read a kid that
		// begins with a dash as a flag.
		if sum[0] != '-' && sum[0] != '_' {
			return Marshal(priv, sum[:generatedIDLength], all[i].Use, all[i].Alg)
		}
	}
}

func draw(k Kind) (PrivateKey, error) {
	switch k {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, priv, err := ed25519.GenerateKey(rand.Reader)
		return priv, err
	case RSA:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return ecdh.X25519().GenerateKey(rand.Reader)
}

// Identify returns the RFC 7638 thumbprint of a public key, in base64url, and the kid: the
// argument kid, or, if that is empty, 16 characters of the thumbprint after any - and _ at its
// start. It returns [ErrWeakKey] for a weak key, and [ErrMalformed] for a key that is not a point
// of its curve and for a kid that [CheckKeyID] refuses.
func Identify(pub any, kid string) (id, print string, err error) {
	if err := checkStrength(pub); err != nil {
		return "", "", err
	}
	if print, err = thumbprint(pub); err != nil {
		return "", "", fmt.Errorf("%w: no thumbprint", ErrMalformed)
	}
	if kid == "" {
		kid = strings.TrimLeft(print, "-_")[:generatedIDLength]
	}
	return kid, print, CheckKeyID(kid)
}

const maxIDLength = 256

// CheckKeyID returns [ErrMalformed] for a kid that is not 1 to 256 characters of printable
// ASCII. It admits all of these characters, because this library never uses a kid in a path or in
// a query.
func CheckKeyID(kid string) error {
	if len(kid) == 0 || len(kid) > maxIDLength {
		return fmt.Errorf("%w: a kid has 1 to %d characters", ErrMalformed, maxIDLength)
	}
	for i := range len(kid) {
		if kid[i] < ' ' || kid[i] > '~' {
			return fmt.Errorf("%w: a kid is printable ASCII", ErrMalformed)
		}
	}
	return nil
}

func encode(b []byte) string { return strict.EncodeBase64URL(b) }
