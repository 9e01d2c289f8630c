// Command issuer logs users in and gives them tokens that only the API can read. It keeps
// their sessions, shows each user the devices that are logged in, and logs one out. It is one
// of two programs that share no private key; the other one is the API.
//
//	go -C testdata/twoparties run ./issuer -ring /tmp/issuer
//	go -C testdata/twoparties run ./api -ring /tmp/api          # in another terminal
//
// Then open http://127.0.0.1:8001 in two browsers: ada, lovelace. README.md of this
// module has a script that starts both, logs in and calls the API.
package main

import (
	"cmp"
	"context"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

var api = flag.String("api", "http://127.0.0.1:8002", "`URL` of the API, its audience")

func main() {
	if err := party.Main("127.0.0.1:8001", run); err != nil {
		log.Fatal("issuer: ", err)
	}
}

// sealingTime is the longest time between the start or the refresh of a session and the sealing of
// its token. A token that would outlive the list entry of its session is not sealed.
const sealingTime = 10 * time.Second

// issuer seals the tokens of users who have logged in.
type issuer struct {
	sealer   *seal.Sealer
	registry *sessions.Registry
	lifetime time.Duration // lifetime of a token
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
	url, lifetime := "http://"+p.Listen, cmp.Or(p.Lifetime, seal.DefaultLifetime)
	sealer, err := seal.New(seal.Config{
		Issuer:    url,
		Signing:   ring,
		Recipient: seal.Recipient{Audience: *api, Keys: apiKeys},
		Limits:    seal.Limits{Lifetime: lifetime},
	})
	if err != nil {
		return err
	}
	publish, err := jwks.NewHandler(ring, jwks.HandlerConfig{})
	if err != nil {
		return err
	}
	registry, err := openSessions(ctx, p, url, lifetime+sealingTime)
	if err != nil {
		return err
	}
	feed, err := sessions.NewFeed(sessions.FeedConfig{Registry: registry, Signing: ring, Public: true})
	if err != nil {
		return err
	}
	i := &issuer{sealer, registry, lifetime}
	mux := http.NewServeMux()
	mux.Handle("/jwks.json", publish)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		party.Answer(w, http.StatusOK, map[string]string{"issuer": url, "jwks_uri": url + "/jwks.json"})
	})
	mux.HandleFunc("POST /token", i.token)
	mux.Handle("GET /revoked", feed)
	mux.Handle("/", i.pages())
	failed := func(err error) { slog.Error("sessions", "err", err) }
	return p.Serve(ctx, ring, mux,
		func(ctx context.Context) { registry.Run(ctx, failed) },
		func(ctx context.Context) { feed.Run(ctx, failed) })
}
