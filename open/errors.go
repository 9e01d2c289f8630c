package open

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The errors of this package, for errors.Is. All but ErrConfig are reasons to refuse a token.
var (
	// ErrConfig: the configuration of a constructor cannot work; see [ConfigError].
	ErrConfig error = &Error{text: "open: invalid configuration"}

	// ErrMalformed: the text is too long, or is not a token in its one canonical spelling.
	ErrMalformed error = &Error{text: "open: malformed token"}
	// ErrAlgorithm: the token names another algorithm than its key is for, or an enc not offered.
	ErrAlgorithm error = &Error{text: "open: the algorithm is not the one of the key"}
	// ErrNotAuthentic: decryption or signature failed. The error does not tell which of the two
	// or why: an attacker could use that as an oracle.
	ErrNotAuthentic error = &Error{text: "open: token is not authentic"}
	// ErrUnknownKey: no usable key has the kid of the token, or the token has no kid.
	ErrUnknownKey error = &Error{text: "open: no key for this token"}
	// ErrKeySource: a key source returned no keys, or a key in another device or service did
	// not answer; the error of the source or of the key is wrapped.
	ErrKeySource error = &Error{text: "open: keys are not available"}

	// ErrType: typ or cty is missing or not the expected one, or the token has another form.
	ErrType error = &Error{text: "open: token of another type"}
	// ErrIssuer: the iss is not trusted, or is missing.
	ErrIssuer error = &Error{text: "open: issuer is not trusted"}
	// ErrAudience: the aud does not name us, or is missing.
	ErrAudience error = &Error{text: "open: token is for another audience"}
	// ErrExpired: exp and the leeway are over. Later checks, such as Config.Check, were not made.
	ErrExpired error = &Error{text: "open: token expired"}
	// ErrNotYetValid: nbf or iat lies further in the future than the leeway.
	ErrNotYetValid error = &Error{text: "open: token is not valid yet"}
	// ErrLifetime: the token lives longer than MaxLifetime.
	ErrLifetime error = &Error{text: "open: token lifetime too long"}
	// ErrClaims: a required claim is missing or not sealed, a claim is of the wrong type, or claims
	// contradict each other or a copy in the header.
	ErrClaims error = &Error{text: "open: invalid claims"}
	// ErrCheck: Config.Check refused the token; its error is wrapped.
	ErrCheck error = &Error{text: "open: token refused"}
)

// ConfigError describes a mistake in a configuration. It is an [ErrConfig].
type ConfigError struct {
	Field   string // such as Decryption or Trust[0].Keys
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

// Error is the error of Open for a refused token. It has two texts, for two readers: the service
// may send Error to the client, and Detail is for the logs of the service. An Error prints as its
// text for the client, whatever the verb.
type Error struct {
	text string
	// reason is a closure so that fmt cannot print it, as in Token; nil in the classes above.
	reason func() reason
}

// reason says why a token was refused.
type reason struct {
	class  error  // one of the errors above, such as ErrMalformed
	detail string // may be empty
	cause  error  // the error of a key source, of a key or of Config.Check
	unless switches
}

// switches are the settings that, all set together, may avoid a refusal.
type switches struct {
	issuer, config Missing // of Issuer.AllowMissing and of Config.AllowMissing
	withRequire    bool    // a Require is needed too, and the configuration has none
	field          string  // the name of a field of the configuration, such as Limits.MaxSize
}

// advice names the settings as a Go program writes them. It returns "" if there are none.
func (s switches) advice() string {
	var names []string
	if s.config != 0 {
		names = append(names, "Config.AllowMissing: "+s.config.String())
	}
	if s.issuer != 0 {
		names = append(names, "Issuer.AllowMissing: "+s.issuer.String())
	}
	if s.withRequire {
		names = append(names, "a Require")
	}
	switch {
	case (s.config|s.issuer)&KeyID != 0: // no key was tried, so KeyID may not be enough
		return "; see " + strings.Join(names, " and ")
	case len(names) > 0:
		return "; accepted with " + strings.Join(names, " and ")
	case s.field != "":
		return "; see " + s.field
	}
	return ""
}

// Error returns the class of the refusal and, for ErrClaims, a fixed phrase. It holds
// nothing of the token, of its keys or of the service, except for the name of a claim that
// Config.Require names.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	return e.text
}

