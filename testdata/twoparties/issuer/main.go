// Command issuer logs users in and gives them tokens that only the API can read. It is
// one of two programs that share no private key; the other one is the API.
//
//	go run ./testdata/twoparties/issuer -ring /tmp/issuer
//	go run ./testdata/twoparties/api -ring /tmp/api          # in another terminal
//
// The README has a script that starts both, logs in and calls the API.
package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

// Profile is what the API shall know about a user, and nobody else.
type Profile struct {
	Email  string   `json:"email"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

// users are invented. Where they are real, passwords are hashed, if there are any.
var users = map[string]struct {
	id, password string
	profile      Profile
}{
	"ada": {"u-42", "lovelace", Profile{"ada@example.com", "Ada Quillwood", []string{"engineering", "admins"}}},
	"bob": {"u-43", "builder", Profile{"bob@example.com", "Bob Fernsby", []string{"sales"}}},
}

var api = flag.String("api", "http://127.0.0.1:8002", "`URL` of the API, its audience")

func main() {
	if err := party.Main("127.0.0.1:8001", run); err != nil {
		log.Fatal("issuer: ", err)
	}
}

func run(ctx context.Context, p *party.Party) error {
	ring, err := p.Ring(ctx, keys.UseSig)
	if err != nil {
		return err
	}
	apiKeys, err := p.Remote(*api + "/jwks.json")
	if err != nil {
		return err
	}
	issuer := "http://" + p.Listen
	sealer, err := seal.New(seal.Config{
		Issuer:    issuer,
		Signing:   ring,
		Recipient: seal.Recipient{Audience: *api, Keys: apiKeys},
		Limits:    seal.Limits{Lifetime: p.Lifetime},
	})
	if err != nil {
		return err
	}
	publish, err := jwks.NewHandler(ring, jwks.HandlerConfig{})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/jwks.json", publish)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		party.Answer(w, http.StatusOK, map[string]string{"issuer": issuer, "jwks_uri": issuer + "/jwks.json"})
	})
	mux.Handle("POST /token", login(sealer, cmp.Or(p.Lifetime, seal.DefaultLifetime)))
	return p.Serve(ctx, ring, mux)
}

// login gives a user a token for a password. It stands in for the login that you have, and
// is no grant of OAuth: it knows no clients, and the password passes through a program. So
// the metadata do not name it. Its answers look like those of RFC 6749 section 5.
func login(sealer *seal.Sealer, lifetime time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		user, ok := users[r.PostFormValue("username")]
		if same := subtle.ConstantTimeCompare([]byte(user.password), []byte(r.PostFormValue("password"))); !ok || same != 1 {
			party.Answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
		token, err := sealer.Seal(r.Context(), seal.Claims{Subject: user.id, Custom: user.profile})
		switch {
		case errors.Is(err, jwks.ErrFetch) || errors.Is(err, keys.ErrStale): // until keys can be had again
			slog.ErrorContext(r.Context(), "no token for now", "err", err)
			party.Answer(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
		case err != nil:
			slog.ErrorContext(r.Context(), "no token", "err", err)
			party.Answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		default:
			party.Answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime.Seconds())})
		}
	}
}
