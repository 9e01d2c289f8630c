package seal

import "errors"

// The reasons why Seal returns no token, for errors.Is. Texts name claims, never their
// values. Errors of the keys package (keys.ErrNoKey, keys.ErrStale, …) and of the key
// sources are wrapped, so errors.Is finds them too.
var (
	// ErrConfig: a constructor was given a configuration that cannot work; see
	// [ConfigError].
	ErrConfig = errors.New("seal: invalid configuration")
	// ErrClaims: the claims are not one JSON object with unique names, or have a claim that
	// the sealer writes itself. In the selective form also: no recipient reads a claim that
	// is not visible, a claim in Reads is missing, or a visible claim has a name that
	// SD-JWT gives another meaning.
	ErrClaims = errors.New("seal: invalid claims")
	// ErrReadable: a stranger would read personal data in the token.
	ErrReadable = errors.New("seal: personal data would be readable")
	// ErrSameKey: two recipients have the same kid, so neither could tell which JWE is its
	// own.
	ErrSameKey = errors.New("seal: two recipients have the same key")
	// ErrLifetime: longer than the policy of the signing ring allows, or than the session
	// does.
	ErrLifetime = errors.New("seal: lifetime too long")
	// ErrTooLarge: the token would be longer than Limits.MaxSize.
	ErrTooLarge = errors.New("seal: token too large")
	// ErrSigning: the signing key failed, as one that lives elsewhere can.
	ErrSigning = errors.New("seal: signing failed")
)

// ConfigError describes a mistake in a configuration. It is an [ErrConfig].
type ConfigError struct {
	Field   string // such as Recipient.Keys or Recipients[0].Reads
	Problem string // for people; it goes on where Field ends
}

// Error returns the field and the problem.
func (e *ConfigError) Error() string {
	if e == nil {
		return "<nil>"
	}
	return ErrConfig.Error() + ": " + e.Field + " " + e.Problem
}

// Is makes a ConfigError an [ErrConfig].
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }
