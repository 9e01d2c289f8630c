package jwks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Plain HTTP reaches this machine only, wherever the host name leads.
func TestHTTPStaysHere(t *testing.T) {
	for address, want := range map[string]error{
		"127.0.0.1:80": nil, "127.1.2.3:80": nil, "[::1]:80": nil, "[::ffff:127.0.0.1]:80": nil,
		"192.0.2.1:80": errNotLoopback, "[2001:db8::1]:80": errNotLoopback, "0.0.0.0:80": errNotLoopback, "[::]:80": errNotLoopback,
		"169.254.169.254:80": errNotLoopback, "[fe80::1%lo]:80": errNotLoopback, "localhost:80": errNotLoopback, "": errNotLoopback,
	} {
		if err := loopbackOnly("tcp", address, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
	// This simulates that localhost leads to another machine. The address is refused before a
	// packet is sent.
	u := must(url.Parse("http://192.0.2.1/jwks.json?query"))(t)
	g := getter{client: must(newClient(nil, u))(t), timeout: time.Minute, maxBytes: DefaultMaxBytes}
	_, err := g.get(t.Context(), u, http.Header{})
	if !errors.Is(err, errNotLoopback) || strings.Contains(err.Error(), "query") {
		t.Errorf("another machine: %v", err)
	}
	k := newKey(t, keys.ES256)
	s := server(t, jwkSetHandler(jwkSet(t, k)))
	knows(t, must(NewRemote(RemoteConfig{URL: s.URL}))(t), "", k)
	if https := newTransport("https").(*http.Transport); https.DialContext == nil {
		t.Error("the dialer of net/http was dropped")
	}
}

// A program that replaces http.DefaultTransport has a reason, so its transport is used.
func TestDefaultTransportReplaced(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	k := newKey(t, keys.ES256)
	http.DefaultTransport = siteOf(jwkSet(t, k))
	knows(t, must(NewRemote(RemoteConfig{URL: siteURL}))(t), "", k)
}

// The dialer of a replaced default transport counts for https. For plain HTTP our dialer counts,
// which reaches this machine only.
func TestDefaultDialerReplaced(t *testing.T) {
	shared := http.DefaultTransport.(*http.Transport)
	before := shared.DialContext
	defer func() { shared.DialContext = before }()
	var dialled []string
	shared.DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, errors.New("mine")
	}
	s := server(t, jwkSetHandler(jwkSet(t)))
	knows(t, must(NewRemote(RemoteConfig{URL: s.URL}))(t), "")
	fails(t, must(NewRemote(RemoteConfig{URL: siteURL}))(t), "", ErrFetch)
	if len(dialled) != 1 || dialled[0] != "id.example.com:443" {
		t.Errorf("dialled %q", dialled)
	}
}
