package jwks

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
)

// newClient takes the transport of a client, with its TLS, and nothing else: cookies
// would tell who asks, and where redirects lead is not for it to decide.
func newClient(from *http.Client, u *url.URL) *http.Client {
	c := &http.Client{CheckRedirect: stayOnHost}
	if from != nil {
		c.Transport = from.Transport
	}
	if c.Transport == nil {
		c.Transport = newTransport(u.Scheme)
	}
	return c
}

func newTransport(scheme string) http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // somebody replaced it, and had a reason
	}
	t = t.Clone()
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.DisableKeepAlives = true // nothing stays behind between fetches that are minutes apart
	if scheme == "http" {
		t.DialContext = (&net.Dialer{Control: loopbackOnly}).DialContext
	}
	return t
}

var errElsewhere = errors.New("its name leads to another machine, or a proxy does; http is for this one only, use https")

// loopbackOnly looks at the address that is about to be dialled: localhost is a name like
// others, and where the hosts file lacks it, whoever answers for DNS would hand us keys in
// clear.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().Unmap().IsLoopback() {
		return errElsewhere
	}
	return nil
}
