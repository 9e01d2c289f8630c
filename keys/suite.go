package keys

import (
	"fmt"
	"strconv"
)

// Use is what a key is for, the "use" parameter of RFC 7517 section 4.2. A key
// has exactly one: a key that both signs and decrypts lends each operation to
// the attacks on the other.
type Use string

// The two uses.
const (
	UseSig Use = "sig" // sign and verify
	UseEnc Use = "enc" // encrypt and decrypt
)

// Suite is the one algorithm a key is for (RFC 7518 sections 3 and 4). The set
// is closed: what is not named here is never offered, neither `none`, nor HMAC,
// RSA1_5, RSA-OAEP with SHA-1 or passwords in tokens. The zero Suite is not an
// algorithm and stands for "not said".
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
)

// kind is the sort of key material that a suite takes.
type kind uint8

const (
	kindP256 kind = iota + 1
	kindEd25519
	kindRSA
	kindX25519
)

func (k kind) String() string {
	return [...]string{"unknown", "P-256", "Ed25519", "RSA", "X25519"}[k]
}

// suites is indexed by Suite. Among suites of one kind and use the first is the
// one that a JWK without "alg" gets. JOSE has one name for ECDH-ES on any curve, so
// the name of a suite is another one where the curve is not the default.
var suites = [...]struct {
	name, alg string
	use       Use
	kind      kind
}{
	ES256:        {"ES256", "ES256", UseSig, kindP256},
	EdDSA:        {"EdDSA", "EdDSA", UseSig, kindEd25519},
	RS256:        {"RS256", "RS256", UseSig, kindRSA},
	PS256:        {"PS256", "PS256", UseSig, kindRSA},
	ECDHES:       {"ECDH-ES", "ECDH-ES", UseEnc, kindP256},
	ECDHESA256KW: {"ECDH-ES+A256KW", "ECDH-ES+A256KW", UseEnc, kindP256},
	RSAOAEP256:   {"RSA-OAEP-256", "RSA-OAEP-256", UseEnc, kindRSA},

	ECDHESX25519:       {"ECDH-ES/X25519", "ECDH-ES", UseEnc, kindX25519},
	ECDHESA256KWX25519: {"ECDH-ES+A256KW/X25519", "ECDH-ES+A256KW", UseEnc, kindX25519},
}

// Suites returns all suites, those that sign before those that encrypt.
func Suites() []Suite {
	return []Suite{ES256, EdDSA, RS256, PS256, ECDHES, ECDHESX25519, ECDHESA256KW, ECDHESA256KWX25519, RSAOAEP256}
}

// ParseSuite returns the suite of this name, as String writes it: the JOSE name of
// the algorithm ("alg"), with /X25519 behind it for that curve. It returns
// [ErrUnsupported] for every name that is not offered.
func ParseSuite(name string) (Suite, error) {
	for s := ES256; int(s) < len(suites); s++ {
		if name == suites[s].name || s == EdDSA && s.Matches(name) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: algorithm %s", ErrUnsupported, quote(name))
}

// suiteOf returns the suite that a JWK means by "alg", which its curve decides: RFC
// 7518 section 4.6 and RFC 8037 section 3.2 share their names. Where the algorithm is
// not for this kind of key, it is a suite of another kind.
func suiteOf(alg string, k kind) (found Suite, err error) {
	for s := ES256; int(s) < len(suites); s++ {
		if s.Matches(alg) && (found == 0 || s.kind() == k) {
			found = s
		}
	}
	if found == 0 {
		err = fmt.Errorf("%w: algorithm %s", ErrUnsupported, quote(alg))
	}
	return found, err
}

// Alg returns the JOSE name of the algorithm, as tokens and JWKs spell it. It does not
// tell the curve of ECDH-ES.
func (s Suite) Alg() string {
	if !s.valid() {
		return ""
	}
	return suites[s].alg
}

// Matches reports whether alg, from a token or a JWK, names this suite. Of ECDH-ES it
// names those of both curves.
func (s Suite) Matches(alg string) bool {
	return s.valid() && (alg == suites[s].alg || s == EdDSA && alg == "Ed25519")
}

// Use returns what keys of this suite are for.
func (s Suite) Use() Use {
	if !s.valid() {
		return ""
	}
	return suites[s].use
}

// String returns the name of the suite, for people and flags: that of Alg, or
// ECDH-ES/X25519 and ECDH-ES+A256KW/X25519.
func (s Suite) String() string {
	if !s.valid() {
		return "Suite(" + strconv.Itoa(int(s)) + ")"
	}
	return suites[s].name
}

// MarshalText writes the name that [ParseSuite] reads, and nothing for no suite.
func (s Suite) MarshalText() ([]byte, error) {
	if !s.valid() {
		return nil, nil
	}
	return []byte(suites[s].name), nil
}

// UnmarshalText is [ParseSuite].
func (s *Suite) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSuite(string(text))
	return err
}

func (s Suite) valid() bool { return s >= ES256 && int(s) < len(suites) }

func (s Suite) kind() kind {
	if !s.valid() {
		return 0
	}
	return suites[s].kind
}

// defaultSuite is the algorithm of a key of this kind that does not name one.
func defaultSuite(k kind, u Use) (Suite, bool) {
	for s := ES256; int(s) < len(suites); s++ {
		if suites[s].kind == k && suites[s].use == u {
			return s, true
		}
	}
	return 0, false
}
