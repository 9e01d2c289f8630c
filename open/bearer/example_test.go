package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/seal"
)

// An API uses the standard mux. A client with a token sees its user, and a client that may write
// orders writes one.
func Example() {
	// Both parties share one set of keys to keep the example short. Package open has an example
	// with two.
	sig, err := keys.GenerateKey(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	enc, err := keys.GenerateKey(keys.ECDHES)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keys.NewSet(keytest.SetConfig(sig, enc))
	if err != nil {
		log.Fatal(err)
	}
	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   ring,
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: ring},
	})
	if err != nil {
		log.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   "https://api.example.com",
		Decryption: ring,
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: ring}},
	})
	if err != nil {
		log.Fatal(err)
	}

	auth, err := bearer.New(bearer.Config{
		Opener: opener,
		OnRefusal: func(ctx context.Context, r bearer.Refusal) {
			why := r.Err.Error()
			if e, ok := errors.AsType[*open.Error](r.Err); ok {
				why = e.Detail()
			}
			slog.InfoContext(ctx, "refused", "status", r.Status, "pattern", r.Pattern, "why", why)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	type Profile struct {
		Email string `json:"email"`
	}
	mux := http.NewServeMux()
	mux.Handle("GET /me", auth.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := bearer.TokenFrom(r.Context())
		profile, err := open.ClaimsOf[Profile](tok)
		if err != nil {
			http.Error(w, "unexpected claims", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, tok.Subject(), profile.Email)
	})))
	mux.Handle("POST /orders", auth.Require(bearer.RequireScope("orders:write")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "ordered")
	}))))
	api := httptest.NewServer(mux)
	defer api.Close()

	token, err := sealer.Seal(context.Background(), seal.Claims{
		Subject: "u-42", Custom: map[string]any{"email": "ada@example.com", "scope": "orders:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	call := func(method, path, token string) {
		req, err := http.NewRequest(method, api.URL+path, nil)
		if err != nil {
			log.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s%s\n", res.StatusCode, body, res.Header.Get("WWW-Authenticate"))
	}
	call("GET", "/me", token)
	call("GET", "/me", "")
	call("GET", "/me", token+"A")
	call("POST", "/orders", token)
	// Output:
	// 200 u-42 ada@example.com
	//
	// 401 Unauthorized
	// Bearer realm="api"
	// 401 Unauthorized
	// Bearer realm="api", error="invalid_token"
	// 403 Forbidden
	// Bearer realm="api", error="insufficient_scope", scope="orders:write"
}
