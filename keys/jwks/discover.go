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
// issuer/.well-known/openid-configuration. If the issuer has no metadata at that URL, it reads the
// metadata of RFC 8414 section 3, whose well-known path stands between the host and the
// issuer's own path. An issuer has no metadata at a place where the answer has a status other
// than 200, a Content-Type that does not pass, or a body that is not JSON: many web servers
// answer every unknown path with status 200 and a page. Both requests must end by the context's
// deadline; if the context has none, each may take DefaultTimeout. An answer may be
// DefaultMaxBytes long.
//
// Ask once, when a service starts, for an issuer that its configuration names. Never ask for
// the iss of a token: any client could write any iss into a token, and make you fetch a URL of
// the client's choice.
//
// The jwks_uri may be on any https host, because large issuers keep their keys on another host.
// It may be on this machine only if the issuer is. On this machine are localhost, every name
// below it, and loopback and unspecified addresses. Discover refuses names in letters other
// than ASCII, which may become one of these, and addresses written in an unusual way. It does
// not ask DNS, so another name may still lead to this machine: see the package's documentation
// on server-side request forgery.
//
// Discover returns [ErrURL] when the issuer is not a URL that may be fetched; [ErrFetch], as a
// [*FetchError], when the issuer gives no answer or has no metadata, and with ErrMetadata in its
// tree when an answer was not JSON; [ErrMetadata] when the metadata are not a JSON object with
// unique names, when the issuer in them is not byte for byte the one that was asked (RFC 8414
// section 3.3), or when they have no jwks_uri, and [ErrURL] too when the jwks_uri may not be
// fetched; [ErrConfig] for a Transport that is a nil pointer and for an AllowContentType that is
// not a media type; and the context's error.
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

// reasonsForNext are the failures that show that a place has no metadata, so that Discover asks
// the next place. After any other failure Discover stops.
var reasonsForNext = []Reason{ReasonStatus, ReasonContentType, ReasonNotJSON}

// metadata returns the JSON that the server has at this URL.
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

// withoutMark returns the body without a byte order mark, which RFC 8259 section 8.1 lets a
// reader ignore.
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

// wellKnown returns the URLs where an issuer's metadata can be. Both specifications drop a slash
// at the end of the issuer. OpenID Connect appends its well-known path to the issuer's path, and
// RFC 8414 puts its well-known path before the issuer's path.
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

// readMetadata returns the jwks_uri of the metadata. It refuses metadata that name another issuer:
// the metadata of another tenant, or of an attacker, lead to other keys. here says that the issuer
// is on this machine; only then may the jwks_uri be on this machine too.
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
