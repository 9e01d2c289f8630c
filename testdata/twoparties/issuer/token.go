package main

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

// token gives a program a token for a password or a refresh token. It is not a grant of OAuth: it
// knows no clients, and the password passes through a program. So the issuer's metadata at
// /.well-known/openid-configuration do not name this endpoint. Its answers look like those of
// RFC 6749 section 5.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	session, refresh, err := i.grant(r)
	var token string
	if err == nil {
		token, err = i.accessToken(r.Context(), session)
	}
	switch {
	case isRefused(err):
		party.Answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
	case errors.Is(err, jwks.ErrFetch) || errors.Is(err, keys.ErrStale): // until keys can be had again
		slog.ErrorContext(r.Context(), "no token for now", "err", err)
		party.Answer(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
	case err != nil:
		slog.ErrorContext(r.Context(), "no token", "err", err)
		party.Answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
	default:
		party.Answer(w, http.StatusOK, map[string]any{
			"access_token": token, "token_type": "Bearer", "expires_in": int(i.lifetime.Seconds()), "refresh_token": refresh,
		})
	}
}

var errPassword = errors.New("wrong password")

// grant starts a session for a password, or continues the session of a refresh token.
func (i *issuer) grant(r *http.Request) (sessions.Session, string, error) {
	if r.PostFormValue("grant_type") == "refresh_token" {
		return i.registry.Refresh(r.Context(), r.PostFormValue("refresh_token"))
	}
	id, ok := authenticate(r.PostFormValue("username"), r.PostFormValue("password"))
	if !ok {
		return sessions.Session{}, "", errPassword
	}
	return i.registry.Start(r.Context(), id, sessions.Device{Name: r.PostFormValue("device"), Agent: r.UserAgent(), Addr: r.RemoteAddr})
}

// isRefused reports whether the user has to log in, again or with another password. Any other error
// is a fault of the issuer, and the client may try again.
func isRefused(err error) bool {
	for _, refused := range []error{errPassword, sessions.ErrInvalidRefresh, sessions.ErrEnded, sessions.ErrReused} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}
