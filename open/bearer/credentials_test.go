package bearer_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// These header fields hold one token, or none. T stands for a good token.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	tests := []struct {
		name   string
		fields []string
		want   answer
		err    error
	}{
		{"as in the RFC", []string{"Bearer T"}, passes, nil},
		{"lower case", []string{"bearer T"}, passes, nil},
		{"upper case", []string{"BEARER T"}, passes, nil},
		{"two spaces", []string{"Bearer  T"}, passes, nil},

		{"none", nil, noToken, bearer.ErrNoCredentials},
		{"another scheme", []string{"Basic dTpw"}, noToken, bearer.ErrNoCredentials},
		{"DPoP", []string{"DPoP T"}, noToken, bearer.ErrNoCredentials},
		{"a scheme that begins with it", []string{"BearerT T"}, noToken, bearer.ErrNoCredentials},
		{"no space", []string{"BearerT"}, noToken, bearer.ErrNoCredentials},
		{"the token alone", []string{"T"}, noToken, bearer.ErrNoCredentials},

		{"empty", []string{""}, badRequest, bearer.ErrMalformed},
		{"the scheme alone", []string{"Bearer"}, badRequest, bearer.ErrMalformed},
		{"an empty token", []string{"Bearer "}, badRequest, bearer.ErrMalformed},
		{"spaces only", []string{"Bearer    "}, badRequest, bearer.ErrMalformed},
		{"padding only", []string{"Bearer =="}, badRequest, bearer.ErrMalformed},
		{"padding inside", []string{"Bearer a=T"}, badRequest, bearer.ErrMalformed},
		{"a leading space", []string{" Bearer T"}, badRequest, bearer.ErrMalformed},
		{"a trailing space", []string{"Bearer T "}, badRequest, bearer.ErrMalformed},
		{"a trailing tab", []string{"Bearer T\t"}, badRequest, bearer.ErrMalformed},
		{"a tab for the space", []string{"Bearer\tT"}, badRequest, bearer.ErrMalformed},
		{"a tab behind the space", []string{"Bearer \tT"}, badRequest, bearer.ErrMalformed},
		{"a line feed", []string{"Bearer T\n"}, badRequest, bearer.ErrMalformed},
		{"folded", []string{"Bearer\r\n T"}, badRequest, bearer.ErrMalformed},
		{"NUL", []string{"Bearer T\x00"}, badRequest, bearer.ErrMalformed},
		{"quoted", []string{`Bearer "T"`}, badRequest, bearer.ErrMalformed},
		{"a parameter", []string{`Bearer token="T"`}, badRequest, bearer.ErrMalformed},
		{"a colon", []string{"Bearer: T"}, badRequest, bearer.ErrMalformed},
		{"not ASCII", []string{"Bearer é"}, badRequest, bearer.ErrMalformed},
		{"a dot of full width", []string{"Bearer a．b．c"}, badRequest, bearer.ErrMalformed},
		{"not UTF-8", []string{"Bearer \xff"}, badRequest, bearer.ErrMalformed},
		{"a space of Unicode", []string{"Bearer\u00a0T"}, badRequest, bearer.ErrMalformed},
		{"a letter with a dot in the scheme", []string{"Bearer\u0307 T"}, badRequest, bearer.ErrMalformed},

		{"two tokens", []string{"Bearer T T"}, badRequest, bearer.ErrMalformed},
		{"two, joined by a comma", []string{"Bearer T,Bearer T"}, badRequest, bearer.ErrMalformed},
		{"and a space", []string{"Bearer T, Bearer T"}, badRequest, bearer.ErrMalformed},
		{"another scheme in front", []string{"Basic dTpw, Bearer T"}, noToken, bearer.ErrNoCredentials},
		{"another scheme behind", []string{"Bearer T, Basic dTpw"}, badRequest, bearer.ErrMalformed},
		{"two fields", []string{"Bearer T", "Bearer T"}, badRequest, bearer.ErrMultipleTokens},
		{"an empty one first", []string{"", "Bearer T"}, badRequest, bearer.ErrMultipleTokens},
		{"an empty one last", []string{"Bearer T", ""}, badRequest, bearer.ErrMultipleTokens},
		{"Basic first", []string{"Basic dTpw", "Bearer T"}, badRequest, bearer.ErrMultipleTokens},
		{"Basic last", []string{"Bearer T", "Basic dTpw"}, badRequest, bearer.ErrMultipleTokens},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET")
			for _, field := range test.fields {
				r.Header["Authorization"] = append(r.Header["Authorization"], strings.ReplaceAll(field, "T", good))
			}
			expect(t, bearer.Config{Opener: p.opener()}, nil, r, test.want, test.err)
		})
	}
}

