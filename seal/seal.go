package seal

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	// DefaultLifetime is how long a token lives when Config.Lifetime is zero.
	DefaultLifetime = 15 * time.Minute
	// DefaultType is the typ of the inner token when Config.Type is empty. It
	// makes the inner token useless to every verifier that checks typ.
	DefaultType = "sealed+jwt"
	// DefaultMaxSize is the longest token in bytes when Config.MaxSize is zero.
	DefaultMaxSize = 64 << 10
)

// Config says who issues tokens and who can read them.
type Config struct {
	// Issuer is the iss of every token, usually an https URL. Required.
	Issuer string

	// Lifetime is how long a token lives, in whole seconds; DefaultLifetime when
	// zero. Seal refuses one that is longer than the policy of the signing ring.
	Lifetime time.Duration

	// Signing holds the key that signs. Required.
	Signing keys.PrivateSource

	// Recipients are those who can read the token: exactly one.
	Recipients []Recipient

	// Type is the typ of the inner token; DefaultType when empty. Set it for
	// openers that know other types only, such as at+jwt or JWT; then the inner
	// token passes for a plain signed one wherever its audience fits.
	Type string

	// MaxSize is the longest token in bytes; DefaultMaxSize when zero. Openers
	// refuse what is longer than theirs.
	MaxSize int
}

// Recipient is somebody who can read the token.
type Recipient struct {
	// Audience is the recipient's name, the aud of the token. Required.
	Audience string

	// Keys are the recipient's public keys. The token is encrypted to the first
	// encryption key that is supported. Required.
	Keys keys.PublicSource

	// Content is how claims are encrypted; A256GCM when zero.
	Content keys.Content
}

// Sealer makes tokens. It is immutable and safe for concurrent use.
type Sealer struct {
	cfg       Config
	recipient Recipient
	now       func() time.Time
}

// New returns a Sealer. It checks the configuration and returns [ErrConfig] with
// what is wrong; it does not ask the key sources yet.
func New(cfg Config) (*Sealer, error) {
	if cfg.Lifetime == 0 {
		cfg.Lifetime = DefaultLifetime
	}
	if cfg.Type == "" {
		cfg.Type = DefaultType
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	if problem := cfg.problem(); problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrConfig, problem)
	}
	return &Sealer{cfg: cfg, recipient: cfg.Recipients[0], now: time.Now}, nil
}

func (c Config) problem() string {
	switch {
	case c.Issuer == "" || !utf8.ValidString(c.Issuer):
		return "Issuer is required: who issues the tokens, usually an https URL"
	case c.Signing == nil:
		return "Signing is required: a ring or a set with a signing key"
	case len(c.Recipients) != 1:
		return "a nested token has exactly one recipient"
	case c.Recipients[0].Audience == "" || !utf8.ValidString(c.Recipients[0].Audience):
		return "the recipient needs its Audience: without aud anybody's opener would take the token"
	case c.Recipients[0].Keys == nil:
		return "the recipient needs Keys: its public keys"
	case !c.Recipients[0].Content.Valid():
		return "the recipient's Content is not a known content encryption"
	case c.Lifetime < time.Second:
		return "Lifetime must be at least one second"
	case c.Lifetime%time.Second != 0:
		return "Lifetime must be whole seconds"
	case !strict.IsMediaType(c.Type):
		return "Type must be a media type, such as sealed+jwt"
	case c.MaxSize < 0:
		return "MaxSize must not be negative"
	}
	return ""
}

// Seal signs the claims and encrypts the signed token to the recipient, RFC 7519
// section 5.2. It adds iss, aud, iat, exp and, unless given, a random jti. The
// result is one compact JWE, in which nothing of the claims can be read, neither
// values nor names; its length tells about how long they are.
//
// It returns [ErrClaims], [ErrLifetime], [ErrTooLarge], [ErrSigning], keys.ErrNoKey
// when there is no key to sign with or to encrypt to, keys.ErrStale when the ring
// could not be reloaded for too long, and the errors of the key sources. There is
// no token with an error.
func (s *Sealer) Seal(ctx context.Context, c Claims) (string, error) {
	recipients, err := s.recipient.Keys.Public(ctx, "")
	if err != nil {
		return "", fmt.Errorf("seal: the recipient's keys: %w", err)
	}
	to, err := recipients.EncryptionKey()
	if err != nil {
		return "", fmt.Errorf("seal: the recipient's keys: %w", err)
	}
	set, err := s.cfg.Signing.Private(ctx)
	if err != nil {
		return "", fmt.Errorf("seal: the signing keys: %w", err)
	}
	from, err := set.SigningKey()
	if err != nil {
		return "", fmt.Errorf("seal: the signing keys: %w", err)
	}
	if most := set.MaxTokenLifetime(); most > 0 && s.cfg.Lifetime > most {
		return "", fmt.Errorf("%w: %v, and the ring allows %v (T): shorten it, or raise the ring's with sealjwt keys policy set",
			ErrLifetime, s.cfg.Lifetime, most)
	}
	payload, err := s.payload(c)
	if err != nil {
		return "", err
	}
	inner, err := sign(from, s.cfg.Type, payload)
	if err != nil {
		return "", err
	}
	token, err := encrypt(to, s.recipient.Content, inner)
	if err != nil {
		return "", err
	}
	if len(token) > s.cfg.MaxSize {
		return "", fmt.Errorf("%w: %d bytes, and at most %d are allowed; keep an id in the token and the rest in a database",
			ErrTooLarge, len(token), s.cfg.MaxSize)
	}
	return token, nil
}
