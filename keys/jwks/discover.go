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
// issuer/.well-known/openid-configuration and, where the issuer has none there, that of
// RFC 8414 section 3, whose well-known path stands between the host and the issuer's
// own path. The client is used as in RemoteConfig and may be nil. Both together take as long as
// the context's deadline allows; if it has none, each answer has DefaultTimeout. None is
// longer than DefaultMaxBytes.
//
// Ask once, when a service starts, for an issuer that its configuration names: never for
// the iss of a token, since anybody writes those, and makes you fetch what they like.
//
// What the metadata name is on any https host, since large issuers keep their keys on
// another, but on this machine only if the issuer is: not at localhost or a name below
// it, nor at a loopback or unspecified address. Names in letters other than ASCII, which
// may become one of these, are refused, and addresses written in another way than the
// usual. Names are not looked up, and may lead to this machine all the same: see the
// package's documentation on server-side request forgery.
//
// It returns [ErrURL] when the issuer or its jwks_uri is not a URL that may be fetched,
// [ErrFetch] when there are no metadata, [ErrMetadata] when they are those of another
// issuer (RFC 8414 section 3.3: byte by byte the same) or name no jwks_uri, and the
// context's error.
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
			tried = errors.Join(tried, fmt.Errorf("%w: %s: %w", ErrFetch, where(at), statusError(a.status)))
			continue
		}
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrFetch, where(at), err)
		}
		if jwksURI, err = readMetadata(a.body, issuer, isHere(u)); err != nil {
			return "", fmt.Errorf("%w (from %s)", err, where(at))
		}
		return jwksURI, nil
	}
	return "", tried
}

// wellKnown is where an issuer's metadata can be. A slash at its end is dropped, by both
// specifications.
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

// readMetadata reads the jwks_uri. The issuer stands beside it so that the metadata of
// one tenant, or of an attacker, do not pass for another's: they would bring its keys.
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
		return "", fmt.Errorf("the jwks_uri: %w", err)
	}
	switch {
	case isDisguised(u):
		return "", fmt.Errorf("the jwks_uri: %w: its host must be a name in ASCII or an address in its usual form", ErrURL)
	case isHere(u) && !here:
		return "", fmt.Errorf("the jwks_uri: %w: it is on this machine, and the issuer is not", ErrURL)
	}
	return jwksURI, nil
}
