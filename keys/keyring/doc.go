// Package keyring keeps the private keys of one party: encrypted in a store, rotated by a
// policy, revoked in an emergency.
//
// A service that issues tokens has a [Ring] with signing keys, a service that accepts
// them has one with decryption keys, and a service that does both has one ring with both
// uses.
//
// [OpenOrCreate] opens the ring in a [Store], and makes one on the first start. Package filestore
// is the store for most programs, and its OpenOrCreate needs two paths only. [NewMemStore] is the
// store for tests. A stored ring is encrypted under a random key, and each key encryption key
// ([KEKFile], [NewKEK] or [PassphraseKEK]) wraps that key, so a thief who has only the stored
// ring learns no key. Back up the ring and the KEK, apart from each other: without a KEK the ring
// is lost for good, and a thief who has both has all your keys.
//
// # States
//
// A key goes from staged to active to retired to destroyed, or from any of them to revoked (NIST
// SP 800-57: pre-activation, active, deactivated, destroyed, compromised). A use has at most one
// active key, and as a rule a staged successor beside it. A destroyed or revoked key never comes
// into use again: a tombstone stays, and its kid never comes back. The tombstone of a key that
// the ring made takes 22 bytes of the stored ring, so daily keys fill half of a ring in 35 years
// ([Ring.Fullness]). The number of everything else in a ring is bounded. The two uses mirror each
// other. The ring publishes a signing key before it signs, and erases the private half when the
// key retires. The ring holds a decryption key before it publishes the key, and keeps the private
// half until the last token is dead.
//
//	           signing: private / published     decryption: private / published
//	staged     held / yes                       opens / no
//	active     signs / yes                      opens / yes
//	retired    erased / yes                     opens / no
//	destroyed  erased / no                      erased / no
//	revoked    erased / no                      opens until its tokens are dead / no
//
// A revoked decryption key is erased at once if it was staged, or if [Revocation].Erase is set.
//
// # Windows
//
// A rotation that hurries logs users out: a verifier does not have the new signing key yet,
// or a sealer still uses the old encryption key. The waiting times follow from the [Policy]:
// token lifetime T, leeway L, clock skew S, cache age C, publish lag D, snapshot age R.
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
// A key remembers the largest figures that were in force while the ring held the key, so a policy
// that shrinks ends nothing early. The issuer's ring and the recipient's ring each have a T. To
// shorten T, change the issuer's policy first; to lengthen it, change the recipient's policy
// first.
//
// # Clocks
//
// No window is counted by one clock alone. A look is one call of [Ring.Rotate], by any process.
// The first look that finds a window over records the time of the look in the ring. A later look
// acts when the whole window has passed once more since that record. So, while all clocks are
// right, Rotate keeps a key staged, or retired, for two windows at least, and a period has to be
// at least two windows of a staged key long. The end of a period takes two looks as well: the
// first look comes a window before the end, so a period is as long as the policy says.
//
// A host whose clock is more than S before a record clears the record. A host ignores a date that
// is more than S ahead of its clock: the window, or the period, then counts from the record of a
// look. No date is rewritten, and [KeyInfo] reports a date that is ahead. One host whose clock is
// wrong by any amount thus shortens no window. That host can hold a rotation up while it calls
// Rotate. The rotation resumes within a window after that host is gone, and within three where
// that host wrote a date that passes meanwhile. [Ring.RotateNow], [Ring.Revoke], [Ring.Import]
// and [Create] need no second look, because a person asked.
//
// # Rotating
//
// [Ring.Rotate] does one step that is due, and [Ring.Run] does all steps for as long as a service
// runs; any number of processes may do either, on one ring. [Ring.RotateNow] brings the end of a
// period forward, [Ring.Revoke] is for emergencies.
//
// A Ring works from a snapshot that it reloads once a minute while it is in use. Run reloads it
// about once a second, or, where the store is a [Watcher], milliseconds after a change. When the
// store cannot be read for longer than R, the Ring decrypts and does nothing else: by then
// another process may have retired the key that the Ring signs with. A Ring refuses a store that
// holds an older generation than the Ring has seen, a fork or another ring, or that lost its
// ring. A [Memory] carries this over a restart.
//
// Formats written by this version are read by every later one.
package keyring

import (
	"errors"

	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
)

// The errors of this package, for errors.Is. Errors of package keys are wrapped too. The texts
// name kids, algorithms and files, never key material.
var (
	// ErrConfig: a Config without a Store or a KEK or with a Memory that is a nil pointer, an
	// empty path or name, one path for two files, a nil function, or a Ring or a Store that no
	// constructor made.
	ErrConfig = errors.New("keyring: invalid configuration")
	// ErrExists: the store has a ring already, and Create does not replace it.
	ErrExists = errors.New("keyring: there is a ring already")
	// ErrUnreadable: the stored ring is damaged, was moved or has a newer format, or the key
	// encryption key does not belong to it. A damaged ring and a wrong key often look the same.
	ErrUnreadable = ringjwe.ErrUnreadable
	// ErrKEK: the key encryption key itself is missing, malformed or unsafely stored, or does not
	// unwrap what it wrapped.
	ErrKEK = ringjwe.ErrKEK
	// ErrRollback: the store no longer has the ring that was seen before: it holds an older
	// generation, a fork, another ring, or none. The text says which.
	ErrRollback = errors.New("keyring: the ring was rolled back")
	// ErrState: the change is not allowed in the key's or the ring's present state, or there are
	// too few or too many KEKs or bytes.
	ErrState = errors.New("keyring: not allowed in this state")
	// ErrWindow: a window is not over yet; see [WindowError].
	ErrWindow = errors.New("keyring: a window is not over yet")
	// ErrPolicy: the durations of a policy contradict each other or are out of bounds, or its
	// suites or uses do not fit.
	ErrPolicy = errors.New("keyring: invalid policy")
)
