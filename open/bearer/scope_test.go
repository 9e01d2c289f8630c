package bearer_test

import (
	"net/http"
	"testing"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// A token needs all named scopes. They stand in scope, or in scp if there is no scope.
func TestScope(t *testing.T) {
	t.Parallel()
	p := newParties()
	tests := []struct {
		name   string
		claims map[string]any
		want   answer
	}{
		{"the one", map[string]any{"scope": "read"}, passes},
		{"among others", map[string]any{"scope": "openid read write"}, passes},
		{"too many spaces", map[string]any{"scope": " read  write"}, passes},
		{"none", nil, lacksReading},
		{"empty", map[string]any{"scope": ""}, lacksReading},
		{"a part of it", map[string]any{"scope": "rea"}, lacksReading},
		{"more than it", map[string]any{"scope": "read:all read_ xread"}, lacksReading},
		{"in another case", map[string]any{"scope": "Read READ"}, lacksReading},
		{"with a tab", map[string]any{"scope": "write\tread"}, lacksReading},
		{"with a line feed", map[string]any{"scope": "write\nread"}, lacksReading},
		{"with a comma", map[string]any{"scope": "write,read"}, lacksReading},
		{"with a space of Unicode", map[string]any{"scope": "write\u00a0read"}, lacksReading},
		{"an array", map[string]any{"scope": []string{"read"}}, passes},
		{"an array of several", map[string]any{"scope": []string{"openid", "read"}}, passes},
		{"an array without it", map[string]any{"scope": []string{"openid", "reader"}}, lacksReading},
		{"an empty array", map[string]any{"scope": []string{}}, lacksReading},
		{"an element of several words", map[string]any{"scope": []string{"read write"}}, lacksReading},
		{"an element with a space", map[string]any{"scope": []string{"read "}}, lacksReading},
		{"an array with a number", map[string]any{"scope": []any{"read", 1}}, lacksReading},
		{"an array with null", map[string]any{"scope": []any{"read", nil}}, lacksReading},
		{"an array in an array", map[string]any{"scope": []any{[]string{"read"}}}, lacksReading},
		{"scp", map[string]any{"scp": "openid read"}, passes},
		{"scp, an array", map[string]any{"scp": []string{"openid", "read"}}, passes},
		{"scp without it", map[string]any{"scp": "write"}, lacksReading},
		{"scp beside scope", map[string]any{"scope": "write", "scp": "read"}, lacksReading},
		{"scp beside an empty scope", map[string]any{"scope": "", "scp": "read"}, lacksReading},
		{"scp beside null", map[string]any{"scope": nil, "scp": "read"}, lacksReading},
		{"scp beside an object", map[string]any{"scope": map[string]any{}, "scp": "read"}, lacksReading},
		{"null", map[string]any{"scope": nil}, lacksReading},
		{"true", map[string]any{"scope": true}, lacksReading},
		{"an object", map[string]any{"scope": map[string]any{"read": true}}, lacksReading},
		{"by another name", map[string]any{"Scope": "read"}, lacksReading},
		{"by the name of others", map[string]any{"SCP": "read", "scopes": "read"}, lacksReading},
		{"further in", map[string]any{"a": map[string]any{"scope": "read"}}, lacksReading},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", authorization("Bearer "+p.token(t, test.claims)))
			expect(t, bearer.Config{Opener: p.opener()}, bearer.RequireScope("read"), r, test.want, bearer.ErrScope)
		})
	}
}

// The challenge names several scopes in the order of the call.
func TestScopes(t *testing.T) {
	t.Parallel()
	p := newParties()
	lacks := func(scopes string) answer {
		return answer{403, "insufficient_scope", `Bearer realm="orders", error="insufficient_scope", scope="` + scopes + `"`}
	}
	for has, want := range map[string]answer{
		"read write": passes, "write a read": passes, "read": lacks("read write"), "write": lacks("read write"), "readwrite": lacks("read write"),
	} {
		names := []string{"read", "write"}
		inside := bearer.RequireScope(names...)
		names[1] = "read"
		r := request("POST", authorization("Bearer "+p.token(t, map[string]any{"scope": has})))
		expect(t, bearer.Config{Opener: p.opener(), Realm: "orders"}, inside, r, want, bearer.ErrScope)
	}
}

// RequireScope answers 500 if no token was opened, and Require does so if there is no Opener. Both
// do so without a handler.
func TestAnswers500(t *testing.T) {
	t.Parallel()
	p := newParties()
	auth := must(bearer.New(bearer.Config{Opener: p.opener()}))
	token := p.token(t, map[string]any{"scope": "read"})
	for name, h := range map[string]http.Handler{
		"alone": bearer.RequireScope("read")(hello), "around": bearer.RequireScope("read")(auth.Require(hello)),
		"of nothing": auth.Require(bearer.RequireScope("read")(nil)), "nothing to require for": auth.Require(nil),
		"nil Authenticator": (*bearer.Authenticator)(nil).Require(hello), "zero Authenticator": new(bearer.Authenticator).Require(hello),
	} {
		res, body := serve(h, request("GET", authorization("Bearer "+token)))
		if res.StatusCode != 500 || body != bodies[500] || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %q, %q", name, res.StatusCode, body, res.Header)
		}
	}
}

func TestScopePanics(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{nil, {""}, {"read", ""}, {"read write"}, {`a"b`}, {`a\b`}, {"a\r\nSet-Cookie: b"}, {"é"}, {"\x7f"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("RequireScope(%q) does not panic", names)
				}
			}()
			bearer.RequireScope(names...)
		}()
	}
}
