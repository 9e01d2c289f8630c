package jwks

import (
	"net/http"
	"regexp"
	"runtime/debug"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// The User-Agent says sealjwt, with the version if the program was built with one.
func TestUserAgentOf(t *testing.T) {
	const module = "github.com/sealjwt/sealjwt"
	other := debug.Module{Path: "example.com/app", Version: "v7.0.0"}
	for want, info := range map[string]debug.BuildInfo{
		"sealjwt/v1.2.3": {Main: debug.Module{Path: module, Version: "v1.2.3"}},
		"sealjwt/v0.0.0-20261130051000-a82e215aaaaa+dirty": {Main: debug.Module{Path: module, Version: "v0.0.0-20261130051000-a82e215aaaaa+dirty"}},
		"sealjwt/v1.3.0": {Main: other, Deps: []*debug.Module{{Path: module + "x", Version: "v9.0.0"}, {Path: module, Version: "v1.3.0"}}},
	} {
		if got := userAgentOf(&info); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, version := range []string{"", "(devel)", "1.2.3", "v1 evil", "v1\r\nX: y"} {
		for _, info := range []debug.BuildInfo{{Main: debug.Module{Path: module, Version: version}}, {Main: other, Deps: []*debug.Module{{Path: module, Version: version}}}} {
			if got := userAgentOf(&info); got != "sealjwt" {
				t.Errorf("%q: %q", version, got)
			}
		}
	}
}

// Each request has the User-Agent, also a request of Discover and one after a redirect, unless the
// Transport sets another.
func TestUserAgent(t *testing.T) {
	k := newKey(t, keys.ES256)
	var agents []string
	mux := http.NewServeMux()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.UserAgent())
		mux.ServeHTTP(w, r)
	})
	mux.HandleFunc("/jwks.json", jwkSetHandler(jwkSet(t, k)))
	mux.Handle("/old", http.RedirectHandler("/jwks.json", http.StatusFound))
	mux.HandleFunc("/.well-known/oauth-authorization-server", jwkSetHandler([]byte(metadata(s.URL, s.URL+"/old"))))
	knows(t, must(NewRemote(RemoteConfig{URL: must(Discover(t.Context(), s.URL, DiscoverConfig{}))(t)}))(t), "", k)
	if len(agents) != 4 {
		t.Errorf("%d requests", len(agents))
	}
	for _, agent := range agents {
		if !regexp.MustCompile(`^sealjwt(/v\S+)?$`).MatchString(agent) {
			t.Errorf("asked as %q", agent)
		}
	}

	agents = nil
	renames := roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", "mine/1")
		return NewTransport(s.URL).RoundTrip(r)
	})
	knows(t, must(NewRemote(RemoteConfig{URL: s.URL + "/old", Transport: renames}))(t), "", k)
	for _, agent := range agents {
		if agent != "mine/1" {
			t.Errorf("asked as %q", agent)
		}
	}
}

// NewTransport has the rule of the default transport: plain HTTP reaches this machine only.
func TestNewTransport(t *testing.T) {
	for url, here := range map[string]bool{
		"https://192.0.2.1/jwks": false, "HTTPS://192.0.2.1/jwks": false,
		"http://127.0.0.1/jwks": true, "http://localhost/jwks": true, "http://192.0.2.1/jwks": true, "": true, "https://": true, "ftp://localhost": true,
	} {
		transport := NewTransport(url).(*http.Transport)
		r := must(http.NewRequestWithContext(t.Context(), "GET", "http://192.0.2.1/jwks", nil))(t)
		if !here {
			if transport.DialContext == nil || transport.MaxResponseHeaderBytes != maxHeaderBytes {
				t.Errorf("%s: not the default", url)
			}
			continue
		}
		if _, err := transport.RoundTrip(r); err == nil || reasonOf(newFetchError("", describe(err, 0))) != ReasonNotLoopback {
			t.Errorf("%s: %v", url, err)
		}
	}
}
