package keycache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hunter2 is the secret of the tests. No error shows it.
const hunter2 = "hunter2"

func TestParseHeader(t *testing.T) {
	for text, want := range map[string]http.Header{
		"Authorization: Bearer hunter2":             {"Authorization": {"Bearer hunter2"}},
		"authorization:Bearer hunter2":              {"Authorization": {"Bearer hunter2"}},
		"Authorization: \t Bearer hunter2 \t":       {"Authorization": {"Bearer hunter2"}},
		"X-Api-Key: hunter2\r\nX-Tenant: a:b \"c\"": {"X-Api-Key": {"hunter2"}, "X-Tenant": {`a:b "c"`}},
		"User-Agent: mine/1":                        {"User-Agent": {"mine/1"}},
		"Cookie: a=hunter2":                         {"Cookie": {"a=hunter2"}},
	} {
		got, err := parseHeader(text)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	bad := []string{
		"", "\r", "\ufeffAuthorization: hunter2", "hunter2", "Bearer hunter2", ": hunter2", "Authorization : hunter2", " Authorization: hunter2", "hunt er2: x",
		"Authorization:", "Authorization: \t ", "Authorization: hunter2\x00", "Authorization: hunter2\x7f", "Authorization: hünter2",
		"Authorization: hunter2\rX: y", "Authorization: hunter2\n", "\nAuthorization: hunter2", "Authorization: hunter2\n hunter2",
		"Authorization: hunter2\nauthorization: hunter2", "A: 2\nB: 2\nC: 2\nD: 2\nE: 2\nF: 2\nG: 2\nH: 2\nI: hunter2",
	}
	for _, name := range []string{
		"Connection", "keep-alive", "Proxy-Connection", "PROXY-Authorization", "Proxy-Authenticate", "TE", "Trailer", "Transfer-Encoding",
		"Upgrade", "HTTP2-Settings", "Host", "Content-Length", "content-type", "Content-Encoding", "Cookie2", "Set-Cookie", "Expect", "Range",
		"If-None-Match", "if-modified-since", "Accept", "Accept-Encoding", "Cache-Control", "Pragma", "Via", "Forwarded",
	} {
		bad = append(bad, name+": hunter2", "Authorization: hunter2\n"+name+": hunter2")
	}
	for _, text := range bad {
		if got, err := parseHeader(text); err == nil || got != nil || strings.Contains(err.Error(), hunter2) || strings.ContainsAny(err.Error(), "\x00\r\n") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestOriginOf(t *testing.T) {
	for text, want := range map[string]string{
		"https://id.example.com":                 "https://id.example.com",
		"HTTPS://ID.example.com:443/jwks?q#f":    "https://id.example.com",
		"https://id.example.com:8443/jwks":       "https://id.example.com:8443",
		"https://id.example.com:80":              "https://id.example.com:80",
		"http://localhost:80/":                   "http://localhost",
		"http://[::1]:8080/":                     "http://[::1]:8080",
		"https://ada:hunter2@id.example.com/":    "https://id.example.com",
		"https://":                               "https://",
		"https://ada:hunter2@ex ample.com/?a=b":  "https://ex ample.com/",
		"https://id.example.com.evil.test/jwks":  "https://id.example.com.evil.test",
		"https://id.example.com@evil.test/jwks":  "https://evil.test",
		"https://evil.test/https://id.example.c": "https://evil.test",
	} {
		if got := originOf(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A RoundTripper must not change the request (http.RoundTripper): http.Client uses its header again
// for a redirect.
func TestHeaderFileLeavesRequest(t *testing.T) {
	api := httptest.NewServer(http.NotFoundHandler())
	defer api.Close()
	lines := http.Header{"Authorization": {"Bearer " + hunter2}, "User-Agent": {"mine/1"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/jwks", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "sealjwt")
	res, err := (&Header{originOf(api.URL), lines}).Transport(api.URL).RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusNotFound || len(r.Header) != 1 || r.UserAgent() != "sealjwt" {
		t.Errorf("%v, %v, the request has %v", res, err, r.Header)
	}
	res.Body.Close()
}
