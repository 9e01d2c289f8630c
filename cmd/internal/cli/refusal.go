package cli

import (
	"errors"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// explainRefusal gives a refusal the full text if the flags ask for it, and better advice than its
// class has, if there is some. The advice depends on the form of the token, which is not verified,
// and repeats none of its claims.
func explainRefusal(err error, token string, f openFlags) error {
	refusal, ok := errors.AsType[*open.Error](err)
	if ok && (f.explain || errors.Is(err, open.ErrKeySource)) { // why the user's own key source fails is not secret to the user
		err = detailed{refusal}
	}
	if ok {
		if advice := f.avoids(refusal); advice != "" {
			return &console.Failure{Err: err, Advice: advice}
		}
	}
	switch {
	case errors.Is(err, open.ErrMalformed), errors.Is(err, open.ErrType) && hasOtherParts(token, f.selective):
		return &console.Failure{Err: err, Advice: whatInstead(token, f.selective)}
	case f.selective && errors.Is(err, open.ErrType) && !looksSelective(token):
		return &console.Failure{Err: err, Advice: "it looks like one without sealed claims, all readable without a key"}
	case f.at.given && (errors.Is(err, open.ErrExpired) || errors.Is(err, open.ErrNotYetValid)):
		return &console.Failure{Err: err, Advice: "as of " + f.at.String()}
	case f.visibleOnly && errors.Is(err, open.ErrUnknownKey):
		return &console.Failure{Err: err, Advice: "does --trust lack its issuer's signing key?"}
	}
	return err
}

// detailed is a refusal with its full text. An operator may see that text, but the sender of the
// token may not. Of the token it holds at most headers and registered claims.
type detailed struct{ refusal *open.Error }

func (d detailed) Error() string { return d.refusal.Reason() }

// Unwrap returns the refusal, and the error of a key source, which the text of d holds too.
func (d detailed) Unwrap() []error {
	all := []error{d.refusal}
	if causes := d.refusal.Unwrap(); len(causes) > 1 { // the first is the class
		all = append(all, causes[1:]...)
	}
	return all
}

// avoids returns advice with the flags that would have avoided a refusal, and "" if none would.
func (f openFlags) avoids(refusal *open.Error) (advice string) {
	missing, field := refusal.Avoidable()
	var names []string
	for i, m := range []open.Missing{open.Type, open.ContentType, open.KeyID, open.Expiry} {
		if missing&m != 0 {
			names = append(names, missingNames[i])
		}
	}
	switch {
	case len(names) > 0 && len(f.places) > 1:
		return "" // the flag is for a single issuer
	case len(names) > 0:
		advice = "if its issuer leaves that out, add --allow-missing " + strings.Join(names, ",")
		if missing&open.Type != 0 && len(f.require.names) == 0 {
			advice += " and --require with a claim that no other kind of token has, such as nonce"
		}
		return advice
	}
	return map[string]string{
		"Issuer.Type":        "say which type you expect with --typ TYPE",
		"Limits.MaxHeader":   "take it with a larger --max-header",
		"Limits.MaxLifetime": "its issuer must seal with a shorter --ttl, or take it with a longer --max-lifetime",
	}[field]
}

// whatInstead returns what a malformed token is instead of the expected form, or what is wrong with
// its spelling.
func whatInstead(token string, selective bool) string {
	if reason := notCompact(token); reason != "" {
		return reason
	}
	l, fault := outermost(token)
	isJWS := strings.Count(token, ".") == partsJWS-1
	switch {
	case !selective && isJWS && fault == "" && l.SealedTo > 0:
		return "this looks like a selective token: add --selective"
	case !selective && isJWS:
		return "this one is not encrypted, and readable without a key; only sealed tokens are opened"
	case fault != "":
		return fault
	case selective && !isJWS:
		return "this looks like a nested token: leave --selective out"
	case selective:
		return "it is spelled in a way that is not allowed; ask its issuer for a new one"
	}
	return "it is spelled in a way that is not allowed, or holds no signed token; ask its issuer for a new one"
}

// hasOtherParts reports whether the number of parts of a token differs from the number in the
// expected form.
func hasOtherParts(token string, selective bool) bool {
	parts := partsJWE
	if selective {
		parts = partsJWS
	}
	return strings.Count(strings.TrimSpace(token), ".") != parts-1
}

func looksSelective(token string) bool {
	l, fault := outermost(token)
	return fault == "" && l.Form == leak.JWS && l.SealedTo > 0
}
