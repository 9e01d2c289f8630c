package bearer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// clientCertificate returns a self-signed certificate, RFC 8705 section 2.2, and the
// thumbprint that a cnf has for it.
func clientCertificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	digest := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, base64.RawURLEncoding.EncodeToString(digest[:])
}

// connectionOf returns the state of a connection. The client has proven that it holds the keys of
// the certificates.
func connectionOf(certificates ...tls.Certificate) *tls.ConnectionState {
	state := &tls.ConnectionState{HandshakeComplete: true}
	for _, c := range certificates {
		state.PeerCertificates = append(state.PeerCertificates, must(x509.ParseCertificate(c.Certificate[0])))
	}
	return state
}

func TestCertificateBound(t *testing.T) {
	t.Parallel()
	p := newParties()
	ours, thumbprint := clientCertificate(t)
	other, otherThumbprint := clientCertificate(t)
	early := connectionOf(ours)
	early.HandshakeComplete = false
	member := func(thumbprint any) any { return map[string]any{"x5t#S256": thumbprint} }
	for _, test := range []struct {
		name       string
		cnf        any
		connection *tls.ConnectionState
		want       answer
	}{
		{"its own certificate", member(thumbprint), connectionOf(ours), passes},
		{"with the certificates that signed it", member(thumbprint), connectionOf(ours, other), passes},
		{"another certificate", member(thumbprint), connectionOf(other), badToken},
		{"its own certificate as the issuer of another", member(thumbprint), connectionOf(other, ours), badToken},
		{"no certificate", member(thumbprint), connectionOf(), badToken},
		{"no TLS", member(thumbprint), nil, badToken},
		{"before the handshake is complete", member(thumbprint), early, badToken},
		{"the thumbprint with padding", member(thumbprint + "="), connectionOf(ours), badToken},
		{"an empty thumbprint", member(""), connectionOf(ours), badToken},
		{"a null thumbprint", member(nil), connectionOf(ours), badToken},
		{"a number", member(1), connectionOf(ours), badToken},
		{"an array of thumbprints", member([]string{thumbprint, otherThumbprint}), connectionOf(ours), badToken},
		{"the member in other letters", map[string]any{"x5t#s256": thumbprint}, connectionOf(ours), badToken},
		{"the member of SHA-1", map[string]any{"x5t": thumbprint}, connectionOf(ours), badToken},
		{"bound to a second key too", map[string]any{"x5t#S256": thumbprint, "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, connectionOf(ours), badToken},
		{"an empty cnf", map[string]any{}, connectionOf(ours), badToken},
		{"a cnf that is a string", thumbprint, connectionOf(ours), badToken},
		{"a cnf that is null", nil, connectionOf(ours), badToken},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", authorization("Bearer "+p.token(t, map[string]any{"cnf": test.cnf})))
			r.TLS = test.connection
			// A header names the right certificate. A proxy writes this header, and so can a
			// client.
			r.Header.Set("X-Forwarded-Tls-Client-Cert", base64.StdEncoding.EncodeToString(ours.Certificate[0]))
			expect(t, bearer.Config{Opener: p.opener()}, nil, r, test.want, bearer.ErrBound)
		})
	}
}

// On a real connection net/http tells Require whose key the client has.
func TestCertificateBoundServer(t *testing.T) {
	t.Parallel()
	p := newParties()
	ours, thumbprint := clientCertificate(t)
	other, _ := clientCertificate(t)
	server := httptest.NewUnstartedServer(must(bearer.New(bearer.Config{Opener: p.opener()})).Require(hello))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	token := p.token(t, map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint}})
	for name, c := range map[string]struct {
		certificates []tls.Certificate
		want         int
	}{
		"its own": {[]tls.Certificate{ours}, 200}, "another": {[]tls.Certificate{other}, 401}, "none": {nil, 401},
	} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = c.certificates
		r := must(http.NewRequestWithContext(t.Context(), "GET", server.URL, nil))
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s certificate: %d, want %d", name, res.StatusCode, c.want)
		}
		transport.CloseIdleConnections()
	}
}

// Each challenge names the metadata, so that a client learns where it gets a better token.
func TestResourceMetadata(t *testing.T) {
	t.Parallel()
	p := newParties()
	const metadata = "https://api.example.com/.well-known/oauth-protected-resource"
	cfg := bearer.Config{Opener: p.opener(), ResourceMetadata: metadata}
	named := func(a answer) answer {
		const realm = `Bearer realm="api"`
		a.challenge = realm + `, resource_metadata="` + metadata + `"` + a.challenge[len(realm):]
		return a
	}
	for _, test := range []struct {
		name   string
		fields [][2]string
		want   answer
	}{
		{"no token", nil, noToken},
		{"a bad token", [][2]string{authorization("Bearer a")}, badToken},
		{"two tokens", [][2]string{authorization("Bearer a"), authorization("Bearer b")}, badRequest},
		{"too little scope", [][2]string{authorization("Bearer " + p.token(t, nil))}, lacksReading},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			expect(t, cfg, bearer.RequireScope("read"), request("GET", test.fields...), named(test.want), nil)
		})
	}
}
