// Package keys holds the keys that sign, verify, encrypt and decrypt tokens, with their
// algorithms, and the sets of public keys that parties exchange.
//
// # Two parties, public keys only
//
// The issuer signs and encrypts; the recipient decrypts and verifies. Each has private
// keys and publishes a JWK Set; a private key never leaves its party. Package keyring
// keeps the private keys of one party and rotates them. Package jwks serves and fetches
// JWK Sets over HTTP.
//
// [ParsePublicSet] reads the public keys of another party, and [ParseKey] a key of our own. A
// [Set] holds the keys of one party: a ring of package keyring makes its Sets itself, and
// [NewSet] makes a Set of keys that come from elsewhere.
//
// # A key is a function
//
// A [Key] signs, verifies, encrypts or decrypts, and no method returns its private half. Packages
// seal and open call its methods, and most users never do. A private key in a KMS or an HSM
// becomes a Key by [FromSigner], [FromKeyExchanger] or [FromDecrypter].
//
// # Algorithms
//
// A key has one algorithm, and a token cannot choose another. A ring makes keys for [ES256] and
// [ECDHES], both on P-256, unless its policy says otherwise. A program cannot add an algorithm.
// No function makes a [Key] of a bad key: RSA below 2048 or above 4096 bits or with an exponent
// that is too small or too large, an even modulus, a ROCA modulus, a point off P-256, a point of
// low order.
//
// [RSAOAEP] is RSA-OAEP with SHA-1, which many national schemes demand. SHA-1 is broken only for
// uses that need a hash without collisions, which OAEP does not need. RSAOAEP is used only where
// its name is given: a key whose JWK names no alg is for [RSAOAEP256]. A process with
// GODEBUG=fips140=only refuses RSAOAEP.
//
// [ECDHESX25519] and [ECDHESA256KWX25519] agree on X25519 (RFC 8037), which makes shorter tokens.
// JOSE has one alg for ECDH-ES on any curve: the JWKs of these suites say ECDH-ES and
// ECDH-ES+A256KW, as the JWKs of the suites on P-256 do, and the curve of the key tells the
// suite. A process with GODEBUG=fips140=only refuses both suites, and go-jose refuses a whole JWK
// Set that has a key for X25519.
//
// Formats written by this version are read by every later one.
package keys

import (
	"errors"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// The errors of this package, for errors.Is. The texts around them name kids and algorithms,
// never key material.
var (
	// ErrUnsupported: this library does not offer an algorithm, key type, curve or form of a key,
	// GODEBUG=fips140=only forbids it, or the key is for another algorithm or use. It is also the
	// error for a key whose use is not known. The key is not damaged, and the text names the
	// reason.
	ErrUnsupported = jwk.ErrUnsupported
	// ErrMalformed: not a JWK, a JWK Set or a PEM file at all; a key that is damaged, or whose
	// parts do not belong together; a JWE that the key's suite does not make; a key that lives
	// elsewhere and does not fit its public key; a [SetConfig] that contradicts itself.
	ErrMalformed = jwk.ErrMalformed
	// ErrWeakKey: an RSA key that is too short or too long, has a bad exponent, an even modulus
	// or comes from a broken generator (ROCA), or a point of low order.
	ErrWeakKey = jwk.ErrWeakKey
	// ErrPrivateKey: private or symmetric key material where only public keys belong.
	ErrPrivateKey = errors.New("keys: private key material in a public key set")
	// ErrDuplicate: another key of the ring or the set has the same kid or thumbprint, or a key
	// that the ring once had; or two key encryption keys have one id.
	ErrDuplicate = errors.New("keys: duplicate key")
	// ErrNoKey: the ring or the set has no key for the task, such as to sign or to decrypt, or the
	// key that was given for the task cannot do it.
	ErrNoKey = errors.New("keys: no usable key")
	// ErrStale: the keys could not be reloaded for longer than is allowed: the policy's
	// SnapshotAge for a ring, MaxStale for the JWK Set of another party.
	ErrStale = errors.New("keys: the keys could not be reloaded for too long")
	// ErrUnavailable: a key that lives elsewhere, such as in a KMS, did not answer. A
	// crypto.Decrypter wraps this error to say so: see [FromDecrypter].
	ErrUnavailable = errors.New("keys: the key is not available")
)
