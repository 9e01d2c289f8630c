package open

import (
	"context"
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	// DefaultType is the typ of the inner token when Config.Type is empty.
	DefaultType = "sealed+jwt"
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

	// Decryption holds our private keys. Required.
	Decryption keys.PrivateSource

	// Type is the typ of the inner token; DefaultType when empty.
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
	// fits, as OpenID Connect Core section 10.1 allows.
	AllowMissingKeyID bool

	// Check has the last word on a token that has passed all else: look it up
	// among the revoked ones, by Issuer and ID and never by the token's text. Its
	// error refuses the token.
	Check func(ctx context.Context, t *Token) error
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
	if problem := cfg.problem(); problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrConfig, problem)
	}
	trust := make(map[string]keys.PublicSource, len(cfg.Trust))
	for _, i := range cfg.Trust {
		if i.ID == "" || i.Keys == nil {
			return nil, fmt.Errorf("%w: every trusted issuer needs its ID and its Keys", ErrConfig)
		}
		if _, twice := trust[i.ID]; twice {
			return nil, fmt.Errorf("%w: the issuer %q stands twice in Trust", ErrConfig, i.ID)
		}
		trust[i.ID] = i.Keys
	}
	return &Opener{cfg: cfg, trust: trust, now: time.Now}, nil
}

func (c Config) problem() string {
	switch {
	case c.Audience == "":
		return "Audience is required: without it we would take tokens that are meant for others"
	case len(c.Trust) == 0:
		return "Trust is required: the issuers whose tokens are accepted"
	case c.Decryption == nil:
		return "Decryption is required: a ring or a set with our private keys"
	case !strict.IsMediaType(c.Type):
		return "Type must be a media type, such as sealed+jwt"
	case c.Leeway < 0 || c.Leeway > MaxLeeway:
		return fmt.Sprintf("Leeway must be between 0 and %v", MaxLeeway)
	case c.MaxLifetime < 0:
		return "MaxLifetime must not be negative"
	case c.MaxSize < 0:
		return "MaxSize must not be negative"
	}
	return ""
}
