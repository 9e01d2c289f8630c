package seal

import (
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Form is how claims are sealed into a token.
type Form uint8

const (
	// Nested encrypts the whole signed token to one recipient.
	Nested Form = iota
	// Selective leaves a signed token that anybody can verify and route, with the
	// visible claims in clear and all others encrypted to those who may read them.
	Selective
)

const (
	// DefaultLifetime is how long a token lives when Config.Lifetime is zero.
	DefaultLifetime = 15 * time.Minute
	// DefaultType is the typ of the token inside a nested one when Config.Type is
	// empty. It makes that token useless to every verifier that checks typ.
	DefaultType = "sealed+jwt"
	// DefaultSelectiveType is the typ of a selective token when Config.Type is
	// empty: every gateway takes it.
	DefaultSelectiveType = "JWT"
	// DefaultMaxSize is the longest token in bytes when Config.MaxSize is zero.
	DefaultMaxSize = 64 << 10

	maxPad = 16 << 10 // bytes
)

// Config says who issues tokens, who can read them, and what is left readable. It
// is copied by New.
type Config struct {
	// Issuer is the iss of every token, usually an https URL. Required.
	Issuer string

	// Form is how claims are sealed; Nested when zero.
	Form Form

	// Lifetime is how long a token lives, in whole seconds; DefaultLifetime when
	// zero. Seal refuses one that is longer than the policy of the signing ring.
	Lifetime time.Duration

	// Signing holds the key that signs. Required.
	Signing keys.PrivateSource

	// Recipients are those who can read what is sealed: exactly one of a nested
	// token, at least one of a selective one. Their audiences are the token's aud.
	Recipients []Recipient

	// Visible names the custom claims of a selective token that are left in clear,
	// for everybody to read. Every other one is sealed; a claim that this list
	// lacks is not shown by mistake.
	Visible []string

	// Replicate copies claims of a nested token into its outer header, where
	// routers read them without a key, and so does everybody else: iss, sub and
	// aud, no others (RFC 7519 section 5.3).
	Replicate []string

	// Type is the typ of the signed token; when empty DefaultType in the nested
	// form and DefaultSelectiveType in the selective one. Set it for openers that
	// know other types only, such as at+jwt. A nested token whose typ is JWT or
	// at+jwt passes for a plain signed one wherever its audience fits, once its
	// recipient has lifted it out.
	Type string

	// Pad rounds the claims' JSON text up to a multiple of so many bytes, with
	// spaces inside the text, so that every implementation still opens the token.
	// In the selective form that is done for each recipient, and counts for each.
	// Without it a token's
	// length tells that of the claims, to the byte: which of a few diagnoses
	// stands in it, whether there is a second name. 256 hides most of that; one
	// longer than all claims that occur hides it entirely. At most 16384; none
	// when zero.
	Pad int

	// AllowReadable names claims and header members that may stay readable though
	// they look like personal data, whole ones such as org or single places such as
	// org.contact.email. A service whose subjects are numbers needs sub here: of
	// numbers with 16 digits one in forty is a valid payment card's.
	AllowReadable []string

	// MaxSize is the longest token in bytes; DefaultMaxSize when zero. Openers
	// refuse what is longer than theirs.
	MaxSize int
}

// Recipient is somebody who can read what is sealed.
type Recipient struct {
	// Audience is the recipient's name, in the token's aud. Required. Recipients
	// may share one, as the services of one trust domain do.
	Audience string

	// Keys are the recipient's public keys. What is sealed is encrypted to the
	// first encryption key that is supported. Required. No two recipients may have
	// the same kid at a time.
	Keys keys.PublicSource

	// Content is how claims are encrypted; A256GCM when zero.
	Content keys.Content

	// Claims names the claims of a selective token that are sealed to this
	// recipient. Each must be there in every token: give one that has no value as
	// null. Nil means all that are not visible, with a single recipient only; an
	// empty list none, for those who shall be seen to be recipients and no more.
	Claims []string

	// AllSealed seals to this recipient, one of several, all that is not visible.
	AllSealed bool
}

// New returns a Sealer. It checks the configuration and returns [ErrConfig] with
// what is wrong, or [ErrReadable] if it would leave personal data readable; it does
// not ask the key sources yet.
func New(cfg Config) (*Sealer, error) {
	if cfg.Lifetime == 0 {
		cfg.Lifetime = DefaultLifetime
	}
	if cfg.Type == "" {
		cfg.Type = DefaultType
		if cfg.Form == Selective {
			cfg.Type = DefaultSelectiveType
		}
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	cfg.Recipients = slices.Clone(cfg.Recipients)
	for i := range cfg.Recipients {
		cfg.Recipients[i].Claims = slices.Clone(cfg.Recipients[i].Claims)
	}
	for _, list := range []*[]string{&cfg.Visible, &cfg.Replicate, &cfg.AllowReadable} {
		*list = slices.Clone(*list)
	}
	problem := cfg.problem()
	if problem == "" {
		problem = cfg.formProblem()
	}
	if problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrConfig, problem)
	}
	s := &Sealer{cfg: cfg, audience: cfg.audience(), now: time.Now}
	s.head = newHead(cfg.Issuer, s.audience)
	s.scratch = &sync.Pool{New: func() any { return newScratch() }}
	if err := s.guardConfig(); err != nil {
		return nil, err
	}
	return s, nil
}

