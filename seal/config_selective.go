package seal

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// DefaultSelectiveType is the typ of a selective token when SelectiveConfig.Type is empty. It is
// the usual typ of a JWT, so gateways accept it.
const DefaultSelectiveType = "JWT"

// SelectiveConfig says who issues selective tokens, which claims stay readable for everyone, and
// which recipient can read which sealed claims. NewSelective copies it.
type SelectiveConfig struct {
	// Issuer is the iss of every token, usually an https URL. Required.
	Issuer string

	// Signing holds the key that signs. Required.
	Signing keys.PrivateSource

	// Recipients are the parties that can read sealed claims, at least one. Their
	// audiences are the token's aud.
	Recipients []SelectiveRecipient

	// Visible names the custom claims that stay in clear, for every holder of the token to
	// read. Every other custom claim is sealed, so a name that you forget here shows nothing to
	// a stranger. No visible claim may be called _sd or "...", nor have a member of that name
	// at any depth: readers of SD-JWT take such members for digests of claims (RFC 9901).
	Visible []string

	// Type is the typ of the token; DefaultSelectiveType when empty.
	Type string

	// AllowReadable names claims and header members that may stay readable though they look
	// like personal data, as Config.AllowReadable does.
	AllowReadable []string

	// Limits bounds lifetime and length.
	Limits Limits
}

// SelectiveRecipient is a party that can read some sealed claims of a selective token.
type SelectiveRecipient struct {
	// Audience is the recipient's name, in the token's aud. Required. Recipients
	// may share an audience, as the services of one trust domain do.
	Audience string

	// Keys are the recipient's public keys. Required. The claims that the recipient reads are
	// encrypted to the first encryption key that Suites allows. That key must have a kid, by
	// which the recipient finds its JWE. In one token no two recipients may have the same kid:
	// Seal returns ErrSameKey.
	Keys keys.PublicSource

	// Suites are the algorithms that may be used for this recipient, in the order of
	// preference. They also decide the algorithm of a key whose JWK has no alg, as
	// Recipient.Suites explains.
	Suites []keys.Suite

	// Content is the content encryption for this recipient; A256GCM when zero.
	Content keys.Content

	// Reads names the claims that are sealed to this recipient. The claims of every token must
	// have each of them: give a claim without a value as null. Nil means all claims that are
	// not visible; it is allowed only when there is a single recipient. An empty list means no
	// claim, for a party that the token must name as a recipient although it reads no sealed
	// claim.
	Reads []string

	// ReadsAll lets this recipient read all claims that are not visible, when there are several
	// recipients. Then Reads must be nil.
	ReadsAll bool
}

// NewSelective returns a Sealer of selective tokens. It returns a [*ConfigError], which is an
// [ErrConfig], for a configuration that cannot work, and [ErrReadable] for one that would leave
// personal data readable. NewSelective does not ask the key sources for keys yet; [Sealer.Ready]
// does.
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

// checkReads refuses a recipient with both a list Reads and ReadsAll, one of several recipients
// with neither, and a list with a name that is repeated or cannot be sealed.
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

// checkNames refuses a list of claim names with a name that no claim can have, or with one name
// twice.
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

// hasTwin reports whether names contains name, whatever the case of letters: no token may have
// two claims whose names differ in case alone.
func hasTwin(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// reads reports whether r may read a sealed claim of this name.
func (r SelectiveRecipient) reads(name string) bool {
	return r.Reads == nil || slices.Contains(r.Reads, name)
}
