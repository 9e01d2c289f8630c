package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

func ask(h http.Handler, method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/jwks.json", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// hasHeader fails unless a response has these header lines. An empty value means that the line is
// absent.
func hasHeader(t *testing.T, w *httptest.ResponseRecorder, lines ...string) {
	t.Helper()
	for i := 0; i < len(lines); i += 2 {
		if got := w.Result().Header.Get(lines[i]); got != lines[i+1] {
			t.Errorf("%s is %q, want %q", lines[i], got, lines[i+1])
		}
	}
}

func TestHandler(t *testing.T) {
	set := publicSet(t, newKey(t, keys.ES256), newKey(t, keys.ECDHES))
	h := must(NewHandler(set, HandlerConfig{}))(t)
	body := string(must(set.MarshalJSON())(t))

	w := ask(h, "GET")
	if w.Code != 200 || w.Body.String() != body {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	hasHeader(t, w,
		"Content-Type", "application/jwk-set+json",
		"Cache-Control", "public, max-age=300, must-revalidate",
		"Content-Length", strconv.Itoa(len(body)),
		"X-Content-Type-Options", "nosniff",
		"Access-Control-Allow-Origin", "*",
		"Access-Control-Expose-Headers", "ETag")
	etag := w.Header().Get("ETag")
	if len(etag) != 45 || etag[0] != '"' {
		t.Errorf("ETag is %q, which is no strong one of a SHA-256", etag)
	}

	head := ask(h, "HEAD")
	if head.Code != 200 || head.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", head.Code, head.Body.Len())
	}
	hasHeader(t, head, "ETag", etag, "Content-Length", strconv.Itoa(len(body)), "Cache-Control", "public, max-age=300, must-revalidate")

	for _, tag := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
		same := ask(h, "GET", "If-None-Match", tag)
		if same.Code != 304 || same.Body.Len() != 0 {
			t.Errorf("If-None-Match %s: %d, %d bytes", tag, same.Code, same.Body.Len())
		}
		hasHeader(t, same, "ETag", etag, "Cache-Control", "public, max-age=300, must-revalidate")
	}
	if w := ask(h, "GET", "If-None-Match", `"other"`); w.Code != 200 || w.Body.String() != body {
		t.Errorf("another ETag: %d", w.Code)
	}
	lines := httptest.NewRequest("GET", "/jwks.json", nil)
	lines.Header["If-None-Match"] = []string{`"other"`, etag}
	same := httptest.NewRecorder()
	if h.ServeHTTP(same, lines); same.Code != 304 {
		t.Errorf("If-None-Match in two lines: %d", same.Code)
	}
	other := ask(must(NewHandler(publicSet(t, newKey(t, keys.ES256)), HandlerConfig{}))(t), "GET")
	hasOther := other.Header().Get("ETag")
	if hasOther == etag {
		t.Error("two sets have the same ETag")
	}
}

// No client can make a cache store an empty or a partial answer in the place of the set.
func TestHandlerHeedsNoOtherCondition(t *testing.T) {
	set := publicSet(t, newKey(t, keys.ES256))
	h := must(NewHandler(set, HandlerConfig{}))(t)
	body := string(must(set.MarshalJSON())(t))
	etag := ask(h, "GET").Header().Get("ETag")
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	for _, header := range [][]string{
		{"If-Match", `"x"`}, {"If-Match", "nonsense"}, {"If-Unmodified-Since", date}, {"If-Modified-Since", date},
		{"Range", "bytes=0-3"}, {"Range", "bytes=0-1,4-5"}, {"Range", "bytes=9999999-"}, {"Range", "bytes=0-3", "If-Range", etag},
	} {
		w := ask(h, "GET", header...)
		if w.Code != 200 || w.Body.String() != body {
			t.Errorf("%q: %d, %d bytes", header, w.Code, w.Body.Len())
		}
		hasHeader(t, w, "Content-Range", "", "Content-Type", "application/jwk-set+json")
		if w := ask(h, "HEAD", header...); w.Code != 200 {
			t.Errorf("%q, HEAD: %d", header, w.Code)
		}
		if w := ask(h, "GET", append(header, "If-None-Match", etag)...); w.Code != 304 {
			t.Errorf("%q, with If-None-Match: %d", header, w.Code)
		}
	}
	r := httptest.NewRequest("GET", "/jwks.json", nil)
	r.Header.Set("Range", "bytes=0-3")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if r.Header.Get("Range") == "" {
		t.Error("the caller's request was changed")
	}
}

