package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// describe says why there is no answer. The errors of net/http hold the URL with its
// query, where a redirect leads, and lines of what the server sent; what is not known
// to be harmless is not repeated.
func (g getter) describe(err error) error {
	var (
		dns         *net.DNSError
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no complete answer within %v (%w)", g.timeout, context.DeadlineExceeded)
	case errors.Is(err, errLeavesHost):
		return errLeavesHost
	case errors.Is(err, errRedirects):
		return errRedirects
	case errors.Is(err, errElsewhere):
		return errElsewhere
	case errors.As(err, &certificate):
		return fmt.Errorf("its TLS certificate is refused: %s", refusal(certificate))
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("it does not speak TLS")
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s cannot be resolved", printable(dns.Name))
	case errors.As(err, &op):
		return errors.New(printable(op.Error()))
	}
	return errors.New("the connection broke, or the answer is not HTTP")
}

// refusal says what is wrong with a certificate. The errors of crypto/x509 quote names that
// are in it.
func refusal(err error) string {
	var (
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &host):
		return "it is for another host"
	case errors.As(err, &unknown):
		return "it is signed by an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired, or is not valid yet by the clock of this machine"
	}
	return "its certificate chain is not accepted"
}
