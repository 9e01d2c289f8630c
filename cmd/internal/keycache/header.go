package keycache

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

const (
	maxHeaderFile  = 16 << 10 // bytes; a token of Kubernetes has 1 to 2 KiB
	maxHeaderLines = 8
)

// Header holds the lines of --header-file. They are a secret between the user and the origin that
// the user typed. No other server gets them: neither the target of a redirect nor the server that
// an issuer's metadata name.
type Header struct {
	origin string
	lines  http.Header
}

// ReadHeader reads the file of --header-file, once for all requests: it may be a pipe. The URLs
// among the places must have one origin, which alone gets the lines.
func ReadHeader(file string, places ...string) (*Header, error) {
	h := &Header{}
	for _, place := range places {
		switch at := originOf(place); {
		case !console.IsURL(place) || at == h.origin:
		case h.origin != "":
			return nil, console.Usagef("--header-file is for one origin, and here are %s and %s: "+
				"fetch the keys of one of them into a file first, with sealjwt jwks fetch -o jwks",
				h.origin, at)
		default:
			h.origin = at
		}
	}
	if h.origin == "" {
		return nil, console.Usagef("--header-file is for keys at a URL: leave it out, or give a URL")
	}
	in, err := console.ReadSecret(file, maxHeaderFile)
	if err != nil {
		return nil, err
	}
	defer clear(in.Data)
	text, err := console.PlainText(file, in.Data)
	if err != nil {
		return nil, err
	}
	if h.lines, err = parseHeader(string(text)); err != nil {
		return nil, console.Usagef("--header-file %s: %w", file, err)
	}
	return h, nil
}

// originOf returns the scheme, host and port of a URL (RFC 6454 section 4), or the text as it
// stands if it is not a URL with a host.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return console.WithoutSecrets(text)
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	return u.Scheme + "://" + host
}

var (
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110 section 5.6.2
	headerValue = regexp.MustCompile(`^[!-~]([ -~\t]*[!-~])?$`)
)

// connectionHeaders belong to the connection or to the form of the request, and not to the caller.
// If a proxy and the server read such a header differently, they see two different requests.
var connectionHeaders = []string{
	"Connection", "Cookie2", "Expect", "Forwarded", "Host", "Http2-Settings", "Keep-Alive", "Range", "Set-Cookie", "Set-Cookie2", "Te",
	"Trailer", "Transfer-Encoding", "Upgrade", "Via",
	"Accept", "Cache-Control", "Pragma", // which the fetch sets itself
}

func isOfConnection(name string) bool {
	return slices.Contains(connectionHeaders, name) ||
		slices.ContainsFunc([]string{"Accept-", "Content-", "If-", "Proxy-"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// parseHeader reads header lines. Its errors never quote a value, nor a line without a name: a file
// that holds the bare secret is a likely mistake.
func parseHeader(text string) (http.Header, error) {
	lines := strings.Split(text, "\n")
	if len(lines) > maxHeaderLines {
		return nil, fmt.Errorf("it has more than %d lines", maxHeaderLines)
	}
	h := http.Header{}
	for i, line := range lines {
		name, value, found := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
		value = strings.Trim(value, " \t")
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !found || !headerName.MatchString(name):
			return nil, fmt.Errorf("line %d is not a header line: write Authorization: Bearer and the token", i+1)
		case !headerValue.MatchString(value):
			return nil, fmt.Errorf("line %d has no value, or one with characters other than printable ASCII", i+1)
		case isOfConnection(canonical):
			return nil, fmt.Errorf("line %d is the header %s, which belongs to the connection or is set already: leave it out", i+1, canonical)
		case h.Get(canonical) != "":
			return nil, fmt.Errorf("line %d repeats the header of a line above: leave one of them out", i+1)
		}
		h.Set(canonical, value)
	}
	return h, nil
}

// Transport returns the transport for a URL that adds the lines. Without lines it returns nil,
// which stands for the usual transport.
func (h *Header) Transport(url string) http.RoundTripper {
	if h == nil {
		return nil
	}
	return headerTransport{h, jwks.NewTransport(url)}
}

func (h *Header) goesTo(url string) bool { return originOf(url) == h.origin }

type headerTransport struct {
	header *Header
	next   http.RoundTripper
}

// RoundTrip adds the lines to a request to their origin. A redirect leads to a new request, so each
// request is checked.
func (t headerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.header.goesTo(r.URL.String()) {
		r = r.Clone(r.Context())
		for name, values := range t.header.lines {
			r.Header[name] = values
		}
	}
	return t.next.RoundTrip(r)
}
