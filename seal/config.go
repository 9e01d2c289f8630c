package seal

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	// DefaultLifetime is the lifetime of a token when Limits.Lifetime is zero.
	DefaultLifetime = 15 * time.Minute
	// DefaultType is the typ of the signed token inside a nested token when Config.Type is
	// empty. A recipient can take the signed token out and show it to others; this typ makes
	// every verifier that checks typ refuse it.
	DefaultType = "sealed+jwt"
	// DefaultMaxSize is the length in bytes of the longest token when Limits.MaxSize is zero.
	DefaultMaxSize = 64 << 10

	maxPad = 16 << 10 // the largest Limits.Pad, in bytes
)

// Config says who issues nested tokens, who can read them, and which claims stay
// readable. New copies it.
type Config struct {
	// Issuer is the iss of every token, usually an https URL. Required.
	Issuer string

	// Signing holds the key that signs. Required.
	Signing keys.PrivateSource

	// Recipient is the party that can read the token. Required.
	Recipient Recipient

	// Replicate names the claims to copy into the outer header: any of iss, sub and aud, no
	// others (RFC 7519 section 5.3). Routers read them there without a key, and so does every
	// stranger.
	Replicate []string

	// Type is the typ of the signed token; DefaultType when empty. Set it only for openers that
	// accept no token with DefaultType but one with another typ, such as at+jwt. The recipient can
	// take the signed token out of the JWE. With the typ JWT or at+jwt, verifiers in its audience
	// can then accept it as a plain signed token.
	Type string

	// AllowReadable names claims and header members that may stay readable though they look
	// like personal data: whole claims such as org, or single places such as
	// org.contact.email. A service whose subjects are numbers needs sub here: one in forty
	// numbers of 16 digits is a valid payment card number.
	AllowReadable []string

	// Limits bounds lifetime and length.
	Limits Limits
}

// Limits holds the times and sizes of tokens.
type Limits struct {
	// Lifetime is the time from iat to exp of a token, in whole seconds; DefaultLifetime when
	// zero. Seal refuses a lifetime that is longer than the policy of the signing ring allows.
	Lifetime time.Duration

	// Pad rounds the length of the claims' JSON text up to a multiple of Pad bytes. Seal adds
	// spaces inside the JSON text, so every implementation still opens the token. In the
	// selective form Seal pads the claims of each recipient by themselves. Without padding a
	// token's length tells the length of the claims, to the byte: an observer learns which of a
	// few diagnoses a token holds, or whether there is a second name. Pad 256 hides most such
	// differences; a Pad longer than the claims of every token hides them all. At most 16384;
	// zero means no padding.
	Pad int

	// MaxSize is the length in bytes of the longest token that Seal makes; DefaultMaxSize when
	// zero. Each opener also has a limit of its own, and refuses longer tokens.
	MaxSize int
}

// settings is the common form of a Config and a SelectiveConfig.
type settings struct {
	issuer        string
	signing       keys.PrivateSource
	recipients    []SelectiveRecipient // exactly one for the nested form
	visible       []string             // selective form
	replicate     []string             // nested form
	typ           string
	allowReadable []string
	limits        Limits
	selective     bool
}

// New returns a Sealer of nested tokens. It returns a [*ConfigError], which is an [ErrConfig], for
// a configuration that cannot work, and [ErrReadable] for one that would leave personal data
// readable. New does not ask the key sources for keys yet; [Sealer.Ready] does.
func New(cfg Config) (*Sealer, error) {
	if cfg.Type == "" {
		cfg.Type = DefaultType
	}
	r := cfg.Recipient
	if err := r.check("Recipient"); err != nil {
		return nil, err
	}
	for i, name := range cfg.Replicate {
		if name != "iss" && name != "sub" && name != "aud" {
			return nil, configError("Replicate", "names %q, which cannot be replicated: only iss, sub and aud can", name)
		}
		if slices.Contains(cfg.Replicate[:i], name) {
			return nil, configError("Replicate", "names %q twice", name)
		}
	}
	return newSealer(settings{
		issuer: cfg.Issuer, signing: cfg.Signing, typ: cfg.Type, limits: cfg.Limits,
		recipients: []SelectiveRecipient{{Audience: r.Audience, Keys: r.Keys, Suites: slices.Clone(r.Suites), Content: r.Content, ReadsAll: true}},
		replicate:  slices.Clone(cfg.Replicate), allowReadable: slices.Clone(cfg.AllowReadable),
	})
}

func newSealer(cfg settings) (*Sealer, error) {
	if cfg.limits.Lifetime == 0 {
		cfg.limits.Lifetime = DefaultLifetime
	}
	if cfg.limits.MaxSize == 0 {
		cfg.limits.MaxSize = DefaultMaxSize
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Sealer{cfg: cfg, audience: cfg.audience(), now: time.Now}
	s.registered = newRegisteredClaims(cfg.issuer, s.audience)
	s.scratch = &sync.Pool{New: func() any { return newScratch() }}
	if err := s.guardConfig(); err != nil {
		return nil, err
	}
	return s, nil
}

// check makes the checks that the nested and the selective form have in common.
func (c settings) check() error {
	switch l := c.limits; {
	case c.issuer == "" || !utf8.ValidString(c.issuer):
		return configError("Issuer", "is required: who issues the tokens, usually an https URL")
	case isNil(c.signing):
		return configError("Signing", "is required: a ring or a set with a signing key")
	case !strict.IsMediaType(c.typ):
		return configError("Type", "must be a media type, such as sealed+jwt")
	case l.Lifetime < time.Second:
		return configError("Limits.Lifetime", "must be at least one second")
	case l.Lifetime%time.Second != 0:
		return configError("Limits.Lifetime", "must be whole seconds")
	case l.Pad < 0 || l.Pad > maxPad:
		return configError("Limits.Pad", "must be between 0 and %d bytes", maxPad)
	case l.MaxSize < 0:
		return configError("Limits.MaxSize", "must not be negative")
	case l.Pad > l.MaxSize:
		return configError("Limits.Pad", "is more than Limits.MaxSize, so no token would fit")
	}
	return nil
}

// audience returns the aud: the audiences of all recipients. An audience that several recipients
// share is in it once.
func (c settings) audience() []string {
	var all []string
	for _, r := range c.recipients {
		if !slices.Contains(all, r.Audience) {
			all = append(all, r.Audience)
		}
	}
	return all
}

func configError(field, problem string, args ...any) error {
	return &ConfigError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// isNil reports whether v is nil or holds a nil pointer or function. Without this check a
// configuration with a nil *Ring would pass, and the first request would panic.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
