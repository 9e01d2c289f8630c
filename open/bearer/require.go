package bearer

import (
	"context"
	"net/http"

	"github.com/sealjwt/sealjwt/open"
)

// Require lets requests with a good token through to the handler, which finds it with
// [TokenFrom], and refuses all others.
//
// Where New did not make the Authenticator, or next is nil, the handler answers 500.
func (a *Authenticator) Require(next http.Handler) http.Handler {
	if a == nil || a.cfg.Opener == nil || next == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fail(w, http.StatusInternalServerError) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Vary and Cache-Control are added, not set, so that the values of a handler around
		// Require stay.
		w.Header().Add("Vary", a.vary)
		tok, refusal := a.authenticate(r)
		if refusal != nil {
			a.answer(w, r, refusal, "")
			return
		}
		w.Header().Add("Cache-Control", "private")
		passed := r.WithContext(context.WithValue(r.Context(), contextKey{}, &authenticated{tok, a}))
		if !a.cfg.KeepCredentials {
			passed.Header = without(r.Header, a.cfg.Cookie)
		}
		defer removeFiles(passed, r)
		next.ServeHTTP(w, passed)
	})
}

// removeFiles removes the temporary files of a form that was parsed in the copy of the
// request. net/http does that only for the request that it made, which does not hold the
// form, and not when the handler panics.
func removeFiles(passed, outside *http.Request) {
	if form := passed.MultipartForm; form != nil && form != outside.MultipartForm {
		form.RemoveAll()
	}
}

// authenticate opens the token of a request.
func (a *Authenticator) authenticate(r *http.Request) (*open.Token, *Refusal) {
	text, inCookie, refusal := credentials(r.Header, a.cfg.Cookie)
	if refusal != nil {
		return nil, refusal
	}
	if inCookie && a.crossOrigin(r) {
		return nil, refuse(http.StatusForbidden, "", ErrCrossOrigin)
	}
	tok, err := a.cfg.Opener.Open(r.Context(), text)
	if err != nil {
		return nil, refuseToken(err)
	}
	// An Opener of another package may return a Token that no open.Opener made. Such a Token has no
	// issuer.
	if tok == nil || tok.Issuer() == "" {
		return nil, refuse(http.StatusUnauthorized, invalidToken, errNoToken)
	}
	if refusal := a.checkBound(tok, r.TLS); refusal != nil {
		return nil, refusal
	}
	return tok, nil
}

// crossOrigin reports whether a page of an origin that is not trusted has made a browser send this
// request, and the request may change something.
func (a *Authenticator) crossOrigin(r *http.Request) bool {
	// A client of a WebSocket may change anything after its GET. Any Upgrade field
	// counts: the first may be empty, and a server that upgrades reads them all.
	if len(r.Header["Upgrade"]) > 0 {
		r = r.WithContext(r.Context())
		r.Method = http.MethodPost
	}
	return a.cfg.CrossOrigin.Check(r) != nil
}

// contextKey is the key of an *authenticated in the context of a request. No other
// package can make this key.
type contextKey struct{}

type authenticated struct {
	token *open.Token
	by    *Authenticator
}

func fromContext(ctx context.Context) *authenticated {
	found, _ := ctx.Value(contextKey{}).(*authenticated)
	return found
}

// TokenFrom returns the token of a request that [Authenticator.Require] has let
// through, from the request's context.
func TokenFrom(ctx context.Context) (*open.Token, bool) {
	found := fromContext(ctx)
	if found == nil {
		return nil, false
	}
	return found.token, true
}
