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
	// DefaultType is the typ of the token inside a nested one when Issuer.Type is
	// empty.
	DefaultType = "sealed+jwt"
	// DefaultLeeway is the tolerance on times when Limits.Leeway is zero.
	DefaultLeeway = 60 * time.Second
	// MaxLeeway is the largest tolerance that can be configured.
	MaxLeeway = 10 * time.Minute
	// DefaultMaxLifetime bounds exp - iat when Limits.MaxLifetime is zero.
	DefaultMaxLifetime = time.Hour
	// DefaultMaxSize is the longest token in bytes when Limits.MaxSize is zero.
	DefaultMaxSize = 64 << 10
	// DefaultMaxHeader is the longest header in bytes when Limits.MaxHeader is zero.
	DefaultMaxHeader = 4 << 10

	largestHeader = 16 << 10 // that can be configured
)

// Config says which nested tokens to accept. Its zero value accepts none: a required
// field has no default, and every default is the strict one. New copies it.
type Config struct {
	// Audience is our own name: the token's aud must hold it, to the letter.
	// Required.
	Audience string

	// Trust lists the issuers whose tokens we accept, each with its own keys. A token is
	// never tried with the keys of another issuer. Required.
	Trust []Issuer

	// Decryption holds our private keys. Required.
	Decryption keys.PrivateSource

	// Require names claims that must be present with a value other than null, and that must
	// have been sealed. The text of a refusal holds the name.
	Require []string

	// AllowMissing says what the encryption of a token may lack: ContentType and KeyID.
	AllowMissing Missing

	// Check has the last word on a token that has passed all other checks. Use it to look
	// the token up among the revoked ones, by Issuer and ID and never by the token's text. Its
	// error refuses the token.
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

	// MaxSize is the longest token in bytes; DefaultMaxSize when zero.
	MaxSize int

	// MaxHeader is the longest header in bytes, decoded, of every layer; DefaultMaxHeader
	// when zero, at most 16 KiB. A header with a chain of certificates (x5c) may need it.
	MaxHeader int

	// Cache is the number of opened tokens that are kept, at most; none when zero. It is
	// for a service to which the same token comes again and again: a kept token is not
	// decrypted and verified again, and Open returns the same *Token as before. A good
	// number is the number of tokens in use at a time; with more tokens the least used ones
	// are dropped.
	//
	// It takes about 1700 bytes for a token and the length of its claims, which stay in
	// memory, decrypted, as long as the token is kept. A token is dropped when it comes
	// again and is expired or a key source gives another set, when the cache is full, and
	// some time after it has expired. The cache has no background goroutine: each insertion
	// also removes a few expired tokens.
	//
	// It does not change which tokens are accepted. A token is kept under the SHA-256 of
	// its whole text, after Check has passed. Each time it comes again,
	// the Opener checks its times, asks the key sources and calls Check. So a revocation
	// counts at once: the revocation of a token in Check, and the revocation of a key in its
	// source. A source that makes a new set for every call, where a ring has one until its
	// keys change, makes a cache useless.
	Cache int
}

// settings is the common form of the three configurations.
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

// New returns an Opener of nested tokens. It checks the configuration and returns a
// [*ConfigError], an [ErrConfig]. It does not ask the key sources yet; [Opener.Ready]
// does.
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

// newOpener makes the checks that all three kinds of Opener need. audienceField is the name
// of the field with the audiences, for errors.
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

// checkRequire refuses names that no token could have sealed.
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

// isNil reports whether v is nil or holds a nil pointer or function. A nil *Ring in a
// configuration would panic in the first request.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
