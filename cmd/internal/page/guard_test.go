package page

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/report"
)

const host = "127.0.0.1:4321"

// unsigned is a token with one claim.
const unsigned = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSJ9."

func testServer(now func() time.Time) *server {
	return newServer(host, clock{now: now})
}

// ask sends a request as the script of the page does, after change has changed it.
func ask(s *server, method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the client has gone, so alive does not wait
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Host = host
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Origin", "http://"+host)
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// header returns a change that sets a header to the values, or removes it.
func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

func all(changes ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		for _, change := range changes {
			change(r)
		}
	}
}

func TestGuard(t *testing.T) {
	s := testServer(time.Now)
	const get, post = http.MethodGet, http.MethodPost
	form := all(header("Origin", "null"), header("Sec-Fetch-Mode", "navigate"))
	for name, test := range map[string]struct {
		method, path string
		change       func(*http.Request)
		status       int
	}{
		"page":                     {get, "", nil, 200},
		"page, address typed":      {get, "", header("Sec-Fetch-Site", "none"), 200},
		"page, old browser":        {get, "", header("Sec-Fetch-Site"), 200},
		"page with own origin":     {get, "", header("Origin", "http://"+host), 200},
		"script":                   {post, "read", nil, 200},
		"form":                     {post, "", nil, 200},
		"form under no-referrer":   {post, "", form, 200},
		"charset":                  {post, "read", header("Content-Type", "text/plain"), 200},
		"name that was rebound":    {get, "", func(r *http.Request) { r.Host = "evil.example:4321" }, 421},
		"localhost":                {get, "", func(r *http.Request) { r.Host = "localhost:4321" }, 421},
		"other port":               {get, "", func(r *http.Request) { r.Host = "127.0.0.1:80" }, 421},
		"no port":                  {get, "", func(r *http.Request) { r.Host = "127.0.0.1" }, 421},
		"no host":                  {get, "", func(r *http.Request) { r.Host = "" }, 421},
		"host with a dot":          {get, "", func(r *http.Request) { r.Host = "127.0.0.1.:4321" }, 421},
		"POST to a rebound name":   {post, "read", func(r *http.Request) { r.Host = "evil.example:4321" }, 421},
		"other site":               {get, "", header("Sec-Fetch-Site", "cross-site"), 403},
		"other port, same site":    {get, "", header("Sec-Fetch-Site", "same-site"), 403},
		"two sites":                {get, "", header("Sec-Fetch-Site", "none", "cross-site"), 403},
		"other origin":             {get, "", header("Origin", "http://127.0.0.1:80"), 403},
		"two origins":              {get, "", header("Origin", "http://"+host, "https://evil.example"), 403},
		"null origin":              {get, "", header("Origin", "null"), 403},
		"alive, other site":        {get, "alive", header("Sec-Fetch-Site", "cross-site"), 403},
		"POST, other site":         {post, "read", header("Sec-Fetch-Site", "cross-site"), 403},
		"POST, same site":          {post, "read", header("Sec-Fetch-Site", "same-site"), 403},
		"POST, typed":              {post, "read", header("Sec-Fetch-Site", "none"), 403},
		"POST, no site":            {post, "read", header("Sec-Fetch-Site"), 403},
		"POST, two sites":          {post, "read", header("Sec-Fetch-Site", "same-origin", "same-origin"), 403},
		"POST, other origin":       {post, "read", header("Origin", "https://evil.example"), 403},
		"POST, other port":         {post, "read", header("Origin", "http://127.0.0.1:80"), 403},
		"POST, https":              {post, "read", header("Origin", "https://"+host), 403},
		"POST, null origin":        {post, "read", header("Origin", "null"), 403},
		"POST, no origin":          {post, "read", header("Origin"), 403},
		"POST, two origins":        {post, "read", header("Origin", "http://"+host, "https://evil.example"), 403},
		"form of a sandboxed page": {post, "", all(form, header("Sec-Fetch-Site", "cross-site")), 403},
		"form data":                {post, "read", header("Content-Type", "application/x-www-form-urlencoded"), 415},
		"no content type":          {post, "read", header("Content-Type"), 415},
		"JSON":                     {post, "read", header("Content-Type", "application/json"), 415},
		"token in the address":     {get, "?token=" + unsigned, nil, 400},
		"empty query":              {get, "?", nil, 400},
		"POST with a query":        {post, "read?token=" + unsigned, nil, 400},
		"GET of a report":          {get, "read", nil, 405},
		"PUT":                      {http.MethodPut, "read", nil, 405},
		"HEAD":                     {http.MethodHead, "", nil, 405},
		"OPTIONS":                  {http.MethodOptions, "read", nil, 405},
		"POST to alive":            {post, "alive", nil, 405},
		"path below":               {get, "favicon.ico", nil, 404},
		"path above":               {get, "../", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(s, test.method, s.path+test.path, "token="+unsigned, test.change)
			if w.Code != test.status {
				t.Errorf("status %d and not %d: %.200s", w.Code, test.status, w.Body)
			}
			if w.Code != 200 && (strings.Contains(w.Body.String(), "ada@") || strings.Contains(w.Body.String(), s.path)) {
				t.Errorf("a refusal says %q", w.Body)
			}
			checkHeaders(t, w.Header())
		})
	}
}

// TestGuardPath asks for paths that are not the random one, all of which are the same to a stranger.
func TestGuardPath(t *testing.T) {
	s := testServer(time.Now)
	if !regexp.MustCompile(`^/[0-9a-f]{32}/$`).MatchString(s.path) || s.path == testServer(time.Now).path {
		t.Errorf("the path %q has not 128 random bits", s.path)
	}
	for _, path := range []string{"/", "/favicon.ico", "/" + strings.Repeat("0", 32) + "/", s.path[:len(s.path)-1], s.path[:8], "/x" + s.path, strings.ToUpper(s.path) + "x", s.path + "/"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			w := ask(s, method, path, "token="+unsigned, nil)
			if w.Code != http.StatusNotFound || w.Body.String() != "not found\n" {
				t.Errorf("%s %s: %d %q", method, path, w.Code, w.Body)
			}
			checkHeaders(t, w.Header())
		}
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
	} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none';", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "connect-src 'self'", "script-src 'sha256-", "style-src 'sha256-"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy %q lacks %q", csp, want)
		}
	}
	for _, loose := range []string{"unsafe", "*", "http:", "https:", "data:"} {
		if strings.Contains(csp, loose) {
			t.Errorf("the policy %q has %q", csp, loose)
		}
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" {
			t.Errorf("the answer has %s", name)
		}
	}
}

// TestPolicyHashes compares the hashes of the policy with what the page has.
func TestPolicyHashes(t *testing.T) {
	s := testServer(time.Now)
	w := ask(s, http.MethodGet, s.path, "", nil)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllSubmatch(body, -1)
		if len(found) != 1 {
			t.Fatalf("the page has %d %s", len(found), tag)
		}
		if want := directive + " " + report.Hash(string(found[0][1])) + ";"; !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	for _, want := range []string{`spellcheck="false"`, `autocomplete="off"`, `translate="no"`, `autocorrect="off"`, `writingsuggestions="false"`, `<label for="token">`, `<html lang="en"`, `method="post"`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if found := regexp.MustCompile(`<[^>]* (style|on[a-z]+|href|src)=`).Find(body); found != nil {
		t.Errorf("the page has %s", found)
	}
}