func (c Config) problem() string {
	switch {
	case c.Issuer == "" || !utf8.ValidString(c.Issuer):
		return "Issuer is required: who issues the tokens, usually an https URL"
	case c.Signing == nil:
		return "Signing is required: a ring or a set with a signing key"
	case c.Lifetime < time.Second:
		return "Lifetime must be at least one second"
	case c.Lifetime%time.Second != 0:
		return "Lifetime must be whole seconds"
	case !strict.IsMediaType(c.Type):
		return "Type must be a media type, such as sealed+jwt"
	case c.Pad < 0 || c.Pad > maxPad:
		return fmt.Sprintf("Pad must be between 0 and %d bytes", maxPad)
	case c.MaxSize < 0:
		return "MaxSize must not be negative"
	case c.Pad > c.MaxSize:
		return "Pad is more than MaxSize, so no token would fit"
	}
	for _, r := range c.Recipients {
		switch {
		case r.Audience == "" || !utf8.ValidString(r.Audience):
			return "the recipient needs its Audience: without aud anybody's opener would take the token"
		case r.Keys == nil:
			return "the recipient needs Keys: its public keys"
		case !r.Content.Valid():
			return "the recipient's Content is not a known content encryption"
		}
	}
	return ""
}

// formProblem says what does not fit the form.
func (c Config) formProblem() string {
	switch c.Form {
	case Nested:
		return c.nestedProblem()
	case Selective:
		return c.selectiveProblem()
	}
	return "Form is neither Nested nor Selective"
}

func (c Config) nestedProblem() string {
	switch {
	case len(c.Recipients) != 1:
		return "a nested token has exactly one recipient; several are for the selective form"
	case len(c.Visible) > 0:
		return "Visible is for the selective form: in a nested token no claim is visible, unless Replicate copies it"
	case c.Recipients[0].Claims != nil || c.Recipients[0].AllSealed:
		return "Claims and AllSealed are for the selective form: the recipient of a nested token reads all claims"
	}
	for i, name := range c.Replicate {
		if name != "iss" && name != "sub" && name != "aud" {
			return fmt.Sprintf("%q cannot be replicated: only iss, sub and aud can", name)
		}
		if slices.Contains(c.Replicate[:i], name) {
			return fmt.Sprintf("%q stands twice in Replicate", name)
		}
	}
	return ""
}

// audience is the aud: each recipient's, once.
func (c Config) audience() []string {
	var all []string
	for _, r := range c.Recipients {
		if !slices.Contains(all, r.Audience) {
			all = append(all, r.Audience)
		}
	}
	return all
}
