// Package keys holds the keys that sealed tokens take: their algorithms, and the sets
// that parties exchange.
//
// # Two parties, public keys only
//
// The issuer signs and encrypts; the recipient decrypts and verifies. Each has private
// keys and publishes a JWK Set; a private key never leaves its party. Package keyring
// keeps the private keys of one party and rotates them. Package jwks serves and fetches
// JWK Sets over HTTP.
//
// [ParsePublicSet] reads the public keys of another party, and [ParseKey] a key of our own. A
// [Set] holds the keys of one party: a ring makes one, and [NewSet] makes one of keys
// that come from elsewhere.
//
// # A key is a function
//
// A [Key] signs, verifies, encrypts or decrypts; it cannot give its private half away.
// Packages seal and open call its methods, and most users never do. A private key in a
// KMS or an HSM becomes a Key by [FromSigner], [FromKeyExchanger] or [FromDecrypter].
//
// # Algorithms
//
// A key brings its algorithm: [ES256] and [ECDHES], both on P-256, unless a policy of package
// keyring says otherwise. The set is closed. Every function that takes a key refuses a bad one:
// RSA below 2048 or above 4096 bits or with an exponent that is too small or too large, ROCA
// moduli, points of low order or off the curve.
//
// [RSAOAEP] is RSA-OAEP with SHA-1, which many national schemes demand. SHA-1 is broken only
// for uses that need a hash without collisions, which OAEP does not need. RSAOAEP is used only
// where its name is given: a key whose JWK names no alg is for [RSAOAEP256]. FIPS 140-3 does
// not allow it.
//
// [ECDHESX25519] and [ECDHESA256KWX25519] agree on X25519 (RFC 8037), which makes shorter
// tokens. JOSE has one alg for ECDH-ES on any curve: the JWKs of these suites say ECDH-ES and
// ECDH-ES+A256KW, as those on P-256 do, and the curve of the key tells the suite. FIPS 140-3
// does not allow them, and go-jose refuses a whole JWK Set that has one.
//
// Formats written by this version are read by every later one.
package keys

import (
	"errors"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// The faults of keys, for errors.Is. The texts around them name kids and algorithms,
// never key material.
var (
	// ErrUnsupported: an algorithm, key type, curve or form of a key that is not offered.
	// The key is not damaged, and the text says which of them is not offered.
	ErrUnsupported = jwk.ErrUnsupported
	// ErrMalformed: not a JWK, a JWK Set or a PEM file at all; a key that is damaged, or
	// whose parts do not belong together; a JWE that the key's suite does not make; a key
	// that lives elsewhere and does not fit its public key.
	ErrMalformed = jwk.ErrMalformed
	// ErrWeakKey: an RSA key that is too short or too long, has a bad exponent, an even modulus
	// or comes from a broken generator (ROCA), or a point of low order.
	ErrWeakKey = jwk.ErrWeakKey
	// ErrPrivateKey: private or symmetric key material where only public keys belong.
	ErrPrivateKey = errors.New("keys: private key material in a public key set")
	// ErrDuplicate: a kid or a thumbprint that the ring or set has, or once had.
	ErrDuplicate = errors.New("keys: duplicate key")
	// ErrNoKey: the set has no key that could do the task.
	ErrNoKey = errors.New("keys: no usable key")
	// ErrStale: the keys could not be reloaded for longer than is allowed: the policy's
	// SnapshotAge for a ring, MaxStale for the JWK Set of another party.
	ErrStale = errors.New("keys: the keys could not be reloaded for too long")
	// ErrUnavailable: a key that lives elsewhere, such as in a KMS, did not answer. A
	// crypto.Decrypter wraps this error to say so: see [FromDecrypter].
	ErrUnavailable = errors.New("keys: the key is not available")
)
