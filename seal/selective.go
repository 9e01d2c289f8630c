package seal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// alwaysReadable are the claims that are never sealed in a selective token: whoever
// verifies it needs them. cnf (RFC 7800) says whose token it is.
var alwaysReadable = append(slices.Clone(reserved), "cnf")

func isAlwaysReadable(name string) bool {
	return slices.ContainsFunc(alwaysReadable, func(r string) bool { return strings.EqualFold(name, r) })
}

func (c Config) selectiveProblem() string {
	if len(c.Recipients) == 0 {
		return "a selective token has at least one recipient; a token without sealed claims is a plain JWT"
	}
	if len(c.Recipients) > strict.MaxStrings {
		return fmt.Sprintf("openers read at most %d recipients", strict.MaxStrings)
	}
	if len(c.Replicate) > 0 {
		return "Replicate is for the nested form: in a selective token the registered claims are readable anyway"
	}
	if problem := namesProblem("Visible", c.Visible); problem != "" {
		return problem
	}
	for _, name := range c.Visible {
		switch {
		case name == "cnf":
		case strings.EqualFold(name, "cnf"):
			return fmt.Sprintf("%q cannot stand in Visible: write it cnf", name)
		case isAlwaysReadable(name):
			return fmt.Sprintf("%q cannot stand in Visible: the sealer writes it, in clear, into every token", name)
		}
	}
	for i, r := range c.Recipients {
		if problem := c.assignmentProblem(r); problem != "" {
			return fmt.Sprintf("recipient %d (%q): %s", i+1, r.Audience, problem)
		}
	}
	return ""
}

// assignmentProblem says what is wrong with the claims that a recipient is to read.
func (c Config) assignmentProblem(r Recipient) string {
	switch {
	case r.AllSealed && r.Claims != nil:
		return "it has both AllSealed and a list of Claims"
	case r.Claims == nil && !r.AllSealed && len(c.Recipients) > 1:
		return "one of several needs its list of Claims, or AllSealed if it may read all that is sealed"
	}
	if problem := namesProblem("Claims", r.Claims); problem != "" {
		return problem
	}
	for _, name := range r.Claims {
		switch {
		case isAlwaysReadable(name):
			return fmt.Sprintf("%q cannot be sealed in a selective token: whoever verifies it needs it", name)
		case hasTwin(c.Visible, name):
			return fmt.Sprintf("%q is both Visible and sealed", name)
		}
	}
	return ""
}

// namesProblem says why no token could have claims of these names.
func namesProblem(list string, names []string) string {
	for i, name := range names {
		switch {
		case !utf8.ValidString(name) || len(name) > strict.MaxName:
			return fmt.Sprintf("the name at %d in %s is not UTF-8, or longer than %d bytes", i, list, strict.MaxName)
		case hasTwin(names[:i], name):
			return fmt.Sprintf("%q stands twice in %s", name, list)
		}
	}
	return ""
}

// hasTwin reports whether a name stands in a list, in whatever letters: no token has
// two claims whose names differ in those alone.
func hasTwin(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// reads reports whether a claim that is not visible is sealed to r.
func (r Recipient) reads(name string) bool { return r.Claims == nil || slices.Contains(r.Claims, name) }

// visible are the custom claims that are left in clear, as one JSON object.
func (s *Sealer) visible(custom strict.Object) []byte {
	object := []byte("{")
	for name, value := range custom.All() {
		if slices.Contains(s.cfg.Visible, name) {
			object = strict.AppendMember(object, name, value)
		}
	}
	return append(object, '}')
}

// appendSealedTo appends the claims that a recipient may read, as one JSON object.
func (s *Sealer) appendSealedTo(object []byte, i int, set claimsSet) ([]byte, error) {
	r := s.cfg.Recipients[i]
	object = append(object, '{')
	for name, value := range set.custom.All() {
		if !slices.Contains(s.cfg.Visible, name) && r.reads(name) {
			object = strict.AppendMember(object, name, value)
		}
	}
	for _, name := range r.Claims {
		// A name that is misspelled here would leave its recipient without the claim.
		if _, ok := set.custom.Raw(name); !ok {
			return nil, fmt.Errorf("%w: %q is to be sealed to recipient %d (%q) and is not there: correct the list, or give the claim as null",
				ErrClaims, name, i+1, r.Audience)
		}
	}
	return append(object, '}'), nil
}

// checkAssigned refuses a claim that nobody could read, and one that must not be
// sealed.
func (s *Sealer) checkAssigned(set claimsSet) error {
	for name := range set.custom.All() {
		switch {
		case slices.Contains(s.cfg.Visible, name):
		case isAlwaysReadable(name):
			return fmt.Errorf("%w: %s cannot be sealed in a selective token: name it in Visible", ErrClaims, printable(name))
		case !slices.ContainsFunc(s.cfg.Recipients, func(r Recipient) bool { return r.reads(name) }):
			return fmt.Errorf("%w: %s is neither visible nor sealed to anybody: name it in Visible, or in the Claims of a recipient",
				ErrClaims, printable(name))
		}
	}
	return nil
}

// selective encrypts what is not visible, one JWE for each recipient, and signs
// the whole. Every JWE is bound to this token by iss and jti in its header, which
// its encryption authenticates.
func (s *Sealer) selective(ctx context.Context, m *scratch, set claimsSet, from *keys.Key) (err error) {
	if err := s.checkAssigned(set); err != nil {
		return err
	}
	h := protectedHeader{cty: "sealed-claims+json", iss: s.cfg.Issuer, jti: set.id}
	for i, r := range s.cfg.Recipients {
		m.payload = slices.Grow(m.payload[:0], m.claims.Len()+s.cfg.Pad) // no recipient reads more than all claims
		if m.payload, err = s.appendSealedTo(m.payload, i, set); err != nil {
			return err
		}
		m.payload = pad(m.payload, s.cfg.Pad)
		m.signed = append(m.signed, separator(i), '"')
		if m.signed, err = m.appendEncrypted(m.signed, m.to[i], r.Content, h, m.payload); err != nil {
			return err
		}
		m.signed = append(m.signed, '"')
		// Recipients multiply the claims: before the next one costs as much again.
		if size := set.headSize + len(set.visible) + len(m.signed); size > s.cfg.MaxSize {
			return fmt.Errorf("%w: the first %d of %d recipients need %d bytes, and at most %d are allowed",
				ErrTooLarge, i+1, len(m.to), size, s.cfg.MaxSize)
		}
	}
	m.signed = append(m.signed, ']')
	payload := slices.Grow(m.payload[:0], set.headSize+len(set.visible)+len(`,"sealed":,`)+len(m.signed))
	payload = append(payload, m.claims.Bytes()[:set.headSize]...)
	payload = closed(append(payload, set.visible...), set.headSize)
	m.payload = append(strict.AppendMember(payload[:len(payload)-1], "sealed", m.signed), '}')
	if _, err := strict.ParseObject(m.payload); err != nil {
		return fmt.Errorf("%w: too many claims and recipients", ErrClaims)
	}
	m.out, err = m.appendSigned(ctx, m.out, from, s.cfg.Type, m.payload)
	return err
}

// separator stands before the i-th element of an array.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}