// A token may have the bytes of b64token, and no others.
func TestAlphabet(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	for c := range 256 {
		for _, text := range []string{string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'}), string([]byte{byte(c), '='})} {
			token, _, err := bearer.Credentials(http.Header{"Authorization": {"Bearer " + text}}, "")
			if good := strings.IndexByte(alphabet, byte(c)) >= 0; good != (err == nil) || good && token != text {
				// RFC 6750 allows any number of spaces before the token.
				if c == ' ' && token == strings.TrimLeft(text, " ") && err == nil {
					continue
				}
				t.Errorf("%q: %q, %v", text, token, err)
			}
		}
	}
}

// A token in the query or in a form does not count, and neither does it beside one that counts.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	form := func() *http.Request {
		r := httptest.NewRequest("POST", "/me", strings.NewReader("access_token="+good))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	cfg := bearer.Config{Opener: p.opener()}
	expect(t, cfg, nil, httptest.NewRequest("GET", "/me?access_token="+good, nil), noToken, bearer.ErrNoCredentials)
	expect(t, cfg, nil, form(), noToken, bearer.ErrNoCredentials)
	for _, field := range []string{"Cookie", "Proxy-Authorization", "X-Authorization", "Authentication"} {
		expect(t, cfg, nil, request("GET", [2]string{field, "Bearer " + good}), noToken, bearer.ErrNoCredentials)
		expect(t, cfg, nil, request("GET", [2]string{field, "authorization=" + good}), noToken, bearer.ErrNoCredentials)
	}
	r := form()
	r.Header.Set("Authorization", "Bearer "+good)
	expect(t, cfg, nil, r, passes, nil)
}

// TestWire sends header fields as bytes, because net/http changes them before Require reads them. @
// stands for a good token.
func TestWire(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	srv := httptest.NewServer(must(bearer.New(bearer.Config{Opener: p.opener()})).Require(hello))
	t.Cleanup(srv.Close)
	for fields, want := range map[string]int{
		"Authorization: Bearer @":                               200,
		"authorization: Bearer @":                               200,
		"AUTHORIZATION:Bearer @":                                200,
		"Authorization: \t Bearer @ \t":                         200, // white space is optional here
		"Authorization: Bearer\r\n @":                           200, // obs-fold is one space, RFC 9112 section 5.2
		"Authorization: Bearer @\r\n @":                         400,
		"Authorization: Bearer\t@":                              400,
		"Authorization: Bearer @\r\nAuthorization: Bearer @":    400,
		"Authorization: Bearer @\r\nauthorization: Bearer @":    400,
		"Authorization:\r\nAuthorization: Bearer @":             400,
		"Authorization : Bearer @":                              400,
		" Authorization: Bearer @":                              400,
		"X: a\r\n Authorization: Bearer @":                      401, // the second line belongs to X
		"X: a\rAuthorization: Bearer @":                         400,
		"Authorization: Bearer @\x00":                           400,
		"Authorization_: Bearer @":                              401,
		"Authorization\x00: Bearer @":                           400,
		"Authorization: Basic dTpw":                             401,
		"X-Nothing: here":                                       401,
		"Authorization: Bearer " + strings.Repeat("a", 100<<10): 401, // the opener's limit is lower
		"Connection: authorization\r\nAuthorization: Bearer @":  200,
	} {
		conn := must(net.Dial("tcp", srv.Listener.Addr().String()))
		go fmt.Fprintf(conn, "GET /me HTTP/1.1\r\nHost: api.example.com\r\n%s\r\n\r\n", strings.ReplaceAll(fields, "@", good))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != want {
			t.Errorf("%.80q: %v, %v, want %d", fields, res, err, want)
		}
		conn.Close()
	}
}
