package jwks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// DiscoverConfig says how Discover asks. The zero value is good for most issuers.
type DiscoverConfig struct {
	// Transport carries the requests, as RemoteConfig.Transport does. It may be nil.
	Transport http.RoundTripper

	// AllowContentType names media types under which an issuer labels its metadata by
	// mistake, as RemoteConfig.AllowContentType does for a set.
	AllowContentType []string
}

// Discover asks an issuer where its keys are, and returns the URL for [RemoteConfig]. It reads
// the metadata of OpenID Connect Discovery 1.0 section 4 at
// issuer/.well-known/openid-configuration. Where the issuer has none there, it reads the
// metadata of RFC 8414 section 3, whose well-known path stands between the host and the
// issuer's own path. An answer with a status other than 200 is none, nor is an answer that
// is not JSON: many web servers answer every unknown path with status 200 and a page. Both
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
// Discover returns [ErrURL] when the issuer is not a URL that may be fetched; [ErrFetch],
// as a [*FetchError], when the issuer has no metadata, and beside it ErrMetadata when an
// answer was not JSON; [ErrMetadata] when the metadata name another issuer (RFC 8414
// section 3.3: byte by byte the same) or have no jwks_uri, and beside it ErrURL when they
// have one that may not be fetched; [ErrConfig] for a Transport that is a nil pointer and
// for an AllowContentType that is not a media type; and the context's error.
func Discover(ctx context.Context, issuer string, cfg DiscoverConfig) (jwksURI string, err error) {
	u, err := parseIssuer(issuer)
	if err != nil {
		return "", fmt.Errorf("the issuer: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("jwks: asking %s: %w", where(u), err)
	}
	read := func(body []byte) (string, error) { return readMetadata(withoutMark(body), issuer, isHere(u)) }
	g, err := cfg.getter(ctx, u)
	if err != nil {
		return "", err
	}
	g.usable = func(body []byte) error { _, err := read(body); return err }
	var tried noMetadata
	for _, at := range wellKnown(u) {
		body, err := g.metadata(ctx, at)
		if err != nil {
			failed := newFetchError(where(at), err)
			if !slices.Contains(reasonsForNext, failed.Reason) {
				return "", failed
			}
			tried = append(tried, failed)
			continue
		}
		if jwksURI, err = read(body); err != nil {
			return "", fmt.Errorf("%w (from %s)", err, where(at))
		}
		return jwksURI, nil
	}
	return "", tried
}

func parseIssuer(issuer string) (*url.URL, error) {
	u, err := parseURL(issuer)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		return nil, fmt.Errorf("%w: it must not have a query", ErrURL)
	}
	return u, err
}

func (c DiscoverConfig) getter(ctx context.Context, u *url.URL) (getter, error) {
	g := getter{timeout: DefaultTimeout, maxBytes: DefaultMaxBytes}
	if deadline, ok := ctx.Deadline(); ok {
		g.timeout = time.Until(deadline).Round(time.Millisecond)
	}
	var err error
	if g.types, err = mediaTypes(c.AllowContentType); err != nil {
		return g, err
	}
	g.client, err = newClient(c.Transport, u)
	return g, err
}

// reasonsForNext are the reasons that show that a place has no metadata.
var reasonsForNext = []Reason{ReasonStatus, ReasonContentType, ReasonNotJSON}

// metadata returns the JSON at a place.
func (g getter) metadata(ctx context.Context, at *url.URL) ([]byte, error) {
	a, err := g.get(ctx, at, http.Header{"Accept": {"application/json"}})
	switch {
	case err != nil:
		return nil, err
	case a.status != http.StatusOK:
		return nil, statusError(a.status)
	}
	if !json.Valid(withoutMark(a.body)) {
		return nil, causef(ReasonNotJSON, "%w: the answer is not JSON", ErrMetadata)
	}
	return a.body, nil
}

// withoutMark passes over a byte order mark, as RFC 8259 section 8.1 lets a reader do.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// noMetadata are the errors of all places where an issuer's metadata could be.
type noMetadata []*FetchError

func (e noMetadata) Error() string {
	var texts []string
	for _, failed := range e {
		texts = append(texts, fmt.Sprintf("%s: %v", failed.URL, failed.cause))
	}
	return fmt.Sprintf("%v: %s", ErrFetch, strings.Join(texts, "; "))
}

func (e noMetadata) Unwrap() []error {
	all := make([]error, len(e))
	for i, failed := range e {
		all[i] = failed
	}
	return all
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
