package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// Discover asks an issuer where its keys are, and returns the URL for [RemoteConfig]. It reads
// the metadata of OpenID Connect Discovery 1.0 section 4 at
// issuer/.well-known/openid-configuration. Where the issuer has none there, it reads the
// metadata of RFC 8414 section 3, whose well-known path stands between the host and the
// issuer's own path. Discover uses the transport as a Remote does, and it may be nil. Both
// requests together take as long as the context's deadline allows; if it has none, each has
// DefaultTimeout. An answer may have DefaultMaxBytes.
//
// Ask once, when a service starts, for an issuer that its configuration names. Never ask for
// the iss of a token: any client could write one there, and make you fetch a URL of its
// choice.
//
// The jwks_uri may be on any https host, since large issuers keep their keys on another. It
// may be on this machine only if the issuer is: not at localhost or a name below it, nor at
// a loopback or unspecified address. Discover refuses names in letters other than ASCII,
// which may become one of these, and addresses written in an unusual way. It does not look
// names up, and they may lead to this machine all the same: see the package's documentation
// on server-side request forgery.
//
// Discover returns [ErrURL] when the issuer is not a URL that may be fetched; [ErrFetch], as
// a [*FetchError], when there are no metadata; [ErrMetadata] when they are of another issuer
// (RFC 8414 section 3.3: byte by byte the same) or have no jwks_uri, and beside it ErrURL
// when they have one that may not be fetched; [ErrConfig] for a transport that is a nil
// pointer; and the context's error.
func Discover(ctx context.Context, issuer string, transport http.RoundTripper) (jwksURI string, err error) {
	u, err := parseURL(issuer)
	if err != nil {
		return "", fmt.Errorf("the issuer: %w", err)
	}
	if u.RawQuery != "" || u.ForceQuery {
		return "", fmt.Errorf("the issuer: %w: it must not have a query", ErrURL)
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("jwks: asking %s: %w", where(u), err)
	}
	client, err := newClient(transport, u)
	if err != nil {
		return "", err
	}
	g := getter{client, DefaultTimeout, DefaultMaxBytes}
	if deadline, ok := ctx.Deadline(); ok {
		g.timeout = time.Until(deadline).Round(time.Millisecond)
	}
	var tried error
	for _, at := range wellKnown(u) {
		a, err := g.get(ctx, at, http.Header{"Accept": {"application/json"}})
		if err == nil && a.status != http.StatusOK {
			tried = errors.Join(tried, newFetchError(where(at), statusError(a.status)))
			continue
		}
		if err != nil {
			return "", newFetchError(where(at), err)
		}
		if jwksURI, err = readMetadata(a.body, issuer, isHere(u)); err != nil {
			return "", fmt.Errorf("%w (from %s)", err, where(at))
		}
		return jwksURI, nil
	}
	return "", tried
}

// wellKnown returns the places where an issuer's metadata can be. Both specifications drop a
// slash at the issuer's end.
func wellKnown(issuer *url.URL) []*url.URL {
	const openID, oauth = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
	at := func(path, raw string) *url.URL {
		u := *issuer
		u.Path, u.RawPath = path, raw
		return &u
	}
	path, raw := strings.TrimSuffix(issuer.Path, "/"), strings.TrimSuffix(issuer.EscapedPath(), "/")
	return []*url.URL{at(path+openID, raw+openID), at(oauth+path, oauth+raw)}
}

// readMetadata reads the jwks_uri. It compares the issuer that stands beside it: the metadata
// of another tenant, or of an attacker, would bring other keys.
func readMetadata(body []byte, issuer string, here bool) (jwksURI string, err error) {
	o, err := strict.ParseObject(body)
	if err != nil {
		return "", fmt.Errorf("%w: not a JSON object with unique names", ErrMetadata)
	}
	if of, ok, err := o.Text("issuer"); err != nil || !ok || of != issuer {
		return "", fmt.Errorf("%w: their issuer is not %s; a slash at the end counts", ErrMetadata, printable(issuer))
	}
	jwksURI, ok, err := o.Text("jwks_uri")
	if err != nil || !ok {
		return "", fmt.Errorf("%w: they name no jwks_uri", ErrMetadata)
	}
	u, err := parseURL(jwksURI)
	if err != nil {
		return "", fmt.Errorf("%w: the jwks_uri: %w", ErrMetadata, err)
	}
	switch {
	case isDisguised(u):
		return "", fmt.Errorf("%w: the jwks_uri: %w: its host must be a name in ASCII or an address in its usual form", ErrMetadata, ErrURL)
	case isHere(u) && !here:
		return "", fmt.Errorf("%w: the jwks_uri: %w: it is on this machine, and the issuer is not", ErrMetadata, ErrURL)
	}
	return jwksURI, nil
}
