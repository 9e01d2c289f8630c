package open

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Why a token was refused, for errors.Is.
var (
	// ErrConfig: New was given a Config that cannot work.
	ErrConfig error = &Error{text: "open: invalid configuration"}

	// ErrMalformed: not a token of this form, or one that is spelled in any but
	// the one canonical way.
	ErrMalformed error = &Error{text: "open: malformed token"}
	// ErrAlgorithm: an algorithm that is not the one its key is for.
	ErrAlgorithm error = &Error{text: "open: the algorithm is not the one of the key"}
	// ErrNotAuthentic: decryption or signature failed. There is no telling
	// which, nor why: whoever could tell would have an oracle.
	ErrNotAuthentic error = &Error{text: "open: token is not authentic"}
	// ErrKey: no usable key has the kid that the token names, or it names none.
	ErrKey error = &Error{text: "open: no key for this token"}
	// ErrKeySource: the keys could not be had; the source's error is wrapped.
	ErrKeySource error = &Error{text: "open: keys are not available"}

	// ErrType: another typ or cty than expected, or a token of the other form.
	ErrType error = &Error{text: "open: token of another type"}
	// ErrIssuer: an iss that is not trusted, or none.
	ErrIssuer error = &Error{text: "open: issuer is not trusted"}
	// ErrAudience: a token that is meant for others, or for nobody.
	ErrAudience error = &Error{text: "open: token is for another audience"}
	// ErrExpired: the token was good once. It says nothing else about it.
	ErrExpired error = &Error{text: "open: token expired"}
	// ErrNotYetValid: nbf or iat lies in the future.
	ErrNotYetValid error = &Error{text: "open: token is not valid yet"}
	// ErrLifetime: the token lives longer than MaxLifetime.
	ErrLifetime error = &Error{text: "open: token lifetime too long"}
	// ErrClaims: a required claim is missing, or a registered one is of the wrong
	// type or contradicts another or its copy in the header.
	ErrClaims error = &Error{text: "open: invalid claims"}
	// ErrRefused: Config.Check refused the token; its error is wrapped.
	ErrRefused error = &Error{text: "open: token refused"}
)

// Error is what Open returns when it refuses a token. There are two texts, for two
// readers: Error, which may be sent to whoever sent the token, and Detail, which is
// for the logs of the service. It prints as the first, whatever the verb.
type Error struct {
	text   string
	detail string
	class  error // one of the above, nil if this is one
	cause  error // of a key source or of Config.Check
}

// Error returns the class of the refusal and, for ErrClaims, a fixed phrase. It holds
// nothing of the token, of its keys or of the service.
func (e *Error) Error() string { return e.text }

// Detail returns the reason in full: which kid the token names and which are held,
// which claim differs and how, what the key source said. It may hold headers, times,
// iss, aud and jti as the token has them, quoted and cut, though nobody may have
// vouched for them; never another claim, a token or a key. Of failed decryption and
// signatures it tells no more than Error.
func (e *Error) Detail() string {
	detail := e.text
	if e.detail != "" {
		detail += ": " + e.detail
	}
	if e.cause != nil {
		detail += ": " + e.cause.Error()
	}
	return detail
}

// Unwrap returns the class, for errors.Is, and the error of a key source or of
// Config.Check.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.class, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Format prints Error, also for the verbs that walk a struct's fields.
func (e Error) Format(f fmt.State, _ rune) { io.WriteString(f, e.text) }

// refuse is a refusal of that class.
func refuse(class error, detail string, args ...any) error {
	return &Error{text: class.Error(), class: class, detail: fmt.Sprintf(detail, args...)}
}

// refuseClaims is a refusal for a reason that may be told: phrase is fixed, but for
// names that the configuration gives.
func refuseClaims(phrase, detail string, args ...any) error {
	return &Error{text: ErrClaims.Error() + ": " + phrase, class: ErrClaims, detail: fmt.Sprintf(detail, args...)}
}

// refuseFor is a refusal that somebody else has decided.
func refuseFor(class, cause error) error {
	return &Error{text: class.Error(), class: class, cause: cause}
}

// shown is how much of a text of the token stands in a Detail, in bytes.
const shown = 64

// quote makes a text from outside safe for a log: one line, ASCII, and not long.
func quote[T string | []byte](s T) string {
	if len(s) > shown {
		return strconv.QuoteToASCII(string(s[:shown])) + fmt.Sprintf("… (%d bytes)", len(s))
	}
	return strconv.QuoteToASCII(string(s))
}

// quoteList is quote for several, of which it names the first few.
func quoteList(list []string) string {
	const most = 8
	if len(list) == 0 {
		return "none"
	}
	var quoted []string
	for _, s := range list[:min(most, len(list))] {
		quoted = append(quoted, quote(s))
	}
	if more := len(list) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}
