package jwks

import "errors"

// What can go wrong, for errors.Is; besides these keys.ErrStale, keys.ErrPrivateKey,
// keys.ErrMalformed and the error of a context. The texts name URLs without their query
// and the status of an answer, and nothing else that a server sent.
var (
	// ErrConfig: a configuration that cannot work.
	ErrConfig = errors.New("jwks: invalid configuration")
	// ErrURL: a URL that is not https, or not usable otherwise.
	ErrURL = errors.New("jwks: not a usable URL")
	// ErrFetch: there was no answer, or none that can be used.
	ErrFetch = errors.New("jwks: fetching failed")
	// ErrMetadata: what an issuer says about itself is not about that issuer, or does
	// not say where its keys are.
	ErrMetadata = errors.New("jwks: unusable issuer metadata")
)
