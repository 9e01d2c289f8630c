package ringtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is a certificate authority of a test.
type CA struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	dir         string
}

// NewCA makes a certificate authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA " + rand.Text()},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	ca.Certificate = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, &ca.key.PublicKey, ca.key))))
	return ca
}

// File returns a PEM file with the certificate of the authority.
func (ca *CA) File(t testing.TB) (path string) {
	t.Helper()
	return ca.write(t, "ca.pem", "CERTIFICATE", ca.Certificate.Raw)
}

// Server returns PEM files with a certificate for the addresses of a server, and with its key.
func (ca *CA) Server(t testing.TB, addresses ...string) (cert, key string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(a))
	}
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificate(rand.Reader, template, ca.Certificate, &private.PublicKey, ca.key))
	return ca.write(t, "server.pem", "CERTIFICATE", der), ca.write(t, "server.key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(private)))
}

func (ca *CA) write(t testing.TB, name, kind string, der []byte) (path string) {
	t.Helper()
	path = filepath.Join(ca.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
