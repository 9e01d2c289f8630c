package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// pages is a server that answers some URLs with a text.
type pages map[string]string

func (p pages) RoundTrip(r *http.Request) (*http.Response, error) {
	s := new(site)
	text, ok := p[r.URL.String()]
	if !ok {
		s.fails(http.StatusNotFound)
	} else {
		s.serve([]byte(text), "Content-Type", "application/json")
	}
	return s.RoundTrip(r)
}

func metadata(issuer, jwksURI string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"response_types_supported":["code"]}`, issuer, jwksURI)
}

func TestDiscover(t *testing.T) {
	const openID, oauth = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
	for _, tt := range []struct{ issuer, at string }{
		{"https://id.example.com", "https://id.example.com" + openID},
		{"https://id.example.com/", "https://id.example.com" + openID},
		{"https://id.example.com/tenant", "https://id.example.com/tenant" + openID},
		{"https://id.example.com/a/b/", "https://id.example.com/a/b" + openID},
		{"https://id.example.com/a%2Fb", "https://id.example.com/a%2Fb" + openID},
		{"https://id.example.com", "https://id.example.com" + oauth},
		{"https://id.example.com/tenant", "https://id.example.com" + oauth + "/tenant"},
		{"https://id.example.com/tenant/", "https://id.example.com" + oauth + "/tenant"},
	} {
		const there = "https://keys.example.net/certs?v=1"
		transport := pages{tt.at: metadata(tt.issuer, there)}
		uri, err := Discover(t.Context(), tt.issuer, DiscoverConfig{Transport: transport})
		if err != nil || uri != there {
			t.Errorf("%s at %s: %q, %v", tt.issuer, tt.at, uri, err)
		}
	}
	for _, issuer := range []string{"http://localhost:8080", "http://127.0.0.1", "https://localhost"} {
		transport := pages{issuer + openID: metadata(issuer, "http://localhost:9090/jwks")}
		if uri, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: transport}); err != nil || uri != "http://localhost:9090/jwks" {
			t.Errorf("%s: %q, %v", issuer, uri, err)
		}
	}
}

func TestDiscoverRefuses(t *testing.T) {
	const issuer, at = "https://id.example.com", "https://id.example.com/.well-known/openid-configuration"
	const good = "https://id.example.com/jwks"
	for name, tt := range map[string]struct {
		issuer, text string
		want         error
	}{
		"another issuer":            {issuer, metadata("https://evil.example.com", good), ErrMetadata},
		"a slash more":              {issuer, metadata(issuer+"/", good), ErrMetadata},
		"a slash less":              {issuer + "/", metadata(issuer, good), ErrMetadata},
		"other letters":             {issuer, metadata("https://ID.example.com", good), ErrMetadata},
		"no issuer":                 {issuer, `{"jwks_uri":"` + good + `"}`, ErrMetadata},
		"an issuer that is none":    {issuer, `{"issuer":["` + issuer + `"],"jwks_uri":"` + good + `"}`, ErrMetadata},
		"two issuers":               {issuer, `{"issuer":"` + issuer + `","issuer":"` + issuer + `","jwks_uri":"` + good + `"}`, ErrMetadata},
		"garbage":                   {issuer, "garbage", ErrMetadata},
		"no jwks_uri":               {issuer, `{"issuer":"` + issuer + `"}`, ErrMetadata},
		"a jwks_uri that is none":   {issuer, `{"issuer":"` + issuer + `","jwks_uri":7}`, ErrMetadata},
		"a relative jwks_uri":       {issuer, metadata(issuer, "/jwks"), ErrURL},
		"a jwks_uri by http":        {issuer, metadata(issuer, "http://id.example.com/jwks"), ErrURL},
		"a jwks_uri here by http":   {issuer, metadata(issuer, "http://localhost/jwks"), ErrURL},
		"a jwks_uri here":           {issuer, metadata(issuer, "https://127.0.0.1/jwks"), ErrURL},
		"a jwks_uri with a user":    {issuer, metadata(issuer, "https://canary@id.example.com/jwks"), ErrURL},
		"a file":                    {issuer, metadata(issuer, "file:///etc/passwd"), ErrURL},
		"an issuer by http":         {"http://id.example.com", metadata("http://id.example.com", good), ErrURL},
		"an issuer with a query":    {issuer + "?a", metadata(issuer+"?a", good), ErrURL},
		"an issuer with a ?":        {issuer + "?", metadata(issuer+"?", good), ErrURL},
		"an issuer with a fragment": {issuer + "#a", metadata(issuer+"#a", good), ErrURL},
		"no URL":                    {"id", metadata("id", good), ErrURL},
	} {
		uri, err := Discover(t.Context(), tt.issuer, DiscoverConfig{Transport: pages{at: tt.text}})
		if !errors.Is(err, tt.want) || uri != "" {
			t.Errorf("%s: %q, %v", name, uri, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Discover asks the second path only if the first one has no metadata. The metadata of another
// issuer end the search, and so does a server that is down.
func TestDiscoverPaths(t *testing.T) {
	const issuer = "https://id.example.com"
	s := new(site)
	transport := s
	s.fails(http.StatusNotFound)
	_, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: transport})
	if !errors.Is(err, ErrFetch) || s.count() != 2 || strings.Count(err.Error(), "404") != 2 {
		t.Errorf("none: %v after %d fetches", err, s.count())
	}
	s.serve([]byte(metadata("https://evil.example.com", issuer)))
	if _, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: transport}); !errors.Is(err, ErrMetadata) || s.count() != 3 {
		t.Errorf("another's: %v after %d fetches", err, s.count())
	}
	s.set(func() { s.err = errors.New("down") })
	if _, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: transport}); !errors.Is(err, ErrFetch) || s.count() != 4 {
		t.Errorf("down: %v after %d fetches", err, s.count())
	}
	s.set(func() { s.err, s.delay = nil, DefaultTimeout })
	over, cancel := context.WithCancel(t.Context())
	cancel()
	before := s.count()
	if _, err := Discover(over, issuer, DiscoverConfig{Transport: transport}); !errors.Is(err, context.Canceled) || s.count() != before {
		t.Errorf("cancelled: %v", err)
	}
	meanwhile, cancel := context.WithCancel(t.Context())
	defer cancel()
	hangUp := roundTrip(func(r *http.Request) (*http.Response, error) {
		cancel()
		return s.RoundTrip(r)
	})
	if _, err := Discover(meanwhile, issuer, DiscoverConfig{Transport: hangUp}); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrFetch) {
		t.Errorf("cancelled meanwhile: %v", err)
	}
}

// Discover has the bounds of a Remote.
func TestDiscoverBounds(t *testing.T) {
	s := siteOf(make([]byte, DefaultMaxBytes+1), "Content-Type", "application/json")
	if _, err := Discover(t.Context(), "https://id.example.com", DiscoverConfig{Transport: s}); !errors.Is(err, ErrFetch) {
		t.Errorf("too long: %v", err)
	}
	var elsewhere int
	other := server(t, func(http.ResponseWriter, *http.Request) { elsewhere++ })
	here := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	if _, err := Discover(t.Context(), here.URL, DiscoverConfig{}); !errors.Is(err, errLeavesHost) || elsewhere != 0 {
		t.Errorf("redirected: %v", err)
	}
}

// An issuer's name leads to its keys.
func TestDiscoverRemote(t *testing.T) {
	k := newKey(t, keys.ES256)
	mux := http.NewServeMux()
	s := server(t, mux.ServeHTTP)
	mux.Handle("/jwks.json", must(NewHandler(publicSet(t, k), HandlerConfig{}))(t))
	mux.HandleFunc("/.well-known/openid-configuration", jwkSetHandler([]byte(metadata(s.URL, s.URL+"/jwks.json"))))
	uri := must(Discover(t.Context(), s.URL, DiscoverConfig{}))(t)
	knows(t, must(NewRemote(RemoteConfig{URL: uri}))(t), k.ID(), k)
}

// The deadline of the context is the limit, whether it is shorter or longer than the default. The
// error names the limit that counted.
func TestDiscoverTimeout(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := new(site)
			s.fails(http.StatusNotFound)
			s.delay = 40 * time.Second
			ctx, want := t.Context(), DefaultTimeout
			if limit != 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
				want = limit
			}
			start := time.Now()
			_, err := Discover(ctx, "https://id.example.com", DiscoverConfig{Transport: s})
			if took := time.Since(start); took != want || !errors.Is(err, ErrFetch) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a limit of %v: %v after %v", limit, err, took)
			}
			if !strings.Contains(fmt.Sprint(err), "within "+want.String()) {
				t.Errorf("a limit of %v: %v", limit, err)
			}
			time.Sleep(2 * time.Minute)
			before := s.count()
			if _, err := Discover(ctx, "https://id.example.com", DiscoverConfig{Transport: s}); limit != 0 && (!errors.Is(err, context.DeadlineExceeded) || s.count() != before) {
				t.Errorf("a limit that is over: %v", err)
			}
		})
	}
}
