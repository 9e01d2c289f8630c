package open

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Form is how the claims of a token are sealed. It is never detected from the
// token.
type Form uint8

const (
	// Nested is a signed token that is encrypted as a whole.
	Nested Form = iota
	// Selective is a signed token with some claims in clear and the others
	// encrypted to those who may read them.
	Selective
)

const (
	// DefaultType is the typ of the token inside a nested one when Config.Type is
	// empty.
	DefaultType = "sealed+jwt"
	// DefaultSelectiveType is the typ of a selective token when Config.Type is
	// empty.
	DefaultSelectiveType = "JWT"
	// DefaultLeeway is the tolerance on times when Config.Leeway is zero.
	DefaultLeeway = 60 * time.Second
	// MaxLeeway is the largest tolerance that can be configured.
	MaxLeeway = 10 * time.Minute
	// DefaultMaxLifetime bounds exp - iat when Config.MaxLifetime is zero.
	DefaultMaxLifetime = time.Hour
	// DefaultMaxSize is the longest token in bytes when Config.MaxSize is zero.
	DefaultMaxSize = 64 << 10

	maxHeader = 4 << 10 // bytes, decoded
)

// Config says which tokens to accept. Its zero value accepts none: what is
// required has no default, and every default is the strict one.
type Config struct {
	// Audience is our own name: the token's aud must hold it, to the letter.
	// Required.
	Audience string

	// Trust are the issuers whose tokens we accept, each with its own keys, which
	// are never tried for another's token. Required.
	Trust []Issuer

	// Decryption holds our private keys. Required, unless VisibleOnly is set.
	Decryption keys.PrivateSource

	// Form is the form of the tokens; Nested when zero. Tokens of the other one are
	// refused.
	Form Form

	// VisibleOnly is for a gateway: it verifies selective tokens and reads what
	// everybody reads in them, and has no keys to read the rest.
	VisibleOnly bool

	// Require names claims that must be there, with another value than null, and
	// must have been sealed: one that stands in clear in a selective token does not
	// count. The text of a refusal holds the name.
	Require []string

	// Type is the typ of the signed token; when empty DefaultType in the nested
	// form and DefaultSelectiveType in the selective one.
	Type string

	// Leeway is the tolerance on exp, nbf and iat; DefaultLeeway when zero, at
	// most MaxLeeway.
	Leeway time.Duration

	// MaxLifetime bounds exp - iat, or exp - now in a token without iat;
	// DefaultMaxLifetime when zero.
	MaxLifetime time.Duration

	// MaxSize is the longest token in bytes; DefaultMaxSize when zero.
	MaxSize int

	// AllowMissingKeyID accepts a token that names no kid if exactly one key
	// fits, as OpenID Connect Core section 10.1 allows. What is sealed in a selective
	// token always needs one.
	AllowMissingKeyID bool

	// Check has the last word on a token that has passed all else: look it up
	// among the revoked ones, by Issuer and ID and never by the token's text. Its
	// error refuses the token.
	Check func(ctx context.Context, t *Token) error

	// Cache is how many tokens are kept after they were opened, at most; none when
	// zero. It is for a service to which the same token comes again and again: one that
	// is kept is not decrypted and verified again, and the *Token is the one that was
	// returned before, which nobody may overwrite. A good number is that of the tokens
	// in use at a time; with more the least used ones are dropped.
	//
	// It takes about 1700 bytes for a token and the length of its claims, which stay in
	// memory, decrypted, as long as the token is kept. That ends when it comes
	// again and is expired or a key source gives another set, when there is no room, and
	// some time after it has expired: there is no goroutine, so dead tokens go when
	// others come, a few for each.
	//
	// It changes nothing in what is accepted. A token is kept under the SHA-256 of its
	// whole text, after Check has passed. Each time its times are checked, the key
	// sources are asked and Check has the last word: a revocation counts at once, that of
	// a token in Check as well as that of a key. A source that makes a new set for every
	// call, where a ring has one until its keys change, makes a cache useless.
	Cache int
}

// Issuer is somebody whose tokens we accept.
type Issuer struct {
	// ID is the iss of the issuer's tokens, to the letter.
	ID string

	// Keys are the issuer's public keys.
	Keys keys.PublicSource
}

// New returns an Opener. It checks the configuration and returns [ErrConfig] with
// what is wrong; it does not ask the key sources yet.
func New(cfg Config) (*Opener, error) {
	if cfg.Type == "" {
		cfg.Type = DefaultType
		if cfg.Form == Selective {
			cfg.Type = DefaultSelectiveType
		}
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = DefaultLeeway
	}
	if cfg.MaxLifetime == 0 {
		cfg.MaxLifetime = DefaultMaxLifetime
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	cfg.Require = slices.Clone(cfg.Require)
	problem := cfg.problem()
	if problem == "" {
		problem = cfg.formProblem()
	}
	if problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrConfig, problem)
	}
	trust := make(map[string]Issuer, len(cfg.Trust))
	longest := 0
	for _, i := range cfg.Trust {
		if i.ID == "" || i.Keys == nil {
			return nil, fmt.Errorf("%w: every trusted issuer needs its ID and its Keys", ErrConfig)
		}
		if _, twice := trust[i.ID]; twice {
			return nil, fmt.Errorf("%w: the issuer %q stands twice in Trust", ErrConfig, i.ID)
		}
		trust[i.ID] = i
		longest = max(longest, len(`""`)+len(i.ID)*len(`\u0000`))
	}
	o := &Opener{
		cfg: cfg, trust: trust, audience: []string{cfg.Audience}, longestIssuer: longest, now: time.Now,
		scratch: &sync.Pool{New: func() any { return new(scratch) }},
		lists:   new(fieldLists),
	}
	if cfg.Cache > 0 {
		c := newCache(cfg.Cache)
		o.cache = func() cache { return c }
	}
	return o, nil
}

func (c Config) problem() string {
	switch {
	case c.Audience == "":
		return "Audience is required: without it we would take tokens that are meant for others"
	case len(c.Trust) == 0:
		return "Trust is required: the issuers whose tokens are accepted"
	case c.Decryption == nil && !c.VisibleOnly:
		return "Decryption is required: a ring or a set with our private keys"
	case !strict.IsMediaType(c.Type):
		return "Type must be a media type, such as sealed+jwt"
	case c.Leeway < 0 || c.Leeway > MaxLeeway:
		return fmt.Sprintf("Leeway must be between 0 and %v", MaxLeeway)
	case c.MaxLifetime < 0:
		return "MaxLifetime must not be negative"
	case c.MaxSize < 0:
		return "MaxSize must not be negative"
	case c.Cache < 0:
		return "Cache must not be negative"
	}
	return ""
}

// formProblem says what does not fit the form.
func (c Config) formProblem() string {
	switch {
	case c.Form != Nested && c.Form != Selective:
		return "Form is neither Nested nor Selective"
	case c.VisibleOnly && c.Form != Selective:
		return "VisibleOnly is for the selective form: in a nested token nothing is visible"
	case c.VisibleOnly && c.Decryption != nil:
		return "VisibleOnly is for those who have no Decryption keys"
	case c.VisibleOnly && len(c.Require) > 0:
		return "Require names sealed claims, which VisibleOnly does not read"
	}
	for _, name := range c.Require {
		if name == "" || name == "sealed" || c.Form == Selective && isAlwaysReadable(name) {
			return fmt.Sprintf("Require names %q, which is never sealed", name)
		}
		if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return fmt.Sprintf("Require names %q, which cannot stand in the text of a refusal", name)
		}
	}
	return ""
}
