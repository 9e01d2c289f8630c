package bearer

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/sealjwt/sealjwt/open"
)

var (
	// ErrConfig: New was given a Config that cannot work.
	ErrConfig = errors.New("bearer: invalid configuration")

	// ErrUnavailable is for the Check of an opener. An error that wraps it says that Check cannot
	// tell whether the token is good, for example because its store is down.
	ErrUnavailable = errors.New("bearer: cannot tell whether the token is good")
)

// The reasons why a request was refused, in Refusal.Err, beside the errors of package
// open.
var (
	// ErrNoCredentials: no token, or an Authorization field of another scheme.
	ErrNoCredentials = errors.New("bearer: no token")
	// ErrMultipleTokens: two Authorization fields, two cookies, or a field and a cookie.
	ErrMultipleTokens = errors.New("bearer: more than one token")
	// ErrMalformed: the field or the cookie is not one token as RFC 6750 section 2.1 spells it.
	ErrMalformed = errors.New("bearer: malformed credentials")
	// ErrCrossOrigin: the token is in a cookie, and a page of an origin that is not
	// trusted has sent it.
	ErrCrossOrigin = errors.New("bearer: cookie from another origin")
	// ErrBound: the token has a claim cnf, and the request does not give the proof that
	// cnf asks for.
	ErrBound = errors.New("bearer: token is bound to a key")
	// ErrScope: the token lacks a scope that is needed.
	ErrScope = errors.New("bearer: insufficient scope")

	errNoToken = errors.New("bearer: the Opener returned no error, and no token that package open made")
)

// The error codes of RFC 6750 section 3.1.
const (
	invalidRequest    = "invalid_request"
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
)

// Refusal says which request was refused and why. It holds no text that a client could
// write a token into: neither a header nor the URL.
type Refusal struct {
	// Status is the status of the answer.
	Status int

	// Code is the error in WWW-Authenticate, empty if there is none.
	Code string

	// Method is the request's method, or "other" for a method that neither RFC 9110 nor RFC 5789
	// has.
	Method string

	// Pattern is the pattern of the http.ServeMux that has chosen the handler, empty if
	// Require stands around the mux.
	Pattern string

	// Err is one of the errors of this package, or the error of the Opener. The Detail of
	// an [open.Error] tells more.
	Err error
}

func refuse(status int, code string, err error) *Refusal {
	return &Refusal{Status: status, Code: code, Err: err}
}

// refuseToken returns the refusal for an error of the Opener. Its status is 401, or 503 if the
// error says that the token may be good.
func refuseToken(err error) *Refusal {
	for _, ours := range []error{open.ErrKeySource, ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ours) {
			return refuse(http.StatusServiceUnavailable, "", err)
		}
	}
	return refuse(http.StatusUnauthorized, invalidToken, err)
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// answer calls OnRefusal and answers the refused request. The text more is written behind the
// error in WWW-Authenticate.
func (a *Authenticator) answer(w http.ResponseWriter, r *http.Request, refusal *Refusal, more string) {
	if a.cfg.OnRefusal != nil {
		refusal.Method, refusal.Pattern = r.Method, r.Pattern
		if !slices.Contains(methods, r.Method) {
			refusal.Method = "other"
		}
		a.cfg.OnRefusal(context.WithValue(r.Context(), contextKey{}, nil), *refusal)
	}
	if refusal.Code != "" || refusal.Status == http.StatusUnauthorized {
		challenge := a.challenge
		if refusal.Code != "" {
			challenge += `, error="` + refusal.Code + `"` + more
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	fail(w, refusal.Status)
}

func fail(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}
