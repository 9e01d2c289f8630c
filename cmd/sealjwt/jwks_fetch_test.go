package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// After an emergency a cache on the way may still hold the revoked key.
func TestFetchAsksPastCaches(t *testing.T) {
	newHome(t)
	exported, _ := runOK(t, "", "keys", "export")
	var asked []http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, exported)
	}))
	defer s.Close()
	for range 2 {
		runOK(t, "", "jwks", "fetch", s.URL+"/jwks")
	}
	if len(asked) != 2 {
		t.Fatalf("asked %d times", len(asked))
	}
	for _, header := range asked {
		if header.Get("Cache-Control") != "no-cache" || header.Get("If-None-Match") != "" {
			t.Errorf("asked with %v", header)
		}
	}
}

// An answer that came too old is not explained by the verb that has just fetched it.
func TestFetchedTooOld(t *testing.T) {
	newHome(t)
	exported, _ := runOK(t, "", "keys", "export")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Age", "100000")
		io.WriteString(w, exported)
	}))
	defer s.Close()
	fetch := "sealjwt jwks fetch " + s.URL + "/jwks"
	for _, c := range []struct{ verb, advice string }{
		{"jwks fetch", "it was that old when it came: check the URL and the network, where a cache may answer, or tell the issuer"},
		{"seal --to", "see whether it can be fetched: " + fetch},
	} {
		var out, errs bytes.Buffer
		args := append(strings.Fields(c.verb), s.URL+"/jwks")
		code := run(t.Context(), args, strings.NewReader(`{"iss":"a","aud":"b"}`), &out, &errs)
		if code != exitIO || !strings.HasSuffix(errs.String(), " ago: "+c.advice+"\n") {
			t.Errorf("%s: exit code %d: %s", c.verb, code, errs.String())
		}
	}
}

// What is refused because http leaves this machine says itself what to do. The address is
// refused before a packet is sent to it.
func TestFetchLeavesThisMachine(t *testing.T) {
	transport := http.DefaultTransport.(*http.Transport)
	before := transport.Proxy
	defer func() { transport.Proxy = before }()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "192.0.2.1:80"})
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"jwks", "fetch", "http://127.0.0.1/jwks"}, strings.NewReader(""), &out, &errs)
	if code != exitIO || !strings.HasSuffix(errs.String(), "use https\n") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// When it is fetched again is what the Remote says, and nothing of our own, counted from
// now.
func TestFetchedRefreshAfter(t *testing.T) {
	set, err := keys.ParsePublicSet([]byte(`{"keys":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, c := range []struct {
		late, due time.Duration
		want      int64
	}{
		{0, 7 * time.Second, 7},
		{0, 7*time.Second - time.Millisecond, 7}, // it takes a moment to get here
		{700 * time.Second, 30 * time.Second, 30},
		{0, -time.Second, 0},
	} {
		copied := jwks.Copy{URL: copiedURL, Fetched: now.Add(-c.late), MaxAge: time.Minute}
		got := newFetched(jwks.Fetch{Set: set, Copy: copied, Due: now.Add(c.due)}, now)
		if got.RefreshAfter != c.want || got.MaxAge != 60 {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
