package seal

import "errors"

// Why there is no token, for errors.Is. Texts name claims, never their values.
// Errors of the keys package (keys.ErrNoKey, keys.ErrStale, …) and of the sources
// themselves are wrapped and can be told apart too.
var (
	// ErrConfig: New was given a Config that cannot work.
	ErrConfig = errors.New("seal: invalid configuration")
	// ErrClaims: the claims are not one JSON object with unique names, or name
	// a claim that the sealer writes itself, or one that a selective token would
	// show to nobody or lacks.
	ErrClaims = errors.New("seal: invalid claims")
	// ErrReadable: a stranger would read personal data in the token.
	ErrReadable = errors.New("seal: personal data would be readable")
	// ErrSameKey: two recipients have the same kid, so neither could tell what is
	// sealed to whom.
	ErrSameKey = errors.New("seal: two recipients have the same key")
	// ErrLifetime: longer than the policy of the signing ring allows.
	ErrLifetime = errors.New("seal: lifetime too long")
	// ErrTooLarge: the token would be longer than MaxSize.
	ErrTooLarge = errors.New("seal: token too large")
	// ErrSigning: the signing key, which lives elsewhere, failed.
	ErrSigning = errors.New("seal: signing failed")
)
