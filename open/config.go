package open

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
)

const (
	// DefaultType is the typ of the signed token inside a nested token when Issuer.Type is
	// empty.
	DefaultType = "sealed+jwt"
	// DefaultLeeway is the tolerance on exp, nbf and iat when Limits.Leeway is zero.
	DefaultLeeway = 60 * time.Second
	// MaxLeeway is the largest value of Limits.Leeway.
	MaxLeeway = 10 * time.Minute
	// DefaultMaxLifetime bounds exp - iat when Limits.MaxLifetime is zero.
	DefaultMaxLifetime = time.Hour
	// DefaultMaxSize is the length in bytes of the longest token when Limits.MaxSize is zero.
	DefaultMaxSize = 64 << 10
	// DefaultMaxHeader is the length in bytes of the longest header when Limits.MaxHeader is zero.
	DefaultMaxHeader = 4 << 10

	largestHeader = 16 << 10 // the largest value of Limits.MaxHeader
)

// Config says which nested tokens to accept. [New] refuses the zero value, because three fields are
// required. By default it allows no member to be missing. New copies the Config and its slices.
type Config struct {
	// Audience is our own name: one value of the token's aud must be exactly this text. Required.
	Audience string

	// Trust lists the issuers whose tokens we accept, each with its own keys. A token is
	// never tried with the keys of another issuer. Required.
	Trust []Issuer

	// Decryption holds our private keys. Required.
	Decryption keys.PrivateSource

	// Require names claims that must be present with a value other than null, and that must have
	// been sealed: a claim that the JWE's header replicates does not count. When such a claim is
	// missing or was not sealed, [Error.Error], which the client may see, names it.
	Require []string

	// AllowMissing says what the JWE of a token may lack: ContentType, KeyID or both. Zero
	// means that the JWE must have both.
	AllowMissing Missing

	// Check is called with a token that has passed all other checks. If it returns an error, Open
	// returns an [ErrCheck]. Use Check to look up whether the token was revoked, by Issuer and ID
	// and never by the token's text: one token can have several texts, as the package documentation
	// says.
	Check func(ctx context.Context, t *Token) error

	// Limits bounds times, sizes and the cache.
	Limits Limits
}

// Limits holds the times and sizes that an Opener goes by.
type Limits struct {
	// Leeway is the tolerance on exp, nbf and iat; DefaultLeeway when zero, at
	// most MaxLeeway.
	Leeway time.Duration

	// MaxLifetime bounds exp - iat, or exp - now in a token without iat;
	// DefaultMaxLifetime when zero.
	MaxLifetime time.Duration

	// MaxSize is the length in bytes of the longest token; DefaultMaxSize when zero.
	MaxSize int

	// MaxHeader is the length in bytes of the longest decoded header of a JWE or a JWS;
	// DefaultMaxHeader when zero, at most 16 KiB. A header with a chain of certificates (x5c) may
	// need more than the default.
	MaxHeader int

	// Cache is how many opened tokens the Opener keeps at most; zero means no cache. It is for a
	// service to which the same token comes again and again: the Opener does not decrypt and verify
	// a kept token again, and Open returns the same *Token as before. A good number is the number
	// of tokens that are in use at a time. When the cache is nearly full, a new token replaces an
	// old one, mostly one that was not used for a while.
	//
	// A kept token takes about 1700 bytes plus the length of its claims. The claims stay in memory,
	// decrypted, as long as the token is kept. A token is dropped when it comes again and has
	// expired, or a key source fails or returns another set. It is also dropped for a new token,
	// and some time after it has expired. The cache has no background goroutine: when a token is
	// added, a few expired tokens are removed.
	//
	// The cache does not change which tokens are accepted. A token is kept under the SHA-256
	// of its whole text, after Check has accepted it. Each time it comes again, the Opener
	// checks its times, asks the key sources and calls Check. So a revocation counts at
	// once: Check refuses a revoked token, and a source whose key was revoked returns another
	// set. A cache is useless with a source that makes a new set for every call; a ring
	// returns the same set until its keys change.
	Cache int
}

