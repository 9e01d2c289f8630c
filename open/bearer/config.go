package bearer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/sealjwt/sealjwt/open"
)

// DefaultRealm is the realm when Config.Realm is empty. RFC 6750 section 3 wants at
// least one parameter in a challenge.
const DefaultRealm = "api"

// Opener opens tokens: an [open.Opener], or a type that wraps one. An error that wraps
// [open.ErrKeySource], [ErrUnavailable], [context.Canceled] or [context.DeadlineExceeded] says that
// the token may be good. No error may hold the token, because Config.OnRefusal gets the error.
type Opener interface {
	Open(ctx context.Context, token string) (*open.Token, error)
}

// Config says which requests to let through.
type Config struct {
	// Opener opens the tokens. It also limits their length. Required.
	Opener Opener

	// Realm is the realm of WWW-Authenticate: printable ASCII without " and \.
	// DefaultRealm when empty.
	Realm string

	// Cookie is the name of a cookie in which a token may stand, in requests without an
	// Authorization field. None when empty. The package documentation says how to name
	// and to set the cookie.
	Cookie string

	// CrossOrigin says which requests with the cookie may come from other origins. When nil, GET,
	// HEAD and OPTIONS without an Upgrade may come from any origin, and other requests from none.
	// Require shows CrossOrigin a request with an Upgrade, such as a WebSocket's, as a POST: a
	// bypass pattern for it must name no method, or POST.
	CrossOrigin *http.CrossOriginProtection

	// KeepCredentials leaves the Authorization field and the cookie in the request that
	// handlers see, for a gateway that sends the token on to a service that opens it
	// again.
	KeepCredentials bool

	// AllowBound lets tokens with a claim cnf through as if they were bearer tokens. The
	// handler must then check the proof that cnf asks for; otherwise a thief can use a
	// stolen token. A token that is bound to the certificate of the client's own TLS
	// connection passes without AllowBound.
	AllowBound bool

	// ResourceMetadata is the https URL of this resource's metadata (RFC 9728), from which
	// a client learns where to get a token. Each WWW-Authenticate names it, RFC 9728 section
	// 5.1. None when empty.
	ResourceMetadata string

	// OnRefusal is called for every refused request, before it is answered. The Refusal
	// holds data for a log. Neither the Refusal nor the context holds the token. The context
	// is derived from the context of the request, so it has the request's trace and id.
	OnRefusal func(ctx context.Context, r Refusal)
}

// Authenticator lets requests through. It is immutable and safe for concurrent use.
type Authenticator struct {
	cfg       Config
	challenge string
	vary      string // the value of Vary: the header fields in which a token may stand
}

// New returns an Authenticator. For a configuration that cannot work it returns an error that wraps
// [ErrConfig] and names the mistake.
func New(cfg Config) (*Authenticator, error) {
	if cfg.Realm == "" {
		cfg.Realm = DefaultRealm
	}
	if problem := cfg.problem(); problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrConfig, problem)
	}
	if cfg.CrossOrigin == nil {
		cfg.CrossOrigin = http.NewCrossOriginProtection()
	}
	a := &Authenticator{cfg, `Bearer realm="` + cfg.Realm + `"`, "Authorization"}
	if cfg.ResourceMetadata != "" {
		a.challenge += `, resource_metadata="` + cfg.ResourceMetadata + `"`
	}
	if cfg.Cookie != "" {
		a.vary += ", Cookie"
	}
	return a, nil
}

func (c Config) problem() string {
	o := reflect.ValueOf(c.Opener)
	switch {
	case c.Opener == nil || (o.Kind() == reflect.Pointer || o.Kind() == reflect.Func) && o.IsNil():
		return "Opener is required"
	case !isQuotable(c.Realm):
		return `Realm must be printable ASCII without " and \`
	case c.Cookie != "" && !isToken(c.Cookie):
		return "Cookie is not the name of a cookie"
	case c.CrossOrigin != nil && c.Cookie == "":
		return "CrossOrigin needs a Cookie"
	case c.ResourceMetadata != "" && !isMetadataURL(c.ResourceMetadata):
		return `ResourceMetadata must be an absolute https URL in ASCII without ", \, user and fragment`
	}
	return ""
}

// isMetadataURL reports whether a text is a URL that RFC 9728 section 3 allows, and can
// stand between quotes without escapes.
func isMetadataURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && !strings.ContainsAny(s, "# ") && isQuotable(s)
}

// isQuotable reports whether a text can stand between quotes without escapes, RFC 9110
// section 5.6.4.
func isQuotable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// isToken reports whether a text is a token of RFC 9110 section 5.6.2: the name of a
// cookie, or of an authentication scheme.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
