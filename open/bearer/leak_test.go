package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

// Handlers get a request without the token, unless they are to forward it. An outer handler keeps
// the request as it came.
func TestHandlersSeeNoToken(t *testing.T) {
	t.Parallel()
	p := newParties()
	good := p.token(t, nil)
	for name, field := range map[string][2]string{
		"in the field": authorization("Bearer " + good), "in a cookie": cookie("a=b; token=" + good + "; c=d"),
	} {
		for _, keep := range []bool{false, true} {
			r := request("GET", field)
			r.SetPathValue("id", "7")
			outside := r.Header.Clone()
			var seen *http.Request
			h := must(bearer.New(bearer.Config{Opener: p.opener(), Cookie: "token", KeepCredentials: keep})).
				Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
			serve(h, r)
			if !reflect.DeepEqual(r.Header, outside) || r.Context() == seen.Context() {
				t.Errorf("%s: the request outside is changed: %q", name, r.Header)
			}
			if strings.Contains(fmt.Sprintf("%+v", seen), good) != keep || keep && !reflect.DeepEqual(seen.Header, outside) {
				t.Errorf("%s, KeepCredentials %t: %q", name, keep, seen.Header)
			}
			if seen.PathValue("id") != "7" {
				t.Errorf("%s: the path value is lost", name)
			}
		}
	}
}

// Without a configured cookie all cookies belong to the application and stay.
func TestNoCookieConfigured(t *testing.T) {
	t.Parallel()
	p := newParties()
	r := request("GET", authorization("Bearer "+p.token(t, nil)), cookie("token=a; b=c"))
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if c := r.Header.Get("Cookie"); c != "token=a; b=c" {
			t.Errorf("%q", c)
		}
	})
	serve(must(bearer.New(bearer.Config{Opener: p.opener()})).Require(h), r)
}

// Of two nested Require the inner one gets no token, and lets nothing through.
func TestTwice(t *testing.T) {
	t.Parallel()
	p := newParties()
	auth := must(bearer.New(bearer.Config{Opener: p.opener()}))
	res, _ := serve(auth.Require(auth.Require(hello)), request("GET", authorization("Bearer "+p.token(t, nil))))
	if res.StatusCode != 401 {
		t.Error(res.Status)
	}
}

type traceKey struct{}

// The hook's error and the answer hold neither the token nor a claim of it, wherever the client has
// written them.
func TestHookSeesNoToken(t *testing.T) {
	t.Parallel()
	const canary = "quetzal-5417"
	p := newParties()
	good := p.token(t, map[string]any{"email": canary + "@canary.example", "scope": canary})
	down := p.config()
	down.Decryption = brokenSource{errDown}
	half := good[:len(good)/2]
	var told []bearer.Refusal
	for name, test := range map[string]struct {
		opener bearer.Opener
		field  string
		status int
	}{
		"scope":     {p.opener(), "Bearer " + good, 403},
		"expired":   {later(p.opener(), time.Hour), "Bearer " + good, 401},
		"cut":       {p.opener(), "Bearer " + half, 401},
		"malformed": {p.opener(), "Bearer " + good + ",", 400},
		"scheme":    {p.opener(), good + " " + good, 401},
		"down":      {must(open.New(down)), "Bearer " + good, 503},
	} {
		r := httptest.NewRequest("GET", "/"+half+"?access_token="+good, strings.NewReader(good))
		r.Header = http.Header{"Authorization": {test.field}, "X-Copy": {good}, "Cookie": {"copy=" + good}}
		r.Method, r.RemoteAddr = half, half
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, "trace 7"))
		cfg := bearer.Config{Opener: test.opener, OnRefusal: func(ctx context.Context, refusal bearer.Refusal) {
			told = append(told, refusal)
			if tok, ok := bearer.TokenFrom(ctx); ok || tok != nil {
				t.Errorf("%s: the hook gets the token", name)
			}
			if ctx.Value(traceKey{}) != "trace 7" {
				t.Errorf("%s: the hook does not get the request's context", name)
			}
			texts := fmt.Sprintf("%v %+v %#v %v %#v %v", refusal, refusal, refusal, ctx, ctx, refusal.Err)
			if e, ok := errors.AsType[*open.Error](refusal.Err); ok {
				texts += e.Detail()
			}
			for _, secret := range []string{good, half, good[:60], good[len(good)-60:], canary} {
				if strings.Contains(texts, secret) {
					t.Errorf("%s: %.20s… in %s", name, secret, texts)
				}
			}
		}}
		mux := http.NewServeMux()
		mux.Handle("/{rest...}", must(bearer.New(cfg)).Require(bearer.RequireScope("read")(hello)))
		res, body := serve(mux, r)
		if res.StatusCode != test.status {
			t.Errorf("%s: %s", name, res.Status)
		}
		if answer := fmt.Sprint(res.Header, body); strings.Contains(answer, half[:60]) || strings.Contains(answer, canary) {
			t.Errorf("%s: the answer is %s", name, answer)
		}
	}
	for _, refusal := range told {
		if refusal.Method != "other" || refusal.Pattern != "/{rest...}" {
			t.Errorf("%+v", refusal)
		}
	}
	if len(told) != 6 {
		t.Errorf("told %d times", len(told))
	}
}