// settings is the common form of Config, SelectiveConfig and GatewayConfig.
type settings struct {
	audiences    []string
	trust        []Issuer
	decryption   keys.PrivateSource // nil for a gateway
	require      []string
	allowMissing Missing
	check        func(ctx context.Context, t *Token) error
	limits       Limits
	selective    bool
}

// New returns an Opener of nested tokens. For a configuration that cannot work it returns a
// [*ConfigError], which is an [ErrConfig]. New does not ask the key sources for keys yet;
// [Opener.Ready] does.
func New(cfg Config) (*Opener, error) {
	if isNil(cfg.Decryption) {
		return nil, configError("Decryption", "is required: a ring or a set with our private keys")
	}
	if err := checkRequire(cfg.Require, false); err != nil {
		return nil, err
	}
	return newOpener("Audience", settings{
		audiences: []string{cfg.Audience}, trust: cfg.Trust, decryption: cfg.Decryption, require: cfg.Require,
		allowMissing: cfg.AllowMissing, check: cfg.Check, limits: cfg.Limits,
	})
}

// newOpener makes the checks that all three kinds of Opener need, and returns the Opener.
// audienceField is the name of the configuration's field with the audiences, for errors.
func newOpener(audienceField string, cfg settings) (*Opener, error) {
	cfg.require, cfg.trust, cfg.audiences = slices.Clone(cfg.require), slices.Clone(cfg.trust), slices.Clone(cfg.audiences)
	if err := cfg.limits.setDefaults(); err != nil {
		return nil, err
	}
	if len(cfg.audiences) == 0 || slices.Contains(cfg.audiences, "") {
		return nil, configError(audienceField, "is required: without it we would take tokens that are meant for others")
	}
	if wrong := cfg.allowMissing &^ allowedInConfig; wrong != 0 {
		return nil, configError("AllowMissing", "has %v: it takes %v", wrong, allowedInConfig)
	}
	trust, longest, err := cfg.trusted()
	if err != nil {
		return nil, err
	}
	o := &Opener{
		cfg: cfg, trust: trust, longestIssuer: longest, now: time.Now,
		scratch: &sync.Pool{New: func() any { return &scratch{maxHeader: cfg.limits.MaxHeader} }},
		lists:   new(fieldLists),
		last:    new(lastOpened),
	}
	if cfg.limits.Cache > 0 {
		c := newCache(cfg.limits.Cache)
		o.cache = func() cache { return c }
	}
	return o, nil
}

func (l *Limits) setDefaults() error {
	if l.Leeway == 0 {
		l.Leeway = DefaultLeeway
	}
	if l.MaxLifetime == 0 {
		l.MaxLifetime = DefaultMaxLifetime
	}
	if l.MaxSize == 0 {
		l.MaxSize = DefaultMaxSize
	}
	if l.MaxHeader == 0 {
		l.MaxHeader = DefaultMaxHeader
	}
	switch {
	case l.Leeway < 0 || l.Leeway > MaxLeeway:
		return configError("Limits.Leeway", "must be between 0 and %v", MaxLeeway)
	case l.MaxLifetime < 0:
		return configError("Limits.MaxLifetime", "must not be negative")
	case l.MaxSize < 0:
		return configError("Limits.MaxSize", "must not be negative")
	case l.MaxHeader < 0 || l.MaxHeader > largestHeader:
		return configError("Limits.MaxHeader", "must be between 0 and %d", largestHeader)
	case l.Cache < 0:
		return configError("Limits.Cache", "must not be negative")
	}
	return nil
}

// checkRequire refuses names of claims that no token can have sealed, and names that cannot
// stand in the text of an error.
func checkRequire(names []string, selective bool) error {
	for _, name := range names {
		if name == "" || name == "sealed" || selective && isAlwaysReadable(name) {
			return configError("Require", "names %q, which is never sealed", name)
		}
		if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return configError("Require", "names %q, which cannot stand in the text of a refusal", name)
		}
	}
	return nil
}

func configError(field, problem string, args ...any) error {
	return &ConfigError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// isNil reports whether v is nil or holds a nil pointer or function. Without this check New would
// take a nil *Ring, and only the first token would show the mistake.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
