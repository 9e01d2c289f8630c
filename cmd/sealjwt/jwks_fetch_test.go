package main

import (
	"io"
	"net/http"
	"net/http/httptest"
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

// When it is fetched again is what the Remote says, and nothing of our own.
func TestFetchedRefreshAfter(t *testing.T) {
	set, err := keys.ParsePublicSet([]byte(`{"keys":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	got := newFetched(jwks.Fetch{Set: set, Copy: jwks.Copy{URL: copiedURL, Fetched: at, MaxAge: time.Minute}, Due: at.Add(7 * time.Second)})
	if got.RefreshAfter != 7 || got.MaxAge != 60 {
		t.Errorf("%+v", got)
	}
}
