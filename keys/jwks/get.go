package jwks

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
)

const (
	// DefaultTimeout is the time that a fetch may take when RemoteConfig.Timeout is zero.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxBytes is the length of the longest answer when RemoteConfig.MaxBytes is
	// zero.
	DefaultMaxBytes = 1 << 20

	maxRedirects   = 3
	maxHeaderBytes = 64 << 10
)

// getter fetches a URL. It bounds the time and the length of the answer.
type getter struct {
	client   *http.Client
	timeout  time.Duration
	maxBytes int64
	types    []string                // that pass, beside application/json and application/jwk-set+json
	usable   func(body []byte) error // returns why a body cannot be used; nil if it can
}

// newClient returns a client for the URL. It keeps no cookies, by which a server could
// recognise this service. With a nil transport it uses newTransport.
func newClient(transport http.RoundTripper, u *url.URL) (*http.Client, error) {
	if transport == nil {
		transport = newTransport(u.Scheme)
	}
	if nilcheck.IsNil(transport) {
		return nil, fmt.Errorf("%w: the Transport is a nil pointer; leave it out for the default", ErrConfig)
	}
	return &http.Client{Transport: transport, CheckRedirect: stayOnHost}, nil
}

// NewClient returns the client that a Remote for this URL uses, so that a program can fetch
// another kind of document from the same party. The URL must be https, or http on this machine.
// The client follows a redirect only on the same host, and keeps no cookies. If transport is nil,
// the client uses the transport of NewTransport.
//
// It returns [ErrURL] for a URL that may not be fetched, and [ErrConfig] for a transport that is
// a nil pointer.
func NewClient(url string, transport http.RoundTripper) (*http.Client, error) {
	u, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	return newClient(transport, u)
}

// NewTransport returns the transport that a Remote for this URL uses when
// RemoteConfig.Transport is nil. It is for a RoundTripper that wraps it, for example to add a
// bearer token. Such a RoundTripper sees each redirect as a separate request. Unless the URL is
// https, the transport connects to loopback addresses only. If the program has replaced
// http.DefaultTransport by another type than *http.Transport, NewTransport returns that one as it
// is, without this check.
func NewTransport(url string) http.RoundTripper {
	u, err := parseURL(url)
	if err != nil {
		return newTransport("http")
	}
	return newTransport(u.Scheme)
}

func newTransport(scheme string) http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok || t == nil {
		return http.DefaultTransport // the program replaced it by another type, which has no Clone
	}
	t = t.Clone()
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.DisableKeepAlives = true // fetches are minutes apart, and no connection stays open between them
	if scheme == "http" {
		t.DialContext = (&net.Dialer{Control: loopbackOnly}).DialContext
	}
	return t
}

var errNotLoopback = causef(ReasonNotLoopback, "its name leads to another machine, or a proxy does; http is for this one only, use https")

// loopbackOnly refuses to dial an address that is not a loopback address. The name localhost
// does not suffice: if the hosts file lacks it, an attacker who answers for DNS leads us to his
// machine, and hands us his keys over plain http.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().Unmap().IsLoopback() {
		return errNotLoopback
	}
	return nil
}

var (
	errLeavesHost = causef(ReasonRedirect, "it redirects to another host or scheme; configure the URL that it redirects to, if you trust that one")
	errRedirects  = causef(ReasonRedirect, "it redirects too often")
)

// stayOnHost refuses a redirect that leaves the host. Through an open redirect at the issuer
// an attacker would choose the keys, or have us ask a service that only we can reach.
func stayOnHost(r *http.Request, via []*http.Request) error {
	from := via[0].URL
	if r.URL.Scheme != from.Scheme || !strings.EqualFold(r.URL.Host, from.Host) || r.URL.User != nil {
		return errLeavesHost
	}
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}

// answer is the answer of a server: 200 with a body, or another status without one.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get fetches a URL. Its error says what is wrong with the answer. Of what the server sent, the
// error repeats at most the media type.
func (g getter) get(ctx context.Context, u *url.URL, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		// Not err, which quotes the URL with its query.
		return answer{}, causef(ReasonUnreachable, "%w", ErrURL)
	}
	r.Header = header
	r.Header.Set("User-Agent", userAgent())
	// A compressed answer could become a thousand times longer before its length is known.
	r.Header.Set("Accept-Encoding", "identity")
	res, err := g.client.Do(r)
	if err != nil {
		return answer{}, describe(err, g.timeout)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.status != http.StatusOK {
		return a, nil
	}
	a.body, err = g.read(res)
	return a, err
}

func (g getter) read(res *http.Response) ([]byte, error) {
	kind, labelled := g.kindOf(res.Header)
	if e := res.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		if !labelled {
			return nil, wrongType("")
		}
		return nil, causef(ReasonCompressed, "the answer is compressed, though that was not asked for")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, g.maxBytes+1))
	switch {
	case !labelled && (err != nil || int64(len(body)) > g.maxBytes || g.usable(body) != nil):
		return nil, wrongType("")
	case !labelled:
		return nil, wrongType(kind)
	case err != nil:
		return nil, describe(err, g.timeout)
	case int64(len(body)) > g.maxBytes:
		return nil, causef(ReasonTooLarge, "the answer is longer than %d bytes", g.maxBytes)
	}
	return body, nil
}