// TokenFrom returns a token only if Require has stored one.
func TestTokenFrom(t *testing.T) {
	t.Parallel()
	type contextKey struct{} // package bearer has this name for it
	p := newParties()
	tok := must(p.opener().Open(t.Context(), p.token(t, nil)))
	for _, key := range []any{contextKey{}, struct{}{}, "token", "contextKey"} {
		ctx := context.WithValue(t.Context(), key, tok)
		if found, ok := bearer.TokenFrom(ctx); ok || found != nil {
			t.Errorf("%T %v: a token that Require has not let through", key, key)
		}
	}
	// Reflection on the exported parts of a context does not find the key either.
	var typ reflect.Type
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		v := reflect.ValueOf(r.Context()).Elem().FieldByName("key")
		typ = v.Elem().Type()
	})
	serve(must(bearer.New(bearer.Config{Opener: p.opener()})).Require(h), request("GET", authorization("Bearer "+p.token(t, nil))))
	if typ.PkgPath() != "github.com/sealjwt/sealjwt/open/bearer" || typ.Name() != "contextKey" {
		t.Errorf("the key is a %v", typ)
	}
}

// A handler begins with Cache-Control: private. A value that it sets, or that an outer handler has
// set, stays.
func TestCacheControl(t *testing.T) {
	t.Parallel()
	p := newParties()
	auth := must(bearer.New(bearer.Config{Opener: p.opener()}))
	set := func(value string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", value)
			next.ServeHTTP(w, r)
		})
	}
	for want, h := range map[string]http.Handler{
		"[private]":             auth.Require(hello),
		"[public, max-age=60]":  auth.Require(set("public, max-age=60", hello)),
		"[no-store private]":    set("no-store", auth.Require(hello)),
		"[max-age=600 private]": set("max-age=600", auth.Require(hello)),
	} {
		res, _ := serve(h, request("GET", authorization("Bearer "+p.token(t, nil))))
		if got := fmt.Sprint(res.Header["Cache-Control"]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		res, _ = serve(h, request("GET"))
		if got := fmt.Sprint(res.Header["Cache-Control"]); got != "[no-store]" {
			t.Errorf("refused: %s", got)
		}
	}
}

// The answer depends on the headers that may hold a token. Vary names them, besides all others.
func TestVary(t *testing.T) {
	t.Parallel()
	p := newParties()
	field := authorization("Bearer " + p.token(t, nil))
	adds := func(value string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", value)
			next.ServeHTTP(w, r)
		})
	}
	for name, vary := range map[string]string{"": "Authorization", "token": "Authorization, Cookie"} {
		auth := must(bearer.New(bearer.Config{Opener: p.opener(), Cookie: name}))
		h := adds("Origin", auth.Require(adds("Accept", bearer.RequireScope("read")(hello))))
		for _, test := range []struct {
			status int
			h      http.Handler
			r      *http.Request
			want   []string
		}{
			{200, auth.Require(hello), request("GET", field), []string{vary}},
			{200, adds("Origin", auth.Require(adds("Accept", hello))), request("GET", field), []string{"Origin", vary, "Accept"}},
			{403, h, request("GET", field), []string{"Origin", vary, "Accept"}},
			{401, h, request("GET"), []string{"Origin", vary}},
			{400, h, request("GET", field, field), []string{"Origin", vary}},
		} {
			res, _ := serve(test.h, test.r)
			if res.StatusCode != test.status || !reflect.DeepEqual(res.Header["Vary"], test.want) {
				t.Errorf("cookie %q: %d, %q, want %d, %q", name, res.StatusCode, res.Header["Vary"], test.status, test.want)
			}
		}
	}
}
