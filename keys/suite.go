package keys

import (
	"crypto"
	_ "crypto/sha1" // for the hash of RSAOAEP
	"fmt"
	"strconv"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Use is the purpose of a key, the "use" parameter of RFC 7517 section 4.2. A key has exactly
// one: if one key both signed and decrypted, an attacker could use one operation to attack the
// other.
type Use string

// The two uses.
const (
	UseSig Use = "sig" // sign and verify
	UseEnc Use = "enc" // encrypt and decrypt
)

// Suite is the one algorithm that a key is for (RFC 7518 sections 3 and 4). The set is closed: an
// algorithm that is not named here is never offered, neither `none`, nor HMAC, RSA1_5 or
// passwords (PBES2). The zero Suite is not an algorithm and stands for "not said".
type Suite uint8

// Signing suites, then key management suites.
const (
	ES256 Suite = iota + 1 // ECDSA on P-256 with SHA-256; the default for signing
	EdDSA                  // Ed25519 (RFC 8037); RFC 9864 calls it Ed25519, which is read too
	RS256                  // RSASSA-PKCS1-v1_5 with SHA-256
	PS256                  // RSASSA-PSS with SHA-256 and a salt of 32 bytes

	ECDHES       // ECDH-ES on P-256, direct key agreement; the default for encryption
	ECDHESA256KW // ECDH-ES on P-256, then AES-256 key wrap
	RSAOAEP256   // RSAES-OAEP with SHA-256 and MGF1 with SHA-256

	ECDHESX25519       // ECDH-ES on X25519 (RFC 8037 section 3.2), direct key agreement
	ECDHESA256KWX25519 // ECDH-ES on X25519, then AES-256 key wrap

	// RSAOAEP is RSAES-OAEP with SHA-1 and MGF1 with SHA-1. SHA-1 is broken for uses that need a
	// hash without collisions, and OAEP does not need one. RSAOAEP is for parties that support
	// nothing else. No default chooses it: a key without "alg" gets it only where the caller
	// names it. GODEBUG=fips140=only refuses it.
	RSAOAEP
)

// suite is a row of the table suites. It has a signature or a management, and the row of the zero
// Suite has neither.
type suite struct {
	jwk.Algorithm
	signature  signature
	management management
}

// suites has a row for each Suite. A JWK without "alg", read without Hint.Suite, gets the first
// suite of its kind and use.
var suites = []suite{
	ES256:        {jwk.ES256, ecdsaSignature{}, nil},
	EdDSA:        {jwk.EdDSA, eddsaSignature{}, nil},
	RS256:        {jwk.RS256, pkcs1Signature{}, nil},
	PS256:        {jwk.PS256, pssSignature{}, nil},
	ECDHES:       {jwk.ECDHES, nil, agreement{}},
	ECDHESA256KW: {jwk.ECDHESKW, nil, agreement{wraps: true}},
	RSAOAEP256:   {jwk.RSAOAEP256, nil, oaep{crypto.SHA256}},

	ECDHESX25519:       {jwk.ECDHESX25519, nil, agreement{}},
	ECDHESA256KWX25519: {jwk.ECDHESKWX25519, nil, agreement{wraps: true}},

	RSAOAEP: {jwk.RSAOAEP, nil, oaep{crypto.SHA1}},
}

// Suites returns all suites, those that sign before those that encrypt.
func Suites() []Suite {
	return []Suite{ES256, EdDSA, RS256, PS256, ECDHES, ECDHESX25519, ECDHESA256KW, ECDHESA256KWX25519, RSAOAEP256, RSAOAEP}
}

// ParseSuite returns the suite of this name, as String writes it: the JOSE name of the algorithm
// ("alg"), with /X25519 behind it for that curve. It reads Ed25519 as [EdDSA]. It returns
// [ErrUnsupported] for every name that is not offered.
func ParseSuite(name string) (Suite, error) {
	for s := ES256; int(s) < len(suites); s++ {
		if name == suites[s].Name || s == EdDSA && s.matches(name) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: algorithm %s", ErrUnsupported, jwk.Quote(name))
}

// suiteOf returns the suite that a JWK means by "alg". For ECDH-ES the curve of the key
// decides, since RFC 7518 section 4.6 and RFC 8037 section 3.2 use the same names for P-256 and
// X25519. If the algorithm is not for this kind of key, suiteOf returns a suite of another
// kind, which the caller refuses.
func suiteOf(alg string, k jwk.Kind) (found Suite, err error) {
	for s := ES256; int(s) < len(suites); s++ {
		if s.matches(alg) && (found == 0 || s.kind() == k) {
			found = s
		}
	}
	if found == 0 {
		err = fmt.Errorf("%w: algorithm %s", ErrUnsupported, jwk.Quote(alg))
	}
	return found, err
}

// Alg returns the JOSE name of the algorithm, as tokens and JWKs spell it. For ECDH-ES it is
// the same on both curves.
func (s Suite) Alg() string {
	if !s.valid() {
		return ""
	}
	return suites[s].Alg
}

// matches reports whether alg, from a token or a JWK, names this suite. The names of
// ECDH-ES match the suites of both curves.
func (s Suite) matches(alg string) bool {
	return s.valid() && (alg == suites[s].Alg || s == EdDSA && alg == "Ed25519")
}

// Use returns the use of the keys of this suite.
func (s Suite) Use() Use {
	if !s.valid() {
		return ""
	}
	return Use(suites[s].Use)
}

// String returns the name of the suite, for people and flags: the JOSE name, or ECDH-ES/X25519
// and ECDH-ES+A256KW/X25519. For a number N that is not a suite it returns Suite(N).
func (s Suite) String() string {
	if !s.valid() {
		return "Suite(" + strconv.Itoa(int(s)) + ")"
	}
	return suites[s].Name
}

// MarshalText returns the name that [ParseSuite] reads, and an empty text for a number that is
// not a suite.
func (s Suite) MarshalText() ([]byte, error) {
	if !s.valid() {
		return nil, nil
	}
	return []byte(suites[s].Name), nil
}

// management returns the key management of a suite, nil for none.
func (s Suite) management() management {
	if !s.valid() {
		return nil
	}
	return suites[s].management
}

func (s Suite) valid() bool { return s >= ES256 && int(s) < len(suites) }

func (s Suite) kind() jwk.Kind {
	if !s.valid() {
		return 0
	}
	return suites[s].Kind
}

// defaultSuite returns the suite of a key of this kind and use that names no algorithm, and
// false if no suite is for them.
func defaultSuite(k jwk.Kind, u Use) (Suite, bool) {
	for s := ES256; int(s) < len(suites); s++ {
		if suites[s].Kind == k && s.Use() == u {
			return s, true
		}
	}
	return 0, false
}
