package jwks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A server writes the names into its certificate. The errors say what is wrong with a certificate,
// and never quote a name.
func TestCertificateRefused(t *testing.T) {
	const host = "id.example.net"
	for says, c := range map[string]struct {
		change  func(*x509.Certificate)
		unknown bool
	}{
		"it is for another host":                {func(c *x509.Certificate) { c.DNSNames = []string{"canary.example.net"} }, false},
		"it is signed by an unknown authority":  {func(*x509.Certificate) {}, true},
		"it has expired":                        {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, false},
		"its certificate chain is not accepted": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, false},
	} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "canary", Organization: []string{"canary"}},
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
			DNSNames: []string{host, "canary.example.net"}, IsCA: true, BasicConstraintsValid: true,
		}
		c.change(template)
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
		der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
		roots := x509.NewCertPool()
		if !c.unknown {
			roots.AddCert(must(x509.ParseCertificate(der))(t))
		}
		s := httptest.NewUnstartedServer(jwkSetHandler(jwkSet(t)))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
			},
		}
		err := fetchFails(t, RemoteConfig{URL: "https://" + host + "/jwks.json?query", Transport: transport})
		if !strings.Contains(err.Error(), host+"/jwks.json: its TLS certificate is refused: "+says) {
			t.Errorf("want %q: %v", says, err)
		}
	}
}
