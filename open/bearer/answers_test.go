package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

var errDown = errors.New("the store is down")

// answer holds the exact answer to a request: status, code and WWW-Authenticate.
type answer struct {
	status    int
	code      string
	challenge string
}

var (
	passes       = answer{200, "", ""}
	noToken      = answer{401, "", `Bearer realm="api"`}
	badRequest   = answer{400, "invalid_request", `Bearer realm="api", error="invalid_request"`}
	badToken     = answer{401, "invalid_token", `Bearer realm="api", error="invalid_token"`}
	unavailable  = answer{503, "", ""}
	otherOrigin  = answer{403, "", ""}
	wrongWayUp   = answer{500, "", ""}
	lacksReading = answer{403, "insufficient_scope", `Bearer realm="api", error="insufficient_scope", scope="read"`}
)

var bodies = map[int]string{
	200: "hello u-42", 400: "Bad Request\n", 401: "Unauthorized\n", 403: "Forbidden\n", 500: "Internal Server Error\n", 503: "Service Unavailable\n",
}

// expect serves a request, and compares the whole answer and the error that the hook gets. A nil
// why stands for any error.
func expect(t *testing.T, cfg bearer.Config, inside func(http.Handler) http.Handler, r *http.Request, want answer, why error) {
	t.Helper()
	var told []bearer.Refusal
	cfg.OnRefusal = func(_ context.Context, refusal bearer.Refusal) { told = append(told, refusal) }
	served, method := 0, r.Method
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served++; r.Method != method {
			t.Errorf("the handler sees a %s", r.Method)
		}
		hello(w, r)
	})
	if inside != nil {
		h = inside(h)
	}
	res, body := serve(must(bearer.New(cfg)).Require(h), r)

	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"private"}, "Vary": {"Authorization"}}
	if cfg.Cookie != "" {
		header.Set("Vary", "Authorization, Cookie")
	}
	if want != passes {
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
	}
	if want.challenge != "" {
		header.Set("WWW-Authenticate", want.challenge)
	}
	if res.StatusCode != want.status || body != bodies[want.status] || !maps.EqualFunc(res.Header, header, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("%d %q with %q, want %d %q with %q", res.StatusCode, body, res.Header, want.status, bodies[want.status], header)
	}
	if (served == 1) != (want == passes) {
		t.Errorf("the handler was called %d times", served)
	}
	if want == passes || want == wrongWayUp {
		if len(told) != 0 {
			t.Errorf("told of %v", told)
		}
		return
	}
	if len(told) != 1 || told[0].Status != want.status || told[0].Code != want.code || told[0].Method != method || told[0].Err == nil || why != nil && !errors.Is(told[0].Err, why) {
		t.Errorf("told of %+v, want %d %q because of %v", told, want.status, want.code, why)
	}
}

// A token that opens passes. If a token does not open, the client is at fault, unless the opener
// cannot tell.
func TestTokens(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	opener := func(change func(c *open.Config)) bearer.Opener {
		c := p.config()
		change(&c)
		return must(open.New(c))
	}
	check := func(err error) bearer.Opener {
		return opener(func(c *open.Config) { c.Check = func(context.Context, *open.Token) error { return err } })
	}
	last := good[strings.LastIndexByte(good, '.')+1:]
	tests := []struct {
		name   string
		opener bearer.Opener
		token  string
		want   answer
		err    error
	}{
		{"good", p.opener(), good, passes, nil},
		{"no token at all", p.opener(), "a", badToken, open.ErrMalformed},
		{"padded", p.opener(), good + "=", badToken, open.ErrMalformed},
		{"changed", p.opener(), strings.TrimSuffix(good, last) + strings.Repeat("A", len(last)), badToken, open.ErrNotAuthentic},
		{"too long", p.opener(), strings.Repeat("a", open.DefaultMaxSize+1), badToken, open.ErrMalformed},
		{"expired", later(p.opener(), time.Hour), good, badToken, open.ErrExpired},
		{"for another party's keys", p.opener(), newParties().token(t, nil), badToken, open.ErrUnknownKey},
		{"for another audience", opener(func(c *open.Config) { c.Audience = "https://billing.example.com" }), good, badToken, open.ErrAudience},
		{"revoked", check(errors.New("revoked")), good, badToken, open.ErrCheck},
		{"revoked, with an error of ours", check(bearer.ErrScope), good, badToken, open.ErrCheck},

		{"no decryption keys", opener(func(c *open.Config) { c.Decryption = brokenSource{errDown} }), good, unavailable, errDown},
		{"no verification keys", opener(func(c *open.Config) { c.Trust[0].Keys = brokenSource{errDown} }), good, unavailable, open.ErrKeySource},
		{"sessions are down", check(fmt.Errorf("%w: %w", bearer.ErrUnavailable, errDown)), good, unavailable, errDown},
		{"sessions take too long", check(fmt.Errorf("sessions: %w", context.DeadlineExceeded)), good, unavailable, context.DeadlineExceeded},
		{"the client is gone", check(fmt.Errorf("sessions: %w", context.Canceled)), good, unavailable, context.Canceled},

		{"bound", p.opener(), p.token(t, map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}), badToken, bearer.ErrBound},
		{"bound to null", p.opener(), p.token(t, map[string]any{"cnf": nil}), badToken, bearer.ErrBound},
		{"cnf further in", p.opener(), p.token(t, map[string]any{"a": map[string]any{"cnf": 1}}), passes, nil},
		{"an opener without an opinion", openerFunc(func(context.Context, string) (*open.Token, error) { return nil, nil }), good, badToken, nil},
		{"a forged token", openerFunc(func(context.Context, string) (*open.Token, error) { return new(open.Token), nil }), good, badToken, nil},
		{"an error beside a token", openerFunc(func(ctx context.Context, s string) (*open.Token, error) {
			return must(p.opener().Open(ctx, s)), errDown
		}), good, badToken, errDown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			expect(t, bearer.Config{Opener: test.opener}, nil, request("GET", authorization("Bearer "+test.token)), test.want, test.err)
		})
	}
	t.Run("bound, and allowed", func(t *testing.T) {
		t.Parallel()
		token := p.token(t, map[string]any{"cnf": map[string]any{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}})
		expect(t, bearer.Config{Opener: p.opener(), AllowBound: true}, nil, request("GET", authorization("Bearer "+token)), passes, nil)
	})
}

// The opener gets the context of the request.
func TestRequestContext(t *testing.T) {
	t.Parallel()
	p := newParties()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opener := openerFunc(func(ctx context.Context, _ string) (*open.Token, error) { return nil, ctx.Err() })
	r := request("GET", authorization("Bearer "+p.token(t, nil))).WithContext(ctx)
	expect(t, bearer.Config{Opener: opener}, nil, r, unavailable, context.Canceled)
}
