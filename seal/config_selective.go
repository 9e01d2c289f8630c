package seal

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// DefaultSelectiveType is the typ of a selective token when SelectiveConfig.Type is
// empty: every gateway takes it.
const DefaultSelectiveType = "JWT"

// SelectiveConfig says who issues selective tokens, which claims stay readable, and which
// recipient can read which of the others. NewSelective copies it.
type SelectiveConfig struct {
	// Issuer is the iss of every token, usually an https URL. Required.
	Issuer string

	// Signing holds the key that signs. Required.
	Signing keys.PrivateSource

	// Recipients are the parties that can read sealed claims, at least one. Their
	// audiences are the token's aud.
	Recipients []SelectiveRecipient

	// Visible names the custom claims that stay in clear, for every holder of the token to
	// read. Every other claim is sealed: a name that is missing here shows no claim to a
	// stranger. _sd and ... cannot be visible, nor stand in a visible claim: readers of
	// SD-JWT take them for digests of claims (RFC 9901).
	Visible []string

	// Type is the typ of the token; DefaultSelectiveType when empty.
	Type string

	// AllowReadable is as in Config.
	AllowReadable []string

	// Limits bounds lifetime and length.
	Limits Limits
}

// SelectiveRecipient is a party that can read some sealed claims of a selective token.
type SelectiveRecipient struct {
	// Audience is the recipient's name, in the token's aud. Required. Recipients
	// may share one, as the services of one trust domain do.
	Audience string

	// Keys are the recipient's public keys. Its claims are encrypted to the first
	// encryption key that Suites allows. Required. That key must have a kid, by which the
	// recipient finds its JWE. No two recipients may have the same kid at a time.
	Keys keys.PublicSource

	// Suites are the algorithms that may be used for this recipient, in the order of
	// preference. They also decide the algorithm of a key without alg, as in Recipient.
	Suites []keys.Suite

	// Content is the content encryption for this recipient; A256GCM when zero.
	Content keys.Content

	// Reads names the claims that are sealed to this recipient. Each must be there in every
	// token: give a claim without a value as null. Nil means all claims that are not
	// visible, with a single recipient only. An empty list means none, for a party that the
	// token shall name as a recipient and that reads no sealed claim.
	Reads []string

	// ReadsAll lets this recipient, one of several, read all claims that are not visible.
	ReadsAll bool
}

// NewSelective returns a Sealer of selective tokens. It checks the configuration and
// returns a [*ConfigError], an [ErrConfig], or [ErrReadable] if it would leave personal
// data readable. It does not ask the key sources yet; [Sealer.Ready] does.
func NewSelective(cfg SelectiveConfig) (*Sealer, error) {
	if cfg.Type == "" {
		cfg.Type = DefaultSelectiveType
	}
	recipients := slices.Clone(cfg.Recipients)
	for i := range recipients {
		recipients[i].Reads = slices.Clone(recipients[i].Reads)
		recipients[i].Suites = slices.Clone(recipients[i].Suites)
	}
	c := settings{
		issuer: cfg.Issuer, signing: cfg.Signing, recipients: recipients, visible: slices.Clone(cfg.Visible),
		typ: cfg.Type, allowReadable: slices.Clone(cfg.AllowReadable), limits: cfg.Limits, selective: true,
	}
	if err := c.checkSelective(); err != nil {
		return nil, err
	}
	return newSealer(c)
}

// alwaysReadable are the claims that are never sealed in a selective token: every verifier
// needs them. cnf (RFC 7800) names the key of the token's rightful sender.
var alwaysReadable = append(slices.Clone(reserved), "cnf")

func isAlwaysReadable(name string) bool {
	return slices.ContainsFunc(alwaysReadable, func(r string) bool { return strings.EqualFold(name, r) })
}

func (c settings) checkSelective() error {
	if len(c.recipients) == 0 {
		return configError("Recipients", "is empty: a token without sealed claims is a plain JWT")
	}
	if len(c.recipients) > strict.MaxStrings {
		return configError("Recipients", "has %d members, and openers read at most %d", len(c.recipients), strict.MaxStrings)
	}
	if err := checkNames("Visible", c.visible); err != nil {
		return err
	}
	for _, name := range c.visible {
		switch {
		case name == "cnf":
		case strings.EqualFold(name, "cnf"):
			return configError("Visible", "names %q: write it cnf", name)
		case hasTwin(disclosures, name):
			return configError("Visible", "names %q, which SD-JWT takes for digests (RFC 9901): seal that claim, or rename it", name)
		case isAlwaysReadable(name):
			return configError("Visible", "names %q: the sealer writes it, in clear, into every token", name)
		}
	}
	for i, r := range c.recipients {
		field := fmt.Sprintf("Recipients[%d]", i)
		if err := (Recipient{r.Audience, r.Keys, r.Suites, r.Content}).check(field); err != nil {
			return err
		}
		if err := c.checkReads(field, r); err != nil {
			return err
		}
	}
	return nil
}

// checkReads checks the list Reads of a recipient.
func (c settings) checkReads(field string, r SelectiveRecipient) error {
	switch {
	case r.ReadsAll && r.Reads != nil:
		return configError(field, "(%q) has both ReadsAll and a list Reads", r.Audience)
	case r.Reads == nil && !r.ReadsAll && len(c.recipients) > 1:
		return configError(field, "(%q) is one of several: it needs its list Reads, or ReadsAll if it may read all sealed claims", r.Audience)
	}
	if err := checkNames(field+".Reads", r.Reads); err != nil {
		return err
	}
	for _, name := range r.Reads {
		switch {
		case isAlwaysReadable(name):
			return configError(field+".Reads", "names %q, which cannot be sealed in a selective token: every verifier needs it", name)
		case hasTwin(c.visible, name):
			return configError(field+".Reads", "names %q, which is Visible", name)
		}
	}
	return nil
}

// checkNames refuses names that no token could have.
func checkNames(field string, names []string) error {
	for i, name := range names {
		switch {
		case !utf8.ValidString(name) || len(name) > strict.MaxName:
			return configError(field, "has a name at %d that is not UTF-8, or longer than %d bytes", i, strict.MaxName)
		case hasTwin(names[:i], name):
			return configError(field, "names %q twice", name)
		}
	}
	return nil
}

// hasTwin reports whether a list has a name, in any case of letters: no token has two
// claims whose names differ in case alone.
func hasTwin(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// reads reports whether a claim that is not visible is sealed to r.
func (r SelectiveRecipient) reads(name string) bool {
	return r.Reads == nil || slices.Contains(r.Reads, name)
}
