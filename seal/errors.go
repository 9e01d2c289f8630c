package seal

import "errors"

// Why there is no token, for errors.Is. Texts name claims, never their values.
// Errors of the keys package (keys.ErrNoKey, keys.ErrStale, …) and of the sources
// themselves are wrapped and can be told apart too.
var (
	// ErrConfig: New was given a Config that cannot work.
	ErrConfig = errors.New("seal: invalid configuration")
	// ErrClaims: the claims are not one JSON object with unique names, or name
	// a claim that the sealer writes itself.
	ErrClaims = errors.New("seal: invalid claims")
	// ErrLifetime: longer than the policy of the signing ring allows.
	ErrLifetime = errors.New("seal: lifetime too long")
	// ErrTooLarge: the token would be longer than MaxSize.
	ErrTooLarge = errors.New("seal: token too large")
	// ErrSigning: the signing key, which lives elsewhere, failed.
	ErrSigning = errors.New("seal: signing failed")
)
