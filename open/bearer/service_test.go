package bearer_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	issuerID = "https://id.example.com"
	audience = "https://api.example.com"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// parties holds an issuer and an API, each with its keys.
type parties struct{ idp, api *keys.Set }

func newParties() parties {
	set := func(suite keys.Suite) *keys.Set { return keytest.NewSet(must(keys.GenerateKey(suite))) }
	return parties{set(keys.ES256), set(keys.ECDHES)}
}

// config returns the configuration of the API's opener.
func (p parties) config() open.Config {
	return open.Config{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: p.idp}}, Decryption: p.api}
}

func (p parties) opener() *open.Opener { return must(open.New(p.config())) }

// token returns a token for u-42 with these claims.
func (p parties) token(t testing.TB, claims map[string]any) string {
	t.Helper()
	return p.sealed(t, seal.Config{}, claims)
}

func (p parties) sealed(t testing.TB, cfg seal.Config, claims map[string]any) string {
	t.Helper()
	if claims == nil {
		claims = map[string]any{}
	}
	cfg.Issuer, cfg.Signing, cfg.Recipient = issuerID, p.idp, seal.Recipient{Audience: audience, Keys: p.api}
	token, err := must(seal.New(cfg)).Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: claims})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// openerFunc is an Opener that is not ours.
type openerFunc func(ctx context.Context, token string) (*open.Token, error)

func (f openerFunc) Open(ctx context.Context, token string) (*open.Token, error) {
	return f(ctx, token)
}

// later returns an opener whose clock is ahead by d.
func later(o *open.Opener, d time.Duration) openerFunc {
	return func(ctx context.Context, token string) (*open.Token, error) {
		return o.OpenAt(ctx, token, time.Now().Add(d))
	}
}

// brokenSource has no keys and returns an error.
type brokenSource struct{ err error }

func (s brokenSource) PrivateKeys(context.Context) (*keys.Set, error) { return nil, s.err }

func (s brokenSource) PublicKeys(context.Context, string) (*keys.PublicSet, error) { return nil, s.err }

// hello answers with the token's subject.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	tok, ok := bearer.TokenFrom(r.Context())
	if !ok {
		panic("no token")
	}
	fmt.Fprintf(w, "hello %s", tok.Subject())
})

// request returns a request with these header fields, each a pair of name and value.
func request(method string, fields ...[2]string) *http.Request {
	r := httptest.NewRequest(method, "/me", nil)
	for _, f := range fields {
		r.Header[http.CanonicalHeaderKey(f[0])] = append(r.Header[http.CanonicalHeaderKey(f[0])], f[1])
	}
	return r
}

func authorization(value string) [2]string { return [2]string{"Authorization", value} }

func cookie(value string) [2]string { return [2]string{"Cookie", value} }

// serve returns the answer of a handler.
func serve(h http.Handler, r *http.Request) (*http.Response, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	return res, string(must(io.ReadAll(res.Body)))
}
