// Package keys holds the keys that sealed tokens take: their algorithms, the sets
// that parties exchange, and the ring in which one party keeps its own.
//
// # Two parties, public keys only
//
// The issuer signs and encrypts; the recipient decrypts and verifies. Each has a
// ring of private keys and publishes a JWK Set; a private key never leaves its
// ring, and not even this package's API gives one out. A service that is both has
// one ring with both uses. Package jwks serves and fetches the sets over HTTP.
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
// revoked (NIST SP 800-57: pre-activation, active, deactivated, destroyed,
// compromised). There is exactly one active key for each use, and a staged successor
// beside it. Destroyed and revoked are final: a tombstone stays, and a kid never
// comes back. The two uses mirror each other: of a signing key the public half goes
// out first and the private half is erased when it retires; of a decryption key the
// private half is there first and is kept until the last token is dead.
//
//	           signing: private / published     decryption: private / published
//	staged     held / yes                       opens / no
//	active     signs / yes                      opens / yes
//	retired    erased / yes                     opens / no
//	destroyed  erased / no                      erased / no
//	revoked    erased / no                      opens until its tokens are dead / no
//
// # Windows
//
// A rotation that hurries logs people out: a verifier does not have the new signing
// key yet, a sealer still uses the old encryption key. How long to wait follows from
// the [Policy]: token lifetime T, leeway L, clock skew S, cache age C, publish lag D,
// snapshot age R.
//
//	signing     |-- staged ------|-- active ---|-- retired -------| destroyed
//	            published, held  | signs       | erased, verifies |
//	            <-- I1 at least ->             <-- I2 at least -->
//
//	decryption  |-- staged ------|-- active ---|-- retired -------| destroyed
//	            opens            | published   | opens            |
//	            <-- I3 at least ->             <-- I4 at least -->
//
//	                                               default
//	I1  R + D + C + S           every verifier has the public key       25 h 2 min
//	I2  R + T + L + 2S          the last token it signed is dead         2 h 3 min
//	I3  R + S                   every opener has the private key        61 min
//	I4  R + D + C + T + L + 2S  the last one sealed to it is dead       26 h 4 min
//
// A key remembers the largest figures that were in force while it was in use, so a
// policy that shrinks ends nothing early. Two parties each go by their own ring: shorten
// T at the issuer first, lengthen it at the recipient first. A key is destroyed in two looks, a
// whole window apart, so that one clock that jumped ahead, or was behind when the key
// retired, destroys nothing early.
//
// # Rotating
//
// [Ring.Rotate] does the one step that is due, [Ring.Run] all of them for as long as
// a service runs; any number of processes may do either, on one ring. [Ring.RotateNow]
// brings the end of a period forward, [Ring.Revoke] is for emergencies.
//
// A Ring works from a snapshot that it reloads once a minute. When the store cannot be
// read for longer than R, it decrypts and does nothing else: by then others may have
// retired the key that it signs with. A store that was set back to an older ring, or to
// a fork of it, is refused by everybody who has seen a newer one; [OpenSince] carries
// that memory over a restart.
//
// # Algorithms
//
// A key brings its algorithm: [ES256] and [ECDHES], both on P-256, unless a policy
// says otherwise. The set is closed. Keys that are weak are refused on every way
// in: RSA below 2048 bits or with a small exponent, ROCA moduli, points of low
// order or off the curve.
//
// [ECDHESX25519] and [ECDHESA256KWX25519] agree on X25519 (RFC 8037), which makes
// shorter tokens. JOSE has one alg for ECDH-ES on any curve: their JWKs say ECDH-ES
// and ECDH-ES+A256KW, and the curve of the key tells the suite. FIPS 140-3 does not
// allow them, and go-jose refuses a whole JWK Set that has one.
//
// Formats written by this version are read by every later one.
package keys
