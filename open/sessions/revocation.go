package sessions

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

// maxForm is the length in bytes of the longest body of a revocation request: it has room for a
// token of the largest size that package open takes by default, with each byte escaped.
const maxForm = 3*open.DefaultMaxSize + 1<<10

// RevocationConfig says who may revoke, and what.
type RevocationConfig struct {
	// Authenticate returns nil for a request of a client of this issuer, and an error for any
	// other request, as RFC 7009 section 2.1 demands. It must not read the body of the request.
	// Required.
	Authenticate func(r *http.Request) error

	// Open opens an access token that a client wants to revoke, as (*open.Opener).Open does.
	// Without it only refresh tokens are revoked. An issuer opens its own tokens with an opener
	// that trusts its own ring alone; a nested token can be opened only by its recipient.
	Open func(ctx context.Context, token string) (*open.Token, error)
}

// Revocation returns a handler of token revocation, RFC 7009. A refresh token ends its session, an
// access token ends alone. The handler ignores token_type_hint, as section 2.1 allows.
//
// It answers 200 for a token that was revoked and for one that is unknown, expired or ended already
// (section 2.2), 401 invalid_client for a client that Authenticate refuses, 400 invalid_request for
// another form than section 2.1 has, 400 unsupported_token_type for an access token where Open is
// nil or that has no jti, 405 for another method than POST, and 503 while the store or the keys
// cannot be had: the client must try again. Revocation returns an [ErrConfig] for a nil
// Authenticate.
func (r *Registry) Revocation(cfg RevocationConfig) (http.Handler, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	if cfg.Authenticate == nil {
		return nil, configError("Authenticate", "is required: a stranger must not end sessions")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if q.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, http.StatusMethodNotAllowed, "invalid_request")
			return
		}
		q.Body = http.MaxBytesReader(w, q.Body, maxForm)
		if err := cfg.Authenticate(q); err != nil {
			refuse(w, http.StatusUnauthorized, "invalid_client")
			return
		}
		token, ok := formToken(q)
		if !ok {
			refuse(w, http.StatusBadRequest, "invalid_request")
			return
		}
		switch err := r.revokeToken(q.Context(), cfg, token); {
		case err == nil:
			w.WriteHeader(http.StatusOK)
		case errors.Is(err, errUnsupported):
			refuse(w, http.StatusBadRequest, "unsupported_token_type")
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable")
		}
	}), nil
}

// formToken returns the token from the form in the body of a request. It returns false unless the
// form has exactly one token, and for a token in the URL, which servers would log.
func formToken(q *http.Request) (string, bool) {
	kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || q.ParseForm() != nil {
		return "", false
	}
	tokens := q.PostForm["token"]
	if len(tokens) != 1 || tokens[0] == "" || len(q.URL.Query()["token"]) > 0 {
		return "", false
	}
	return tokens[0], true
}

var errUnsupported = errors.New("sessions: access tokens cannot be revoked here")

// revokeToken revokes a refresh token or an access token. For a token of another issuer it does
// nothing and returns nil.
func (r *Registry) revokeToken(ctx context.Context, cfg RevocationConfig, token string) error {
	if strings.Contains(token, ".") { // a JWT in compact form, RFC 7519 section 3
		if cfg.Open == nil {
			return errUnsupported
		}
		return r.revokeAccess(ctx, cfg, token)
	}
	return r.endByRefresh(ctx, token)
}

func (r *Registry) revokeAccess(ctx context.Context, cfg RevocationConfig, token string) error {
	t, err := cfg.Open(ctx, token)
	switch {
	case errors.Is(err, open.ErrKeySource) || errors.Is(err, bearer.ErrUnavailable) || err != nil && ctx.Err() != nil:
		return err // the token may be good
	case err != nil || t == nil || t.Issuer() != r.cfg.Issuer:
		return nil
	case t.ID() == "":
		return errUnsupported
	}
	return r.Revoke(ctx, t.ID(), t.ExpiresAt())
}

// endByRefresh ends the session of a refresh token. A token of an old generation counts too,
// because its MAC shows that the registry gave it to a client of the session.
func (r *Registry) endByRefresh(ctx context.Context, token string) error {
	t, err := parseRefresh(token)
	if err != nil {
		return nil
	}
	v, err := r.vault(ctx, 0)
	if err != nil {
		return err
	}
	if k := v.key(t.key); k == nil || !k.isAuthentic(t) {
		return nil
	}
	for {
		row, err := call(ctx, func(ctx context.Context) (Row, error) { return r.cfg.Store.Get(ctx, t.id) })
		switch {
		case errors.Is(err, ErrNoSession):
			return nil
		case err != nil:
			return err
		}
		// If end finds no row, a refresh may have moved the session to another key: look again.
		if n, err := r.end(ctx, []Row{row}); n > 0 || err != nil {
			return err
		}
	}
}
