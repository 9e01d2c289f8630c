package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
)

// loginOf reads the login of a test's request.
func loginOf(r *http.Request) (subject, sid string, err error) {
	subject, sid, ok := strings.Cut(r.Header.Get("X-Login"), " ")
	if !ok {
		return "", "", errors.New("canary: no login")
	}
	return subject, sid, nil
}

func serve(h http.Handler, method, path, login, contentType string, header ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, strings.NewReader("{}"))
	q.Host = "id.example.com"
	if login != "" {
		q.Header.Set("X-Login", login)
	}
	if contentType != "" {
		q.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

func TestHandler(t *testing.T) {
	r := registryOf(t, testConfig(t, NewMemStore()), newClock())
	h := must(r.Handler(loginOf))(t)
	this, _ := login(t, r, "ada")
	other, _ := login(t, r, "ada")
	foreign, foreignToken := login(t, r, "eve")
	me := "ada " + this.ID

	w := serve(h, "GET", "/", me, "")
	var got struct{ Sessions []deviceJSON }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || len(got.Sessions) != 2 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, s := range got.Sessions {
		if s.This != (s.ID == this.ID) || s.Name != "Ada's phone" || s.Agent != "Mozilla/5.0" || s.Address != "203.0.113.0/24" || !s.Seen.Equal(testStart) {
			t.Errorf("a session is %+v", s)
		}
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("the list may be cached")
	}
	const js = "application/json"
	for _, tt := range []struct {
		what, method, path, login, contentType string
		header                                 []string
		want                                   int
	}{
		{"no login", "GET", "/", "", "", nil, 401},
		{"no subject", "GET", "/", " x", "", nil, 401},
		{"no login to end", "DELETE", "/" + other.ID, "", "", nil, 401},
		{"no login to end others", "POST", "/end-others", "", js, nil, 401},
		{"a foreign id", "DELETE", "/" + foreign.ID, me, "", nil, 404},
		{"no such id", "DELETE", "/" + ID{7}.String(), me, "", nil, 404},
		{"no id", "DELETE", "/x", me, "", nil, 404},
		{"another site", "DELETE", "/" + other.ID, me, "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a sister site", "DELETE", "/" + other.ID, me, "", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"another origin", "DELETE", "/" + other.ID, me, "", []string{"Origin", "https://evil.example"}, 403},
		{"a form", "POST", "/end-others", me, "application/x-www-form-urlencoded", nil, 415},
		{"a text", "POST", "/end-others", me, "text/plain", nil, 415},
		{"no type", "POST", "/end-others", me, "", nil, 415},
		{"another site posts", "POST", "/end-others", me, js, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"this device unknown", "POST", "/end-others", "ada ", js, nil, 404},
		{"another method", "PUT", "/" + other.ID, me, js, nil, 405},
		{"another path", "GET", "/x/y", me, "", nil, 404},
	} {
		if w := serve(h, tt.method, tt.path, tt.login, tt.contentType, tt.header...); w.Code != tt.want || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: %d %s, want %d", tt.what, w.Code, w.Body, tt.want)
		}
	}
	if n := len(must(r.List(t.Context(), "ada"))(t)); n != 2 {
		t.Fatalf("refusals left %d sessions", n)
	}
	if w := serve(h, "DELETE", "/"+other.ID, me, "", "Sec-Fetch-Site", "same-origin"); w.Code != 204 {
		t.Errorf("end: %d %s", w.Code, w.Body)
	}
	login(t, r, "ada")
	login(t, r, "ada")
	if w := serve(h, "POST", "/end-others", me, "application/json; charset=utf-8"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"ended":2}` {
		t.Errorf("end others: %d %s", w.Code, w.Body)
	}
	if got := idsOf(must(r.List(t.Context(), "ada"))(t)); len(got) != 1 || got[0] != this.ID {
		t.Errorf("left: %v", got)
	}
	refreshed(t, r, foreignToken)
	_, err := r.Handler(nil)
	wantError(t, err, ErrConfig)
}

func TestHandlerStoreDown(t *testing.T) {
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	h := must(r.Handler(loginOf))(t)
	s, _ := login(t, r, "ada")
	store.end = func(Which) (int, error, bool) { return 0, errors.New("canary: down"), true }
	w := serve(h, "DELETE", "/"+s.ID, "ada "+s.ID, "")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func revoke(h http.Handler, contentType, body string) *httptest.ResponseRecorder {
	q := httptest.NewRequest("POST", "/revoke", strings.NewReader(body))
	q.Header.Set("Content-Type", contentType)
	q.Header.Set("Authorization", "Basic client")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

func TestRevocation(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	store := NewMemStore()
	r := registryOf(t, testConfig(t, store), newClock())
	cfg := RevocationConfig{Authenticate: func(r *http.Request) error {
		if r.Header.Get("Authorization") != "Basic client" {
			return errors.New("canary: no client")
		}
		return nil
	}}
	h := must(r.Revocation(cfg))(t)
	_, token := login(t, r, "ada")
	_, next := refreshed(t, r, token)
	_, stays := login(t, r, "ada")
	flipped := "AA" + next[2:]

	for what, tt := range map[string]struct {
		contentType, body string
		want              int
		text              string
	}{
		"garbage":           {form, "token=garbage", 200, ""},
		"a forged token":    {form, "token=" + flipped, 200, ""},
		"with a hint":       {form, "token=garbage&token_type_hint=refresh_token", 200, ""},
		"no token":          {form, "", 400, "invalid_request"},
		"an empty token":    {form, "token=", 400, "invalid_request"},
		"two tokens":        {form, "token=a&token=b", 400, "invalid_request"},
		"JSON":              {"application/json", `{"token":"a"}`, 400, "invalid_request"},
		"no form":           {form, "token=%zz", 400, "invalid_request"},
		"huge":              {form, "token=" + strings.Repeat("a", maxForm), 400, "invalid_request"},
		"an access token":   {form, "token=a.b.c.d.e", 400, "unsupported_token_type"},
		"a selective token": {form, "token=a.b.c", 400, "unsupported_token_type"},
	} {
		if w := revoke(h, tt.contentType, tt.body); w.Code != tt.want || !strings.Contains(w.Body.String(), tt.text) || tt.text == "" && w.Body.Len() > 0 {
			t.Errorf("%s: %d %s, want %d %s", what, w.Code, w.Body, tt.want, tt.text)
		}
	}
	q := httptest.NewRequest("POST", "/revoke", strings.NewReader("token="+next))
	q.Header.Set("Content-Type", form)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, q); w.Code != 401 || !strings.Contains(w.Body.String(), "invalid_client") || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("a stranger: %d %s", w.Code, w.Body)
	}
	inURL := httptest.NewRequest("POST", "/revoke?token=a", strings.NewReader("token="+next))
	inURL.Header = http.Header{"Content-Type": {form}, "Authorization": {"Basic client"}}
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, inURL); w.Code != 400 {
		t.Errorf("a token in the URL: %d", w.Code)
	}
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("GET", "/revoke", nil)); w.Code != 405 {
		t.Errorf("GET: %d", w.Code)
	}
	if len(ends(t, store)) != 0 {
		t.Fatal("a refusal has ended a session")
	}
	for range 2 { // the second request finds no session
		if w := revoke(h, form, url.Values{"token": {token}}.Encode()); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	wantRefresh(t, r, next, ErrEnded)
	refreshed(t, r, stays)
	_, err := r.Revocation(RevocationConfig{})
	wantError(t, err, ErrConfig)
}

func TestRevocationUnavailable(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	var opens error
	h := must(r.Revocation(RevocationConfig{
		Authenticate: func(*http.Request) error { return nil },
		Open:         func(context.Context, string) (*open.Token, error) { return nil, opens },
	}))(t)
	_, token := login(t, r, "ada")
	store.end = func(Which) (int, error, bool) { return 0, errors.New("down"), true }
	for _, tt := range []struct {
		token string
		opens error
		want  int
	}{
		{token, nil, 503}, {"a.b.c", open.ErrKeySource, 503}, {"a.b.c", open.ErrExpired, 200}, {"a.b.c", open.ErrNotAuthentic, 200},
	} {
		opens = tt.opens
		if w := revoke(h, form, "token="+tt.token); w.Code != tt.want || tt.want == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: %d %s, want %d", tt.opens, w.Code, w.Body, tt.want)
		}
	}
}