// Detail returns the reason in full, in one line of ASCII: the kid that the token names and the
// kids that are held, the claim that differs and how, the error of the key source or of
// Config.Check. It may hold values of headers, times, iss, aud and jti as the token has them,
// quoted and cut, even if no signature vouches for them; never another claim, a token or a key.
// About failed decryption and signatures it tells no more than Error. If Avoidable names settings,
// Detail ends with them.
func (e *Error) Detail() string {
	if e == nil || e.reason == nil {
		return e.Error()
	}
	return e.Reason() + e.reason().unless.advice()
}

// Reason returns Detail without the name of a setting, for a program whose users know the
// settings by other names; see [Error.Avoidable].
func (e *Error) Reason() string {
	reason := e.Error()
	if e == nil || e.reason == nil {
		return reason
	}
	r := e.reason()
	if r.detail != "" {
		reason += ": " + r.detail
	}
	if r.cause != nil {
		reason += ": " + r.cause.Error()
	}
	return oneLine(reason)
}

// Avoidable returns the settings that may avoid the refusal: either the missing switches of
// AllowMissing, of an Issuer and a Config together, or the name of the field Issuer.Type,
// Limits.MaxSize, Limits.MaxHeader or Limits.MaxLifetime. Otherwise it returns zero values.
//
// With [Type], [Expiry] and [ContentType] only Config.Check, and the Require that Type needs, can
// still refuse the token. With [KeyID] or a field, any later check can.
func (e *Error) Avoidable() (missing Missing, field string) {
	if e == nil || e.reason == nil {
		return 0, ""
	}
	u := e.reason().unless
	return u.issuer | u.config, u.field
}

// Unwrap returns the class, for errors.Is, and the error of a key source, a key or Config.Check.
func (e *Error) Unwrap() []error {
	if e == nil || e.reason == nil {
		return nil
	}
	r := e.reason()
	if r.cause == nil {
		return []error{r.class}
	}
	return []error{r.class, r.cause}
}

// Format prints Error, also for the verbs that walk a struct's fields.
func (e Error) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, e.text)
	}
}

// refuse returns an Error of a class, one of the errors above.
func refuse(class error, detail string, args ...any) error {
	return newError(class.Error(), reason{class: class, detail: fmt.Sprintf(detail, args...)})
}

// refuseClaims returns an ErrClaims. A client may read the phrase, so it is a fixed text, except
// for names of claims from the configuration.
func refuseClaims(phrase, detail string, args ...any) error {
	return newError(ErrClaims.Error()+": "+phrase, reason{class: ErrClaims, detail: fmt.Sprintf(detail, args...)})
}

// refuseFor wraps the error of a key source, of a key or of Config.Check.
func refuseFor(class, cause error) error {
	return newError(class.Error(), reason{class: class, cause: cause})
}

// refuseUnless adds to a refusal the settings that may avoid it.
func refuseUnless(s switches, refusal error) error {
	e := refusal.(*Error)
	r := e.reason()
	r.unless = s
	return newError(e.text, r)
}

func newError(text string, r reason) error {
	return &Error{text, func() reason { return r }}
}

// shown is how many bytes of a text from the token a Detail shows at most.
const shown = 64

// quote makes a text of the token safe for a log: quoted, in ASCII, and cut to shown bytes.
func quote[T string | []byte](s T) string {
	if len(s) > shown {
		return strconv.QuoteToASCII(string(s[:shown])) + fmt.Sprintf("... (%d bytes)", len(s))
	}
	return strconv.QuoteToASCII(string(s))
}

// oneLine escapes all but printable ASCII: the text of another error may hold any character.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if ' ' <= r && r <= '~' {
			b.WriteByte(byte(r))
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// quoteList quotes the first few texts of a list, and says how many more there are.
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
