package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// The errors of this package, for errors.Is. It also returns keys.ErrStale, keys.ErrPrivateKey,
// keys.ErrMalformed and the error of a context. Of an answer their texts repeat at most the
// status, the media type, and a jwks_uri that may not be fetched. They name URLs without the
// query, which may be a secret.
var (
	// ErrConfig: a configuration that cannot work.
	ErrConfig = errors.New("jwks: invalid configuration")
	// ErrURL: a URL that may not be fetched: it is neither https nor http on this machine, or
	// its form is wrong.
	ErrURL = errors.New("jwks: not a usable URL")
	// ErrFetch: the server gave no answer, or no usable one. A [*FetchError] in its tree says
	// why.
	ErrFetch = errors.New("jwks: fetching failed")
	// ErrMetadata: an issuer's metadata are not a JSON object, name another issuer, or do not
	// say where its keys are.
	ErrMetadata = errors.New("jwks: unusable issuer metadata")
)

// Reason says why a fetch failed. Its values are the constants below. Each is a fixed word, fit
// for a log or a metric.
type Reason string

// The reasons of a [FetchError].
const (
	// ReasonUnresolved: the name of the host or of a proxy cannot be resolved.
	ReasonUnresolved Reason = "unresolved"
	// ReasonUnreachable: no connection to the host or to a proxy came about, or the Remote has
	// not asked yet.
	ReasonUnreachable Reason = "unreachable"
	// ReasonNotLoopback: the URL is http, and its host or a proxy is another machine.
	ReasonNotLoopback Reason = "not-loopback"
	// ReasonTimeout: the answer did not come, or not as a whole, in time.
	ReasonTimeout Reason = "timeout"
	// ReasonCanceled: the context of Discover was canceled while it waited for an answer.
	ReasonCanceled Reason = "canceled"
	// ReasonNotTLS: the server does not speak TLS at this port.
	ReasonNotTLS Reason = "not-tls"
	// ReasonCertificate: the server's certificate is refused.
	ReasonCertificate Reason = "certificate"
	// ReasonConnection: the connection broke, the TLS handshake failed otherwise than for
	// ReasonNotTLS or ReasonCertificate, or the answer is not HTTP. It is also the reason of a
	// failure that no other reason fits.
	ReasonConnection Reason = "connection"
	// ReasonRedirect: the server redirects to another host or scheme, or too often.
	ReasonRedirect Reason = "redirect"
	// ReasonStatus: the answer has a status other than 200; FetchError.Status says which.
	ReasonStatus Reason = "status"
	// ReasonContentType: the Content-Type of the answer is neither JSON nor one that
	// AllowContentType names. FetchError.ContentType is set if AllowContentType would help.
	ReasonContentType Reason = "content-type"
	// ReasonCompressed: the answer is compressed, though the request forbids it.
	ReasonCompressed Reason = "compressed"
	// ReasonTooLarge: the answer is longer than MaxBytes.
	ReasonTooLarge Reason = "too-large"
	// ReasonNotJSON: the answer, an issuer's metadata, is not JSON; it is also an
	// ErrMetadata.
	ReasonNotJSON Reason = "not-json"
	// ReasonNotJWKSet: the answer is not a JWK Set; it is also a keys.ErrMalformed.
	ReasonNotJWKSet Reason = "not-jwk-set"
	// ReasonPrivateKey: a key of the set is private; it is also a keys.ErrPrivateKey.
	ReasonPrivateKey Reason = "private-key"
	// ReasonStale: a cache on the way answered with a set that has been stale for longer
	// than MaxStale.
	ReasonStale Reason = "stale"
	// ReasonOlder: a cache on the way answered with an older set than the Remote has.
	ReasonOlder Reason = "older"
	// ReasonPanic: the Transport or Report panicked.
	ReasonPanic Reason = "panic"
)

// FetchError is the error of a fetch that failed. errors.Is finds [ErrFetch] in it.
type FetchError struct {
	Reason Reason
	Status int    // the status of the answer; zero unless Reason is ReasonStatus
	URL    string // the URL that was asked, without its query
	// ContentType is the media type of an answer that is refused for this type alone: the
	// fetch succeeds once AllowContentType names it. Else it is empty.
	ContentType string

	cause error
}

// Error returns a text such as "jwks: fetching failed: https://id.example.com/jwks.json:
// the answer is 404 Not Found".
func (e *FetchError) Error() string {
	switch {
	case e == nil:
		return "<nil>"
	case e.cause == nil:
		return fmt.Sprintf("%v: %s: %s", ErrFetch, e.URL, e.Reason)
	}
	return fmt.Sprintf("%v: %s: %v", ErrFetch, e.URL, e.cause)
}

// Unwrap returns ErrFetch and, if there is one, the cause.
func (e *FetchError) Unwrap() []error {
	if e == nil || e.cause == nil {
		return []error{ErrFetch}
	}
	return []error{ErrFetch, e.cause}
}

// cause is the reason of a failure and its text.
type cause struct {
	error
	reason Reason
	status int
	kind   string // for FetchError.ContentType
}

func (c *cause) Unwrap() error { return c.error }

func causef(reason Reason, format string, args ...any) error {
	return &cause{error: fmt.Errorf(format, args...), reason: reason}
}

func statusError(status int) error {
	text := printable(fmt.Sprintf("the answer is %d %s", status, http.StatusText(status)))
	return &cause{error: errors.New(text), reason: ReasonStatus, status: status}
}

// setError gives an error of parseSet the Reason that it has in a FetchError.
func setError(err error) error {
	if errors.Is(err, keys.ErrPrivateKey) {
		return &cause{error: err, reason: ReasonPrivateKey}
	}
	return &cause{error: err, reason: ReasonNotJWKSet}
}

// newFetchError returns the FetchError for a fetch that failed with the error why. url must be
// the result of the function where, which has no query.
func newFetchError(url string, why error) *FetchError {
	e := &FetchError{URL: url, Reason: ReasonConnection, cause: why}
	if c, ok := errors.AsType[*cause](why); ok {
		e.Reason, e.Status, e.ContentType = c.reason, c.status, c.kind
	}
	return e
}

// describe returns the error for a request that ended without a complete answer, from the error
// of net/http. timeout is the time that the request had. The errors of net/http hold the URL
// with its query, the target of a redirect, and lines that the server sent; describe repeats
// only text that is known to be harmless.
func describe(err error, timeout time.Duration) error {
	if c, ok := errors.AsType[*cause](err); ok { // made by stayOnHost or loopbackOnly
		return c
	}
	var (
		dns         *net.DNSError
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return &cause{error: context.Canceled, reason: ReasonCanceled}
	case errors.Is(err, context.DeadlineExceeded):
		return causef(ReasonTimeout, "no complete answer within %v (%w)", timeout, context.DeadlineExceeded)
	case errors.As(err, &certificate):
		return causef(ReasonCertificate, "its TLS certificate is refused: %s", refusal(certificate))
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return causef(ReasonNotTLS, "it does not speak TLS")
	case errors.As(err, &dns):
		return causef(ReasonUnresolved, "the name %s cannot be resolved", printable(dns.Name))
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		return &cause{error: errors.New(printable(op.Error())), reason: ReasonUnreachable}
	case errors.As(err, &op):
		return &cause{error: errors.New(printable(op.Error())), reason: ReasonConnection}
	}
	return causef(ReasonConnection, "the connection broke, or the answer is not HTTP")
}

// refusal says why a certificate is refused, in words of its own: the errors of crypto/x509
// quote names from the certificate, which the server chose.
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
