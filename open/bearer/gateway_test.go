package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/open/opentest"
	"github.com/sealjwt/sealjwt/seal"
)

// A gateway without decryption keys reads the scope of a selective token, and forwards the token to
// the API, which reads the rest.
func TestGateway(t *testing.T) {
	t.Parallel()
	p := newParties()
	cfg := p.config()
	api := open.SelectiveConfig{Audience: cfg.Audience, Trust: cfg.Trust, Decryption: cfg.Decryption, Require: []string{"email"}}
	behind := httptest.NewServer(must(bearer.New(bearer.Config{Opener: must(open.NewSelective(api))})).Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := bearer.TokenFrom(r.Context())
		claims, err := open.ClaimsOf[map[string]any](tok)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, claims["email"])
	})))
	t.Cleanup(behind.Close)
	visible := open.GatewayConfig{Audiences: []string{"https://other.example.com", api.Audience}, Trust: api.Trust}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(must(url.Parse(behind.URL))) }}
	token := func(scope string) string {
		sealer := must(seal.NewSelective(seal.SelectiveConfig{
			Issuer: issuerID, Signing: p.idp, Visible: []string{"scope"}, Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: p.api}},
		}))
		return must(sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: map[string]any{"scope": scope, "email": "ada@example.com"}}))
	}
	for _, test := range []struct {
		keep   bool
		scope  string
		status int
		body   string
	}{
		{true, "read", 200, "ada@example.com"},
		{true, "write", 403, bodies[403]},
		{false, "read", 401, bodies[401]}, // the API answers: it gets no token
	} {
		auth := must(bearer.New(bearer.Config{Opener: must(open.NewGateway(visible)), KeepCredentials: test.keep}))
		res, body := serve(auth.Require(bearer.RequireScope("read")(proxy)), request("GET", authorization("Bearer "+token(test.scope))))
		if res.StatusCode != test.status || body != test.body {
			t.Errorf("%+v: %d, %q", test, res.StatusCode, body)
		}
	}
}

// Concurrent requests to one handler get their own tokens.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	p := newParties()
	var refused atomic.Int64
	auth := must(bearer.New(bearer.Config{Opener: p.opener(), Cookie: "token", OnRefusal: func(context.Context, bearer.Refusal) { refused.Add(1) }}))
	h := auth.Require(bearer.RequireScope("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := bearer.TokenFrom(r.Context())
		claims, err := open.ClaimsOf[map[string]any](tok)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, claims["name"])
	})))
	var all sync.WaitGroup
	for i := range 8 {
		name := fmt.Sprintf("name %d", i)
		token := p.token(t, map[string]any{"scope": "read", "name": name})
		all.Go(func() {
			for range 50 {
				for _, field := range [][2]string{authorization("Bearer " + token), cookie("token=" + token)} {
					if res, body := serve(h, request("GET", field)); res.StatusCode != 200 || body != name {
						t.Errorf("%s: %d %s", name, res.StatusCode, body)
					}
				}
				if res, _ := serve(h, request("GET", authorization("Bearer "+token+"A"))); res.StatusCode != 401 {
					t.Errorf("%s: %s", name, res.Status)
				}
			}
		})
	}
	all.Wait()
	if n := refused.Load(); n != 8*50 {
		t.Errorf("told of %d refusals", n)
	}
}

// TestForgeries sends the whole battery by HTTP. The middleware refuses and accepts the same tokens
// as the opener.
func TestForgeries(t *testing.T) {
	t.Parallel()
	signing, recipient := opentest.NewKey("ES256"), opentest.NewKey("ECDH-ES")
	opener := must(open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuerID, Keys: must(keys.ParsePublicSet(opentest.PublicSet(signing)))}},
		Decryption: keytest.NewSet(must(keys.ParseKey(recipient, keys.Hint{}))),
	}))
	h := must(bearer.New(bearer.Config{Opener: opener, AllowBound: true, Cookie: "token"})).Require(http.NotFoundHandler())
	opentest.Run(t, opentest.Target{
		Issuer: opentest.Issuer{ID: issuerID, Signing: signing}, Audience: audience, Recipient: recipient,
		Open: func(ctx context.Context, token string) error {
			field := authorization("Bearer " + token)
			if strings.HasPrefix(token, " ") { // a field may have several spaces before the token
				field = cookie("token=" + token)
			}
			res, _ := serve(h, request("GET", field).WithContext(ctx))
			switch res.StatusCode {
			case 404:
				return nil
			case 400, 401:
				return errors.New(res.Status)
			}
			t.Errorf("%d", res.StatusCode)
			return nil
		},
	})
}
