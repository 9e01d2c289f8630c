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
)

// kind is the sort of key material that a suite takes.
type kind uint8

const (
	kindP256 kind = iota + 1
	kindEd25519
	kindRSA
)

func (k kind) String() string {
	return [...]string{"unknown", "P-256", "Ed25519", "RSA"}[k]
}

// suites is indexed by Suite. Among suites of one kind and use the first is the
// one that a JWK without "alg" gets.
var suites = [...]struct {
	alg  string
	use  Use
	kind kind
}{
	ES256:        {"ES256", UseSig, kindP256},
	EdDSA:        {"EdDSA", UseSig, kindEd25519},
	RS256:        {"RS256", UseSig, kindRSA},
	PS256:        {"PS256", UseSig, kindRSA},
	ECDHES:       {"ECDH-ES", UseEnc, kindP256},
	ECDHESA256KW: {"ECDH-ES+A256KW", UseEnc, kindP256},
	RSAOAEP256:   {"RSA-OAEP-256", UseEnc, kindRSA},
}

// ParseSuite returns the suite of a JOSE algorithm name ("alg"). It returns
// [ErrUnsupported] for every name that is not offered.
func ParseSuite(alg string) (Suite, error) {
	for s := ES256; int(s) < len(suites); s++ {
		if s.Matches(alg) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: algorithm %s", ErrUnsupported, quote(alg))
}

// Alg returns the JOSE name of the algorithm, as tokens and JWKs spell it.
func (s Suite) Alg() string {
	if !s.valid() {
		return ""
	}
	return suites[s].alg
}

// Matches reports whether alg, from a token or a JWK, names this suite.
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

// String returns the JOSE name, for people.
func (s Suite) String() string {
	if !s.valid() {
		return "Suite(" + strconv.Itoa(int(s)) + ")"
	}
	return suites[s].alg
}

// MarshalText writes the JOSE name.
func (s Suite) MarshalText() ([]byte, error) { return []byte(s.Alg()), nil }

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
