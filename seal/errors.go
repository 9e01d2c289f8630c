package seal

import "errors"

// The reasons why New, NewSelective, Ready or Seal fail, for errors.Is. The texts of errors name
// claims, never the values of claims. Errors of package keys (keys.ErrNoKey, keys.ErrStale, …)
// and of the key sources are wrapped, so errors.Is finds them too.
var (
	// ErrConfig: a constructor was given a configuration that cannot work; see
	// [ConfigError].
	ErrConfig = errors.New("seal: invalid configuration")
	// ErrClaims: the claims are not one JSON object with unique names, or have a claim that the
	// sealer writes itself, or a field of Claims has a value that a token cannot have. In the
	// selective form also: a claim is neither visible nor read by any recipient, the claims lack a
	// claim that Reads names, or a visible claim has a name that has another meaning in SD-JWT.
	ErrClaims = errors.New("seal: invalid claims")
	// ErrReadable: a stranger would read personal data in the token.
	ErrReadable = errors.New("seal: personal data would be readable")
	// ErrSameKey: two recipients have the same kid, so neither could tell which JWE is its
	// own.
	ErrSameKey = errors.New("seal: two recipients have the same key")
	// ErrLifetime: the token would live longer than the policy of the signing ring allows, or
	// longer than Session.NotAfter.
	ErrLifetime = errors.New("seal: lifetime too long")
	// ErrTooLarge: the token would be longer than Limits.MaxSize, or a JWE header longer than
	// openers read.
	ErrTooLarge = errors.New("seal: token too large")
	// ErrSigning: the signing key failed to sign, as a key in another device or service can.
	ErrSigning = errors.New("seal: signing failed")
)

// ConfigError describes a mistake in a configuration. It is an [ErrConfig].
type ConfigError struct {
	Field   string // such as Recipient.Keys or Recipients[0].Reads
	Problem string // for people: what follows Field in the sentence, such as "is required"
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
