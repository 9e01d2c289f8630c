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
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	// DefaultType is the typ of the token inside a nested one when Config.Type is
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

	maxHeader = 4 << 10 // bytes, decoded
)

// Config says which nested tokens to accept. Its zero value accepts none: a required
// field has no default, and every default is the strict one. New copies it.
type Config struct {
	// Audience is our own name: the token's aud must hold it, to the letter.
	// Required.
	Audience string

	// Trust are the issuers whose tokens we accept, each with its own keys, which
	// are never tried for another issuer's token. Required.
	Trust []Issuer

	// Decryption holds our private keys. Required.
	Decryption keys.PrivateSource

	// Require names claims that must be there, with another value than null, and
	// must have been sealed. The text of a refusal holds the name.
	Require []string

	// Type is the typ of the signed token; DefaultType when empty.
	Type string

	// AllowMissingKeyID accepts a token that names no kid if exactly one key
	// fits, as OpenID Connect Core section 10.1 allows.
	AllowMissingKeyID bool

	// Check has the last word on a token that has passed all else: look it up
	// among the revoked ones, by Issuer and ID and never by the token's text. Its
	// error refuses the token.
	Check func(ctx context.Context, t *Token) error

	// Limits bounds times, sizes and the cache.
	Limits Limits
}

// Issuer is a party whose tokens we accept.
type Issuer struct {
	// ID is the iss of the issuer's tokens, to the letter.
	ID string

	// Keys are the issuer's public keys.
	Keys keys.PublicSource
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

	// Cache is how many tokens are kept after they were opened, at most; none when
	// zero. It is for a service to which the same token comes again and again: one that
	// is kept is not decrypted and verified again, and the *Token is the one that was
	// returned before. A good number is the number of tokens in use at a time; with more
	// the least used ones are dropped.
	//
	// It takes about 1700 bytes for a token and the length of its claims, which stay in
	// memory, decrypted, as long as the token is kept. A token is dropped when it comes
	// again and is expired or a key source gives another set, when there is no room, and
	// some time after it has expired. There is no background goroutine: each insertion
	// also removes a few expired tokens.
	//
	// It changes nothing in what is accepted. A token is kept under the SHA-256 of its
	// whole text, after Check has passed. Each time its times are checked, the key
	// sources are asked and Check has the last word, so a revocation counts at once: of
	// a token in Check, and of a key in its source. A source that makes a new set for
	// every call, where a ring has one until its keys change, makes a cache useless.
	Cache int
}

// settings is what the three constructors make of their configurations.
type settings struct {
	audiences         []string
	trust             []Issuer
	decryption        keys.PrivateSource // nil for a gateway
	require           []string
	typ               string
	allowMissingKeyID bool
	check             func(ctx context.Context, t *Token) error
	limits            Limits
	selective         bool
}

// New returns an Opener of nested tokens. It checks the configuration and returns a
// [*ConfigError], an [ErrConfig]. It does not ask the key sources yet; [Opener.Ready]
// does.
func New(cfg Config) (*Opener, error) {
	if cfg.Type == "" {
		cfg.Type = DefaultType
	}
	if isNil(cfg.Decryption) {
		return nil, configError("Decryption", "is required: a ring or a set with our private keys")
	}
	if err := checkRequire(cfg.Require, false); err != nil {
		return nil, err
	}
	return newOpener("Audience", settings{
		audiences: []string{cfg.Audience}, trust: cfg.Trust, decryption: cfg.Decryption, require: cfg.Require, typ: cfg.Type,
		allowMissingKeyID: cfg.AllowMissingKeyID, check: cfg.Check, limits: cfg.Limits,
	})
}

// newOpener checks what all three kinds have. The audiences stand in the named field.
func newOpener(audienceField string, cfg settings) (*Opener, error) {
	cfg.require, cfg.trust, cfg.audiences = slices.Clone(cfg.require), slices.Clone(cfg.trust), slices.Clone(cfg.audiences)
	if err := cfg.limits.setDefaults(); err != nil {
		return nil, err
	}
	if len(cfg.audiences) == 0 || slices.Contains(cfg.audiences, "") {
		return nil, configError(audienceField, "is required: without it we would take tokens that are meant for others")
	}
	if !strict.IsMediaType(cfg.typ) {
		return nil, configError("Type", "must be a media type, such as sealed+jwt")
	}
	trust, longest, err := trustOf(cfg.trust)
	if err != nil {
		return nil, err
	}
	o := &Opener{
		cfg: cfg, trust: trust, longestIssuer: longest, now: time.Now,
		scratch: &sync.Pool{New: func() any { return new(scratch) }},
		lists:   new(fieldLists),
	}
	if cfg.limits.Cache > 0 {
		c := newCache(cfg.limits.Cache)
		o.cache = func() cache { return c }
	}
	return o, nil
}

// trustOf returns the issuers by their ID, and the length of the longest iss in JSON.
func trustOf(issuers []Issuer) (trust map[string]Issuer, longest int, err error) {
	if len(issuers) == 0 {
		return nil, 0, configError("Trust", "is required: the issuers whose tokens are accepted")
	}
	trust = make(map[string]Issuer, len(issuers))
	for i, issuer := range issuers {
		field := fmt.Sprintf("Trust[%d]", i)
		if issuer.ID == "" {
			return nil, 0, configError(field+".ID", "is required: the iss of the issuer's tokens")
		}
		if isNil(issuer.Keys) {
			return nil, 0, configError(field+".Keys", "is required: the issuer's public keys")
		}
		if _, twice := trust[issuer.ID]; twice {
			return nil, 0, configError(field+".ID", "is %q, which stands in Trust already", issuer.ID)
		}
		trust[issuer.ID] = issuer
		longest = max(longest, len(`""`)+len(issuer.ID)*len(`\u0000`))
	}
	return trust, longest, nil
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
	switch {
	case l.Leeway < 0 || l.Leeway > MaxLeeway:
		return configError("Limits.Leeway", "must be between 0 and %v", MaxLeeway)
	case l.MaxLifetime < 0:
		return configError("Limits.MaxLifetime", "must not be negative")
	case l.MaxSize < 0:
		return configError("Limits.MaxSize", "must not be negative")
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
