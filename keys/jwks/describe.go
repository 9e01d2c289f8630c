package jwks

import (
	"context"
	"crypto/tls"
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
		return fmt.Errorf("its TLS certificate is refused: %s", printable(certificate.Err.Error()))
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("it does not speak TLS")
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s cannot be resolved", printable(dns.Name))
	case errors.As(err, &op):
		return errors.New(printable(op.Error()))
	}
	return errors.New("the connection broke, or the answer is not HTTP")
}