func TestHandlerMethods(t *testing.T) {
	asked := sourceFunc(func(context.Context, string) (*keys.PublicSet, error) {
		t.Error("the source was asked")
		return nil, errors.New("asked")
	})
	h := must(NewHandler(asked, HandlerConfig{}))(t)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "BREW"} {
		w := ask(h, method)
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
		hasHeader(t, w, "Allow", "GET, HEAD, OPTIONS", "Cache-Control", "no-store")
	}
	w := ask(h, "OPTIONS", "Origin", "https://app.example.com", "Access-Control-Request-Method", "GET",
		"Access-Control-Request-Headers", "if-none-match")
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("OPTIONS: %d, %d bytes", w.Code, w.Body.Len())
	}
	hasHeader(t, w, "Allow", "GET, HEAD, OPTIONS", "Access-Control-Allow-Origin", "*",
		"Access-Control-Allow-Methods", "GET, HEAD", "Access-Control-Allow-Headers", "*",
		"Access-Control-Allow-Credentials", "", "Access-Control-Max-Age", "86400")
}

type sourceFunc func(context.Context, string) (*keys.PublicSet, error)

func (f sourceFunc) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	return f(ctx, kid)
}

// Some verifiers refuse a whole set because of one key that they do not know. Such a verifier gets
// a set without that key.
func TestHandlerUse(t *testing.T) {
	sig, enc := newKey(t, keys.ES256), newKey(t, keys.ECDHESX25519)
	set := keytest.NewSet(sig, enc)
	for use, want := range map[keys.Use][]*keys.Key{
		"": {sig, enc}, keys.UseSig: {sig}, keys.UseEnc: {enc},
	} {
		w := ask(must(NewHandler(set, HandlerConfig{Use: use}))(t), "GET")
		if w.Code != 200 {
			t.Fatalf("use %q: %d", use, w.Code)
		}
		knows(t, must(keys.ParsePublicSet(w.Body.Bytes()))(t), "", want...)
		for _, private := range []string{`"d"`, "oct"} {
			if strings.Contains(w.Body.String(), private) {
				t.Errorf("use %q: the set has %s", use, private)
			}
		}
	}
}

// NewHandler refuses a configuration that cannot work, so that not every request has to fail.
func TestNewHandlerRefuses(t *testing.T) {
	var noSet *keys.PublicSet
	var noFunc sourceFunc
	set := publicSet(t, newKey(t, keys.ES256))
	for _, tt := range []struct {
		name   string
		source keys.PublicSource
		cfg    HandlerConfig
		says   string
	}{
		{"no source", nil, HandlerConfig{}, "source is nil"},
		{"a nil set", noSet, HandlerConfig{}, "source is nil"},
		{"a nil function", noFunc, HandlerConfig{}, "source is nil"},
		{"unknown use", set, HandlerConfig{Use: "signature"}, `Use is "signature"`},
		{"negative max-age", set, HandlerConfig{MaxAge: -1}, "MaxAge is -1ns"},
	} {
		h, err := NewHandler(tt.source, tt.cfg)
		if h != nil || !errors.Is(err, ErrConfig) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: handler %v, error %v", tt.name, h, err)
		}
	}
}

// The operator is told of an error and the client is not. The client's answer is not cacheable.
func TestHandlerErrors(t *testing.T) {
	canary := errors.New("canary")
	failing := sourceFunc(func(context.Context, string) (*keys.PublicSet, error) { return nil, canary })
	for _, tt := range []struct {
		name   string
		source keys.PublicSource
		want   string
	}{
		{"source fails", failing, "canary"},
		{"nothing at all", sourceFunc(func(context.Context, string) (*keys.PublicSet, error) { return nil, nil }), "no set"},
	} {
		var told []error
		cfg := HandlerConfig{OnError: func(err error) { told = append(told, err) }}
		w := ask(must(NewHandler(tt.source, cfg))(t), "GET", "If-None-Match", "*")
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != "the JWK Set is not available\n" {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
		hasHeader(t, w, "Cache-Control", "no-store", "ETag", "", "Access-Control-Allow-Origin", "*", "X-Content-Type-Options", "nosniff")
		if len(told) != 1 || !strings.Contains(told[0].Error(), tt.want) {
			t.Errorf("%s: OnError was told %v", tt.name, told)
		}
		if w := ask(must(NewHandler(tt.source, HandlerConfig{}))(t), "HEAD"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s, without a hook: %d", tt.name, w.Code)
		}
	}
}
