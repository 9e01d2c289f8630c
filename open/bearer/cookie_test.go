package bearer_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// A request has one cookie with the right name, and no Authorization. T stands for a good token.
func TestCookie(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	tests := []struct {
		name   string
		fields [][2]string
		want   answer
		err    error
	}{
		{"alone", [][2]string{cookie("token=T")}, passes, nil},
		{"among others", [][2]string{cookie("a=b; token=T; c=d")}, passes, nil},
		{"without a space", [][2]string{cookie("a=b;token=T;c=d")}, passes, nil},
		{"in a field of its own", [][2]string{cookie("a=b"), cookie("token=T")}, passes, nil},
		{"a field, and no cookie", [][2]string{authorization("Bearer T"), cookie("a=b")}, passes, nil},

		{"none", nil, noToken, bearer.ErrNoCredentials},
		{"others", [][2]string{cookie("a=b; mytoken=T; token2=T; Token=T; TOKEN=T; __Host-token=T")}, noToken, bearer.ErrNoCredentials},
		{"another's value", [][2]string{cookie("a=token=T")}, noToken, bearer.ErrNoCredentials},
		{"Basic", [][2]string{authorization("Basic dTpw"), cookie("a=b")}, noToken, bearer.ErrNoCredentials},

		{"twice", [][2]string{cookie("token=T; token=T")}, badRequest, bearer.ErrMultipleTokens},
		{"twice, and one is no cookie", [][2]string{cookie("token=T; token=\x01")}, badRequest, bearer.ErrMultipleTokens},
		{"twice, and one is empty", [][2]string{cookie("token; token=T")}, badRequest, bearer.ErrMultipleTokens},
		{"twice, and one has space around", [][2]string{cookie("token=T; \t token \t= T")}, badRequest, bearer.ErrMultipleTokens},
		{"in two fields", [][2]string{cookie("token=T"), cookie("token=T")}, badRequest, bearer.ErrMultipleTokens},
		{"beside a field", [][2]string{authorization("Bearer T"), cookie("token=T")}, badRequest, bearer.ErrMultipleTokens},
		{"beside Basic", [][2]string{authorization("Basic dTpw"), cookie("token=T")}, badRequest, bearer.ErrMultipleTokens},
		{"beside an empty field", [][2]string{authorization(""), cookie("token=T")}, badRequest, bearer.ErrMultipleTokens},

		{"empty", [][2]string{cookie("token=")}, badRequest, bearer.ErrMalformed},
		{"a name only", [][2]string{cookie("token")}, badRequest, bearer.ErrMalformed},
		{"quoted", [][2]string{cookie(`token="T"`)}, badRequest, bearer.ErrMalformed},
		{"a space before it", [][2]string{cookie("token= T")}, badRequest, bearer.ErrMalformed},
		{"a space behind it", [][2]string{cookie("token=T ; a=b")}, badRequest, bearer.ErrMalformed},
		{"with the scheme", [][2]string{cookie("token=Bearer T")}, badRequest, bearer.ErrMalformed},
		{"two, by a comma", [][2]string{cookie("token=T, token=T")}, badRequest, bearer.ErrMalformed},
		{"not a token that opens", [][2]string{cookie("token=a")}, badToken, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET")
			for _, f := range test.fields {
				r.Header[f[0]] = append(r.Header[f[0]], strings.ReplaceAll(f[1], "T", good))
			}
			if test.name == "others" { // under the names of the row
				r.Header["Cookie"] = []string{strings.ReplaceAll(test.fields[0][1], "=T", "="+good)}
			}
			expect(t, bearer.Config{Opener: p.opener(), Cookie: "token"}, nil, r, test.want, test.err)
		})
	}
}

