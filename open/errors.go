package open

import "errors"

// Why a token was refused, for errors.Is. The texts hold nothing of the token,
// so they may be logged; what to tell a client is the caller's choice, and "no"
// is a good one.
var (
	// ErrConfig: New was given a Config that cannot work.
	ErrConfig = errors.New("open: invalid configuration")

	// ErrMalformed: not a token of this form, or one that is spelled in any but
	// the one canonical way.
	ErrMalformed = errors.New("open: malformed token")
	// ErrAlgorithm: an algorithm that is not the one its key is for.
	ErrAlgorithm = errors.New("open: the algorithm is not the one of the key")
	// ErrNotAuthentic: decryption or signature failed. There is no telling
	// which, nor why: whoever could tell would have an oracle.
	ErrNotAuthentic = errors.New("open: token is not authentic")
	// ErrKey: no usable key has the kid that the token names, or it names none.
	ErrKey = errors.New("open: no key for this token")
	// ErrKeySource: the keys could not be had; the source's error is wrapped.
	ErrKeySource = errors.New("open: keys are not available")

	// ErrType: another typ or cty than expected, or a token of the other form.
	ErrType = errors.New("open: token of another type")
	// ErrIssuer: an iss that is not trusted, or none.
	ErrIssuer = errors.New("open: issuer is not trusted")
	// ErrAudience: a token that is meant for others, or for nobody.
	ErrAudience = errors.New("open: token is for another audience")
	// ErrExpired: the token was good once. It says nothing else about it.
	ErrExpired = errors.New("open: token expired")
	// ErrNotYetValid: nbf or iat lies in the future.
	ErrNotYetValid = errors.New("open: token is not valid yet")
	// ErrLifetime: the token lives longer than MaxLifetime.
	ErrLifetime = errors.New("open: token lifetime too long")
	// ErrClaims: a required claim is missing, or a registered one is of the wrong
	// type or contradicts another or its copy in the header.
	ErrClaims = errors.New("open: invalid claims")
	// ErrRefused: Config.Check refused the token; its error is wrapped.
	ErrRefused = errors.New("open: token refused")
)
