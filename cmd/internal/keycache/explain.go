package keycache

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// explainFetch adds advice and the exit code to the error of a failed fetch.
func (f Fetch) explainFetch(err error) error {
	fetch, ok := errors.AsType[*jwks.FetchError](err)
	if !ok {
		return err
	}
	code := console.ExitIO
	switch fetch.Reason {
	case jwks.ReasonPrivateKey:
		code = console.ExitPolicy
	case jwks.ReasonNotJWKSet, jwks.ReasonNotJSON:
		code = console.ExitKey
	}
	if kind := allowable(err); kind != "" {
		return &console.Failure{Err: err, Code: code, Advice: "add --allow-content-type " + kind}
	}
	return &console.Failure{Err: err, Code: code, Advice: f.advice(fetch)}
}

// allowable returns the media type that would let one of the failed fetches succeed, and "" if none
// would. Package jwks looks for the metadata of an issuer in two places, and the answer of either
// can have the wrong type.
func allowable(err error) string {
	switch e := err.(type) {
	case *jwks.FetchError:
		return e.ContentType
	case interface{ Unwrap() error }:
		return allowable(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if kind := allowable(one); kind != "" {
				return kind
			}
		}
	}
	return ""
}

// advice returns the advice about a fetch that failed. Some errors need none.
func (f Fetch) advice(fetch *jwks.FetchError) string {
	switch fetch.Reason {
	case jwks.ReasonRedirect, jwks.ReasonNotLoopback, jwks.ReasonPrivateKey:
		return ""
	case jwks.ReasonNotJWKSet:
		return "that is not a JWK Set: check the URL"
	case jwks.ReasonStale, jwks.ReasonOlder:
		return "try again later, or tell the issuer, who can purge it"
	case jwks.ReasonTimeout:
		return "try again, or wait longer with --timeout 30s"
	case jwks.ReasonCertificate:
		return "check the host; the certificate of a CA of your own is named by SSL_CERT_FILE"
	case jwks.ReasonNotTLS:
		return "check the port"
	case jwks.ReasonUnresolved:
		return "check the host"
	case jwks.ReasonUnreachable:
		return "check host and port, and whether it is running"
	case jwks.ReasonStatus, jwks.ReasonContentType, jwks.ReasonNotJSON:
		return cmp.Or(f.adviceOnToken(fetch), f.adviceOnURL())
	}
	return "check the URL and the network"
}

// adviceOnToken returns the advice about a server that asks for a token, and "" if the server did
// not ask for one.
func (f Fetch) adviceOnToken(fetch *jwks.FetchError) string {
	if fetch.Status != http.StatusUnauthorized && fetch.Status != http.StatusForbidden {
		return ""
	}
	switch {
	case f.Header == nil:
		return "check the URL; if the server asks for a bearer token, write Authorization: Bearer and the token into a file, for --header-file FILE"
	case !f.Header.goesTo(fetch.URL):
		return "--header-file goes to " + f.Header.origin + " alone; if you trust this server too: sealjwt jwks fetch --header-file FILE " + fetch.URL
	}
	return "check the URL, and the lines of --header-file"
}

func (f Fetch) adviceOnURL() string {
	if f.Issuer != "" {
		return "check the URL of the issuer, or give the URL of its JWK Set: sealjwt jwks fetch URL"
	}
	return "check the URL; to find it by its issuer: sealjwt jwks fetch --issuer URL"
}

// explainURL adds advice to the refusal of a plain http URL: how the user can fetch the JWK Set
// without this command and give it as a file.
func (f Fetch) explainURL(err error, url string) error {
	if !errors.Is(err, jwks.ErrURL) || !strings.HasPrefix(strings.ToLower(url), "http://") {
		return err
	}
	if url = console.WithoutSecrets(url); f.Issuer != "" {
		url = "URL"
	}
	return &console.Failure{
		Err: err, Code: console.ExitUsage,
		Advice: "fetch the JWK Set over a way that you trust, curl " + url + " >set.json, and give the file: --trust set.json, or --to set.json",
	}
}