// A page of another site makes a browser send the cookie.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	app := http.NewCrossOriginProtection()
	if err := app.AddTrustedOrigin("https://app.example.com"); err != nil {
		t.Fatal(err)
	}
	bypass := func(pattern string) *http.CrossOriginProtection {
		any := http.NewCrossOriginProtection()
		any.AddInsecureBypassPattern(pattern)
		return any
	}
	config := func(from *http.CrossOriginProtection) bearer.Config {
		return bearer.Config{Opener: p.opener(), Cookie: "token", CrossOrigin: from}
	}
	strict, trusting, bypassing, bypassingGET := config(nil), config(app), config(bypass("/me")), config(bypass("GET /me"))
	field := func(name, value string) [2]string { return [2]string{name, value} }
	site := func(value string) [2]string { return field("Sec-Fetch-Site", value) }
	inCookie, inField := cookie("token="+good), authorization("Bearer "+good)
	tests := []struct {
		name   string
		cfg    bearer.Config
		method string
		fields [][2]string
		want   answer
	}{
		{"no browser", strict, "POST", [][2]string{inCookie}, passes},
		{"our own page", strict, "POST", [][2]string{inCookie, site("same-origin")}, passes},
		{"our own page, in an old browser", strict, "POST", [][2]string{inCookie, field("Origin", "https://example.com")}, passes},
		{"a link", strict, "GET", [][2]string{inCookie, site("cross-site")}, passes},
		{"a form", strict, "POST", [][2]string{inCookie, site("cross-site")}, otherOrigin},
		{"a script", strict, "DELETE", [][2]string{inCookie, site("cross-site")}, otherOrigin},
		{"of another host of ours", strict, "POST", [][2]string{inCookie, site("same-site")}, otherOrigin},
		{"an old browser", strict, "POST", [][2]string{inCookie, field("Origin", "https://evil.example")}, otherOrigin},
		{"a sandbox", strict, "POST", [][2]string{inCookie, field("Origin", "null")}, otherOrigin},
		{"a WebSocket", strict, "GET", [][2]string{inCookie, site("cross-site"), field("Upgrade", "websocket")}, otherOrigin},
		{"a WebSocket of an old browser", strict, "GET", [][2]string{inCookie, field("Origin", "https://evil.example"), field("Upgrade", "websocket")}, otherOrigin},
		{"a WebSocket whose first field is empty", strict, "GET", [][2]string{inCookie, site("cross-site"), field("Upgrade", ""), field("Upgrade", "websocket")}, otherOrigin},
		{"our own WebSocket", strict, "GET", [][2]string{inCookie, site("same-origin"), field("Upgrade", "websocket")}, passes},
		{"an origin that is trusted", trusting, "POST", [][2]string{inCookie, site("same-site"), field("Origin", "https://app.example.com")}, passes},
		{"another one", trusting, "POST", [][2]string{inCookie, site("cross-site"), field("Origin", "https://evil.example")}, otherOrigin},
		{"a pattern that is bypassed", bypassing, "POST", [][2]string{inCookie, site("cross-site")}, passes},
		{"a WebSocket there", bypassing, "GET", [][2]string{inCookie, site("cross-site"), field("Upgrade", "websocket")}, passes},
		{"a WebSocket, and a pattern for GET", bypassingGET, "GET", [][2]string{inCookie, site("cross-site"), field("Upgrade", "websocket")}, otherOrigin},
		{"a field, which no page can send unasked", strict, "POST", [][2]string{inField, site("cross-site"), field("Origin", "https://evil.example")}, passes},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			expect(t, test.cfg, nil, request(test.method, test.fields...), test.want, bearer.ErrCrossOrigin)
		})
	}
}

// TestWithout checks the header that handlers see.
func TestWithout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, cookie string
		in, out      http.Header
	}{
		{"the field", "", http.Header{"Authorization": {"Bearer a"}, "Accept": {"b"}}, http.Header{"Accept": {"b"}}},
		{"no cookie of ours", "", http.Header{"Cookie": {"token=a;b=c"}}, http.Header{"Cookie": {"token=a;b=c"}}},
		{"the only cookie", "token", http.Header{"Cookie": {"token=a"}}, http.Header{}},
		{"among others", "token", http.Header{"Cookie": {`a=b;token=a ;;c="d e"`, "token=b", "e"}}, http.Header{"Cookie": {`a=b; c="d e"`, "e"}}},
		{"no cookies", "token", http.Header{"A": {"b"}}, http.Header{"A": {"b"}}},
	}
	for _, test := range tests {
		before := test.in.Clone()
		if out := bearer.Without(test.in, test.cookie); !reflect.DeepEqual(out, test.out) {
			t.Errorf("%s: %q, want %q", test.name, out, test.out)
		}
		if !reflect.DeepEqual(test.in, before) {
			t.Errorf("%s: the request's own header is changed: %q", test.name, test.in)
		}
	}
}
