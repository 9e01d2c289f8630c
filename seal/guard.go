package seal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// exposedText is a text that stands in clear in a token and that came from the caller, with the
// name that AllowReadable knows it by. Random text of the sealer, such as a jti that it made
// itself, cannot be personal data.
type exposedText struct{ name, value string }

// guardConfig checks the texts of the configuration that a stranger reads in every token.
func (s *Sealer) guardConfig() error {
	for i, name := range s.cfg.visible {
		if kind, personal := pii.InText(name); personal {
			return adviseError(ErrReadable, fmt.Sprintf("the name at %d in ", i), "Visible", fmt.Sprintf(" is personal data itself (%s)", kind))
		}
		if kind, personal := pii.InName(name); personal && !s.allows(name) {
			return adviseError(ErrReadable, "", "Visible", fmt.Sprintf(" names %q (%s): seal it, or name it in ", name, kind), "AllowReadable", " too")
		}
	}
	var always []exposedText
	if s.cfg.selective {
		always = append(always, exposedText{"typ", s.cfg.typ})
	}
	if s.shows("iss") {
		always = append(always, exposedText{"iss", s.cfg.issuer})
	}
	if s.shows("aud") {
		for _, a := range s.audience {
			always = append(always, exposedText{"aud", a})
		}
	}
	return s.check(always...)
}

// guard checks the texts that a stranger could read in this token, before the token is made.
func (s *Sealer) guard(c Claims, set claimsSet, from *keys.Key, to []*keys.Key) error {
	if s.cfg.selective {
		if err := s.checkVisible(set.visible); err != nil {
			return err
		}
		if err := s.check(exposedText{"jti", c.ID}, exposedText{"sid", c.Session.ID}); err != nil {
			return err
		}
	}
	if s.shows("sub") {
		if err := s.check(exposedText{"sub", c.Subject}); err != nil {
			return err
		}
	}
	return s.checkKids(from, to)
}

// checkKids checks the kids that a stranger reads: the kid of each recipient's key, and in the
// selective form the kid of the signing key, which a nested token hides.
func (s *Sealer) checkKids(from *keys.Key, to []*keys.Key) error {
	for _, k := range to {
		if err := s.check(exposedText{"kid", k.ID()}); err != nil {
			return err
		}
	}
	if s.cfg.selective {
		return s.check(exposedText{"kid", from.ID()})
	}
	return nil
}

// shows reports whether a stranger can read a registered claim in the token.
func (s *Sealer) shows(name string) bool {
	return s.cfg.selective || slices.Contains(s.cfg.replicate, name)
}

func (s *Sealer) allows(name string) bool { return slices.Contains(s.cfg.allowReadable, name) }

func (s *Sealer) check(texts ...exposedText) error {
	for _, t := range texts {
		if kind, personal := pii.InValue(t.value); personal && !s.allows(t.name) {
			return adviseError(ErrReadable, fmt.Sprintf("%s looks like personal data (%s): use another value, or name it in ", t.name, kind), "AllowReadable")
		}
	}
	return nil
}

func (s *Sealer) checkVisible(claims []byte) error {
	o, err := strict.ParseClaims(claims)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrClaims, err)
	}
	for name, value := range o.All() {
		if holdsDisclosure(value) {
			return fmt.Errorf("%w: the claim %s is visible and has _sd or ... in it, which SD-JWT takes for digests: seal it, or rename them",
				ErrClaims, printable(name))
		}
	}
	for _, f := range pii.InObject(o) {
		if s.allows(f.Claim) || s.allows(f.Path) {
			continue
		}
		return adviseError(ErrReadable, fmt.Sprintf("the claim %s (%s) is visible: seal it, or name %s in ", f.Path, f.Kind, allowable(f)), "AllowReadable")
	}
	return nil
}

// allowable returns the narrowest name under which AllowReadable can allow a finding. It is
// the place of the finding, unless the place holds a name that is personal data itself.
func allowable(f pii.Finding) string {
	if strings.Contains(f.Path, pii.RedactedName) {
		return f.Claim
	}
	return f.Path
}

// printable quotes a claim's name for an error, and hides a name that is itself personal
// data. Names come from the caller's data: a map may be keyed by e-mail addresses.
func printable(name string) string {
	if _, personal := pii.InText(name); personal {
		return pii.RedactedName
	}
	return strconv.Quote(name)
}
