package jwks

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// labelled serves a body under a Content-Type, or under none.
func labelled(kind string, body []byte, header ...string) *site {
	s := new(site)
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // net/http must not guess one
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Write(body)
	})
	return s
}

// A set counts under the media types of JSON and under the types that the configuration allows. The
// refusal names the media type only if allowing it would help.
func TestAllowContentType(t *testing.T) {
	k := newKey(t, keys.ES256)
	set, page := jwkSet(t, k), []byte("<title>canary, please log in</title>")
	single := bytes.TrimSuffix(bytes.TrimPrefix(set, []byte(`{"keys":[`)), []byte("]}"))
	private := []byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)
	const octets = "application/octet-stream"
	for name, tt := range map[string]struct {
		kind  string
		body  []byte
		allow []string
		names string // the media types that the refusal names
		want  Reason // empty: the set counts
	}{
		"a set":                        {"application/jwk-set+json", set, nil, "", ""},
		"JSON":                         {"Application/JSON; charset=utf-8", set, nil, "", ""},
		"JSON beside another":          {"application/json", set, []string{"text/plain"}, "", ""},
		"not named":                    {"text/plain", set, nil, "text/plain", ReasonContentType},
		"another is named":             {"text/plain", set, []string{"text/html", "text/plain2"}, "text/plain", ReasonContentType},
		"named":                        {"text/plain", set, []string{"text/html", "text/plain"}, "", ""},
		"named, with parameters":       {"text/plain; charset=utf-8", set, []string{"text/plain"}, "", ""},
		"named in other letters":       {"Text/HTML", set, []string{"TEXT/html"}, "", ""},
		"in a tree of a vendor":        {"application/vnd.example.v1+json", set, []string{"application/vnd.example.v1+json"}, "", ""},
		"without a label":              {"", set, nil, octets, ReasonContentType},
		"without a label, named":       {"", set, []string{octets}, "", ""},
		"a page":                       {"text/html", page, nil, "", ReasonContentType},
		"a page, named":                {"text/html", page, []string{"text/html"}, "", ReasonNotJWKSet},
		"JSON that is not a set":       {"text/plain", []byte(`{"error":"canary"}`), nil, "", ReasonContentType},
		"a single key":                 {"text/plain", single, nil, "", ReasonContentType},
		"private keys":                 {"text/plain", private, nil, "", ReasonContentType},
		"private keys, named":          {"text/plain", private, []string{"text/plain"}, "", ReasonPrivateKey},
		"a label for a shell":          {"text/`canary`", set, nil, "", ReasonContentType},
		"a label of one word":          {"canary", set, []string{"canary/canary"}, "", ReasonContentType},
		"a label with bad parameters":  {"text/plain; canary", set, []string{"text/plain"}, "", ReasonContentType},
		"too long a set":               {"text/plain", append(slices.Clone(set), bytes.Repeat([]byte{' '}, DefaultMaxBytes)...), nil, "", ReasonContentType},
		"JSON with a label of parts":   {"application/json/canary", set, nil, "", ReasonContentType},
		"a label longer than any type": {"text/" + strings.Repeat("canary", 20), set, nil, "", ReasonContentType},
	} {
		r := remoteOf(t, labelled(tt.kind, tt.body), RemoteConfig{AllowContentType: tt.allow})
		if tt.want == "" {
			knows(t, r, "", k)
			continue
		}
		err := fails(t, r, "", ErrFetch)
		if reasonOf(err) != tt.want || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
		failed, _ := errors.AsType[*FetchError](err)
		if helps := strings.HasSuffix(err.Error(), "usable if "+tt.names+" is allowed"); failed.ContentType != tt.names || helps != (tt.names != "") {
			t.Errorf("%s: %q, %v, want an error that names %q", name, failed.ContentType, err, tt.names)
		}
	}
}

// No media type makes the Remote accept a compressed answer.
func TestAllowContentTypeNotCompressed(t *testing.T) {
	for kind, want := range map[string]Reason{"text/plain": ReasonCompressed, "text/html": ReasonContentType} {
		s := labelled(kind, jwkSet(t), "Content-Encoding", "gzip")
		err := fails(t, remoteOf(t, s, RemoteConfig{AllowContentType: []string{"text/plain"}}), "", ErrFetch)
		if failed, _ := errors.AsType[*FetchError](err); reasonOf(err) != want || failed.ContentType != "" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Neither a wildcard nor a list in one text allows a media type.
func TestAllowContentTypeBad(t *testing.T) {
	for _, bad := range []string{
		"", "text", "*/*", "text/*", "*/json", "text/plain; charset=utf-8", "text/plain,text/html", " text/plain", "text/plain\n",
		"text /plain", "/plain", "text/", "text/pl/ain", ".text/plain", "text/`id`", "text/" + strings.Repeat("x", 64),
	} {
		allow := []string{"text/plain", bad}
		if _, err := NewRemote(RemoteConfig{URL: siteURL, AllowContentType: allow}); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "AllowContentType") {
			t.Errorf("NewRemote, %q: %v", bad, err)
		}
		s := new(site)
		_, err := Discover(t.Context(), "https://id.example.com", DiscoverConfig{Transport: s, AllowContentType: allow})
		if !errors.Is(err, ErrConfig) || s.count() != 0 {
			t.Errorf("Discover, %q: %v after %d requests", bad, err, s.count())
		}
	}
}

// A caller that writes to its list afterwards does not change the list of the Remote.
func TestAllowContentTypeIsCopied(t *testing.T) {
	k := newKey(t, keys.ES256)
	allow := []string{"text/plain"}
	r := remoteOf(t, labelled("text/plain", jwkSet(t, k)), RemoteConfig{AllowContentType: allow})
	allow[0] = "text/html"
	knows(t, r, "", k)
}
