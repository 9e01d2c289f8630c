package keys

import (
	"errors"
	"strconv"
)

// What can be wrong with keys and rings, for errors.Is. The texts around them
// name kids, algorithms and files, never key material.
var (
	// ErrUnsupported: an algorithm, key type or curve that is not offered.
	ErrUnsupported = errors.New("keys: not supported")
	// ErrMalformed: not a JWK, a JWK Set or a PEM file at all.
	ErrMalformed = errors.New("keys: malformed")
	// ErrWeakKey: too short, a bad exponent, a known-bad generator, a point of low order.
	ErrWeakKey = errors.New("keys: weak key")
	// ErrPrivateKey: private or symmetric key material where only public keys belong.
	ErrPrivateKey = errors.New("keys: private key material in a public key set")
	// ErrDuplicate: a kid or a thumbprint that the ring or set has, or once had.
	ErrDuplicate = errors.New("keys: duplicate key")
	// ErrNoKey: the set has no key that could do what was asked.
	ErrNoKey = errors.New("keys: no usable key")
	// ErrExists: there is a ring already, and nothing replaces a ring.
	ErrExists = errors.New("keys: there is a ring already")
	// ErrUnreadable: the ring is damaged, or the key encryption key is not its own.
	// The two cannot be told apart.
	ErrUnreadable = errors.New("keys: the ring cannot be opened: wrong key file or passphrase, or a damaged ring")
	// ErrKEK: the key encryption key itself is missing, malformed or unsafely stored.
	ErrKEK = errors.New("keys: unusable key encryption key")
	// ErrStale: the store could not be read for longer than the policy's SnapshotAge, or
	// the JWK Set of another party not for longer than is allowed.
	ErrStale = errors.New("keys: the keys could not be reloaded for too long")
	// ErrRollback: the store holds an older or a forked ring than was seen before.
	ErrRollback = errors.New("keys: the ring was rolled back")
	// ErrState: the change is not allowed in the key's or the ring's present state.
	ErrState = errors.New("keys: not allowed in this state")
	// ErrWindow: a window is not over yet; see [WindowError].
	ErrWindow = errors.New("keys: a window is not over yet")
	// ErrPolicy: durations that contradict each other.
	ErrPolicy = errors.New("keys: invalid policy")
)

// quote makes a name from outside printable and short: a kid or an algorithm
// can hold terminal escapes, line feeds or a megabyte.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
