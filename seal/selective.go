package seal

import (
	"fmt"
	"slices"
	"strings"

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
	if len(c.Replicate) > 0 {
		return "Replicate is for the nested form: in a selective token the registered claims are readable anyway"
	}
	for i, name := range c.Visible {
		switch {
		case name != "cnf" && isAlwaysReadable(name):
			return fmt.Sprintf("%q cannot stand in Visible: it is written by the sealer, and readable", name)
		case slices.Contains(c.Visible[:i], name):
			return fmt.Sprintf("%q stands twice in Visible", name)
		}
	}
	for _, r := range c.Recipients {
		if problem := c.assignmentProblem(r); problem != "" {
			return problem
		}
	}
	return ""
}

// assignmentProblem says what is wrong with the claims that a recipient is to read.
func (c Config) assignmentProblem(r Recipient) string {
	switch {
	case r.AllSealed && r.Claims != nil:
		return fmt.Sprintf("%q has both AllSealed and a list of Claims", r.Audience)
	case r.Claims == nil && !r.AllSealed && len(c.Recipients) > 1:
		return fmt.Sprintf("one of several recipients, %q, needs its list of Claims, or AllSealed if it may read all that is sealed", r.Audience)
	}
	for i, name := range r.Claims {
		switch {
		case isAlwaysReadable(name):
			return fmt.Sprintf("%q cannot be sealed in a selective token: whoever verifies it needs it", name)
		case slices.Contains(c.Visible, name):
			return fmt.Sprintf("%q is both Visible and sealed to %q", name, r.Audience)
		case slices.Contains(r.Claims[:i], name):
			return fmt.Sprintf("%q stands twice in the Claims of %q", name, r.Audience)
		}
	}
	return ""
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

// sealedTo are the claims that a recipient may read, as one JSON object.
func (s *Sealer) sealedTo(r Recipient, set claimsSet) ([]byte, error) {
	object := []byte("{")
	for name, value := range set.custom.All() {
		if !slices.Contains(s.cfg.Visible, name) && r.reads(name) {
			object = strict.AppendMember(object, name, value)
		}
	}
	for _, name := range r.Claims {
		// A name that is misspelled here would leave its recipient without the claim.
		if _, ok := set.custom.Raw(name); !ok {
			return nil, fmt.Errorf("%w: %q is to be sealed to %q and is not there: correct the list, or give the claim as null",
				ErrClaims, name, r.Audience)
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
			return fmt.Errorf("%w: %q cannot be sealed in a selective token: name it in Visible", ErrClaims, name)
		case !slices.ContainsFunc(s.cfg.Recipients, func(r Recipient) bool { return r.reads(name) }):
			return fmt.Errorf("%w: %q is neither visible nor sealed to anybody: name it in Visible, or in the Claims of a recipient",
				ErrClaims, name)
		}
	}
	return nil
}

// selective encrypts what is not visible, one JWE for each recipient, and signs
// the whole. Every JWE is bound to this token by iss and jti in its header, which
// its encryption authenticates.
func (s *Sealer) selective(set claimsSet, from *keys.Key, to []*keys.Key) (string, error) {
	if err := s.checkAssigned(set); err != nil {
		return "", err
	}
	jwes := make([]string, 0, len(to))
	for i, r := range s.cfg.Recipients {
		claims, err := s.sealedTo(r, set)
		if err != nil {
			return "", err
		}
		h := protectedHeader{Cty: "sealed-claims+json", Iss: set.registered.Issuer, Jti: set.registered.ID}
		jwe, err := encrypt(to[i], r.Content, h, pad(claims, s.cfg.Pad))
		if err != nil {
			return "", err
		}
		jwes = append(jwes, jwe)
	}
	sealed, err := marshal(jwes)
	if err != nil {
		return "", err
	}
	payload := join(set.head, set.visible)
	payload = append(strict.AppendMember(payload[:len(payload)-1], "sealed", sealed), '}')
	if _, err := strict.ParseObject(payload); err != nil {
		return "", fmt.Errorf("%w: too many claims and recipients", ErrClaims)
	}
	token, err := sign(from, s.cfg.Type, payload)
	return string(token), err
}
