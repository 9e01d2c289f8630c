package jwks

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// page is what many web servers answer to every path that they do not know.
const page = "<!doctype html><title>canary</title>"

// asPage returns a handler that answers with a text under a Content-Type.
func asPage(kind, text string, header ...string) http.HandlerFunc {
	return labelled(kind, []byte(text), header...).handler.ServeHTTP
}

func asStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
	}
}

// If the OpenID Connect path has no metadata, Discover asks the RFC 8414 path. An answer that is
// there but must not be believed ends the search.
func TestDiscoverNextPlace(t *testing.T) {
	const issuer, there = "https://id.example.com/tenant", "https://id.example.com/jwks"
	const openID, oauth = "/tenant/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/tenant"
	good := metadata(issuer, there)
	for name, tt := range map[string]struct {
		first  http.HandlerFunc
		reason Reason // why Discover goes on; empty if the first answer ends the search
		ends   error
	}{
		"not found":                {asStatus(404), ReasonStatus, nil},
		"an error":                 {asStatus(500), ReasonStatus, nil},
		"no content":               {asStatus(204), ReasonStatus, nil},
		"forbidden":                {asStatus(403), ReasonStatus, nil},
		"a page":                   {asPage("text/html; charset=utf-8", page), ReasonContentType, nil},
		"a page, compressed":       {asPage("text/html", "\x1f\x8bcanary", "Content-Encoding", "gzip"), ReasonContentType, nil},
		"a page without a label":   {asPage("", page), ReasonContentType, nil},
		"a page that says JSON":    {asPage("application/json", page), ReasonNotJSON, nil},
		"nothing that says JSON":   {asPage("application/json", ""), ReasonNotJSON, nil},
		"a mark that says JSON":    {asPage("application/json", "\xef\xbb\xbf"), ReasonNotJSON, nil},
		"half of the metadata":     {asPage("application/json", good[:len(good)/2]), ReasonNotJSON, nil},
		"metadata and more":        {asPage("application/json", good+page), ReasonNotJSON, nil},
		"metadata in another type": {asPage("text/plain", good), ReasonContentType, nil},

		"of another issuer":      {asPage("application/json", metadata("https://evil.example.com", there)), "", ErrMetadata},
		"two issuers":            {asPage("application/json", good[:1]+`"issuer":"`+issuer+`",`+good[1:]), "", ErrMetadata},
		"no object":              {asPage("application/json", "[]"), "", ErrMetadata},
		"an error, said in JSON": {asPage("application/json", `{"error":"canary"}`), "", ErrMetadata},
		"compressed JSON":        {asPage("application/json", "\x1f\x8bcanary", "Content-Encoding", "gzip"), "", ErrFetch},
		"too long JSON":          {asPage("application/json", strings.Repeat(" ", DefaultMaxBytes)+good), "", ErrFetch},
		"elsewhere":              {http.RedirectHandler("https://evil.example.com/canary", http.StatusFound).ServeHTTP, "", errLeavesHost},
		"broken":                 {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", ErrFetch},
	} {
		second := asStatus(404)
		s := new(site)
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == oauth {
				second(w, r)
				return
			}
			tt.first(w, r)
		})
		breaks := roundTrip(func(r *http.Request) (res *http.Response, err error) {
			defer func() {
				if recover() != nil {
					err = errors.New("broken")
				}
			}()
			return s.RoundTrip(r)
		})
		discover := func() (string, error) { return Discover(t.Context(), issuer, DiscoverConfig{Transport: breaks}) }
		uri, err := discover()
		if err == nil || uri != "" || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), canary) {
			t.Errorf("%s, and none: %q, %v", name, uri, err)
			continue
		}
		if tt.reason == "" {
			if !errors.Is(err, tt.ends) || s.count() != 1 {
				t.Errorf("%s: %v after %d requests", name, err, s.count())
			}
			continue
		}
		if reasonOf(err) != tt.reason || !errors.Is(err, ErrFetch) || errors.Is(err, ErrMetadata) != (tt.reason == ReasonNotJSON) || s.count() != 2 {
			t.Errorf("%s: reason %q, %v after %d requests", name, reasonOf(err), err, s.count())
		}
		for _, at := range []string{"https://id.example.com" + openID, "https://id.example.com" + oauth} {
			if strings.Count(err.Error(), at+": ") != 1 {
				t.Errorf("%s: %v, want a text with %s", name, err, at)
			}
		}
		second = asPage("application/json", "\xef\xbb\xbf"+good)
		if uri, err = discover(); err != nil || uri != there {
			t.Errorf("%s, and metadata: %q, %v", name, uri, err)
		}
	}
}

// Metadata under a wrong Content-Type count if the configuration allows that type. The refusal
// names the type if allowing it would help.
func TestDiscoverContentType(t *testing.T) {
	const issuer, there = "https://id.example.com", "https://id.example.com/jwks"
	for name, tt := range map[string]struct {
		kind, text string
		allow      []string
		helps      bool
		want       error
	}{
		"not named":     {"text/plain", metadata(issuer, there), nil, true, ErrFetch},
		"named":         {"text/plain", metadata(issuer, there), []string{"Text/Plain"}, false, nil},
		"of another":    {"text/plain", metadata("https://evil.example.com", there), nil, false, ErrFetch},
		"a page":        {"text/html", page, nil, false, ErrFetch},
		"a page, named": {"text/html", page, []string{"text/html"}, false, ErrMetadata},
	} {
		s := labelled(tt.kind, []byte(tt.text))
		uri, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: s, AllowContentType: tt.allow})
		if !errors.Is(err, tt.want) || (uri == there) != (tt.want == nil) {
			t.Errorf("%s: %q, %v", name, uri, err)
		}
		if helps := strings.Contains(fmt.Sprint(err), "usable if "+tt.kind+" is allowed"); helps != tt.helps {
			t.Errorf("%s: %v", name, err)
		}
	}
}
