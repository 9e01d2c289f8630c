// Package keys holds the keys that sealed tokens take: their algorithms, the sets
// that parties exchange, and the ring in which one party keeps its own.
//
// # Two parties, public keys only
//
// The issuer signs and encrypts; the recipient decrypts and verifies. Each has a
// ring of private keys and publishes a JWK Set; a private key never leaves its
// ring, and not even this package's API gives one out. A service that is both has
// one ring with both uses.
//
// # Rings
//
// [Create] makes a ring in a [Store], [Open] opens it; package filestore is the
// store for most, [MemStore] the one for tests. A ring is encrypted under a key
// encryption key ([KeyFile], [RawKey] or [Passphrase]) as one JWE, so whoever
// reads the file reads nothing. Back up the ring and the KEK, apart from each
// other: a lost KEK is final, and the two together are all your keys.
//
// # States
//
// A key goes from staged to active to retired to destroyed, or from any of them to
// revoked. The two uses mirror each other: of a signing key the public half goes
// out first and the private half is erased when it retires; of a decryption key
// the private half is there first and is kept until the last token is dead.
//
//	           signing: private / published     decryption: private / published
//	staged     held / yes                       opens / no
//	active     signs / yes                      opens / yes
//	retired    erased / yes                     opens / no
//	destroyed  erased / no                      erased / no
//	revoked    erased / no                      opens until its tokens are dead / no
//
// # Algorithms
//
// A key brings its algorithm: [ES256] and [ECDHES], both on P-256, unless a policy
// says otherwise. The set is closed. Keys that are weak are refused on every way
// in: RSA below 2048 bits or with a small exponent, ROCA moduli, points of low
// order or off the curve.
//
// Formats written by this version are read by every later one.
package keys
