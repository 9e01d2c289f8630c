package jwks

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
)

// newClient returns a client without cookies, which would tell the server who asks. A nil
// transport stands for the default.
func newClient(transport http.RoundTripper, u *url.URL) (*http.Client, error) {
	if transport == nil {
		transport = newTransport(u.Scheme)
	}
	if nilcheck.IsNil(transport) {
		return nil, fmt.Errorf("%w: the Transport is a nil pointer; leave it out for the default", ErrConfig)
	}
	return &http.Client{Transport: transport, CheckRedirect: stayOnHost}, nil
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
