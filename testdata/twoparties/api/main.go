// Command api tells users what their tokens say about them. It and the issuer are two programs that
// share no private key. The documentation of the issuer shows how to start both.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

var (
	issuer   = flag.String("issuer", "http://127.0.0.1:8001", "`URL` of the issuer, whose tokens are accepted")
	audience = flag.String("audience", "http://127.0.0.1:8002", "`URL` by which the issuer knows this API")
)

func main() {
	if err := party.Main("127.0.0.1:8002", run); err != nil {
		log.Fatal("api: ", err)
	}
}

func run(ctx context.Context, p *party.Party) error {
	ring, err := p.Ring(ctx, keys.UseEnc)
	if err != nil {
		return err
	}
	at, err := discover(ctx)
	if err != nil {
		return err
	}
	issuerKeys, err := p.Remote(at)
	if err != nil {
		return err
	}
	ended, err := sessions.NewRemote(sessions.RemoteConfig{URL: *issuer + "/revoked", Issuer: *issuer, Keys: issuerKeys})
	if err != nil {
		return err
	}
	opener, err := open.New(open.Config{
		Audience:   *audience,
		Trust:      []open.Issuer{{ID: *issuer, Keys: issuerKeys}},
		Decryption: ring,
		Check:      ended.Check,
		Limits:     open.Limits{Leeway: p.Leeway},
	})
	if err != nil {
		return err
	}
	auth, err := bearer.New(bearer.Config{Opener: opener, OnRefusal: refused})
	if err != nil {
		return err
	}
	publish, err := jwks.NewHandler(ring, jwks.HandlerConfig{})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/jwks.json", publish)
	mux.Handle("GET /me", auth.Require(http.HandlerFunc(me)))
	return p.Serve(ctx, ring, mux, func(ctx context.Context) { ended.Run(ctx, report) })
}

// discover asks the issuer where its keys are until the issuer answers, so the two programs can
// start in any order.
func discover(ctx context.Context) (jwksURI string, err error) {
	for logged := ""; ; {
		at, err := jwks.Discover(ctx, *issuer, jwks.DiscoverConfig{})
		if !errors.Is(err, jwks.ErrFetch) {
			return at, err
		}
		if why := err.Error(); why != logged {
			slog.Warn("waiting for the issuer", "err", why)
			logged = why
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Second / 2):
		}
	}
}

// report logs why the feed of ended sessions fails.
func report(n sessions.News) {
	if n.Err != nil {
		slog.Warn("ended sessions", "err", n.Err)
	}
}

// me answers with the claims of the token, and with the kids of the keys that signed and decrypted
// it.
func me(w http.ResponseWriter, r *http.Request) {
	tok, ok := bearer.TokenFrom(r.Context())
	if !ok {
		http.Error(w, "no token", http.StatusInternalServerError)
		return
	}
	type claims struct {
		Email  string   `json:"email"`
		Name   string   `json:"name"`
		Groups []string `json:"groups"`
	}
	profile, err := open.ClaimsOf[claims](tok)
	if err != nil {
		slog.ErrorContext(r.Context(), "unexpected claims", "err", err)
		http.Error(w, "unexpected claims", http.StatusInternalServerError)
		return
	}
	party.Answer(w, http.StatusOK, map[string]any{
		"sub": tok.Subject(), "email": profile.Email, "name": profile.Name, "groups": profile.Groups,
		"signed_with": tok.SigningKeyID(), "sealed_to": tok.DecryptionKeyID(),
	})
}

// refused logs the reason of a refusal. The client does not get it.
func refused(ctx context.Context, r bearer.Refusal) {
	why := r.Err.Error()
	if e, ok := errors.AsType[*open.Error](r.Err); ok {
		why = e.Detail()
	}
	slog.InfoContext(ctx, "refused", "status", r.Status, "why", why)
}
