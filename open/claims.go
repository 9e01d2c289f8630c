package open

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// claims are the registered claims of a verified token, and its payload.
type claims struct {
	issuer, subject, id          string
	audience                     []string
	issuedAt, notBefore, expires time.Time
	payload                      []byte

	signingKeyID, decryptionKeyID string
}

// registered are the names of RFC 7519 section 4.1, and the one of the selective form.
var registered = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed"}

// readClaims reads the registered claims. One that is present with the wrong type
// is an error, null included: what cannot be read must not count as absent
// (CVE-2026-25537).
func readClaims(o strict.Object) (*claims, error) {
	c := &claims{}
	var err error
	for name, dst := range map[string]*string{"iss": &c.issuer, "sub": &c.subject, "jti": &c.id} {
		if *dst, _, err = o.Text(name); err != nil {
			return nil, fmt.Errorf("%w: %s must be a string", ErrClaims, name)
		}
	}
	for name, dst := range map[string]*time.Time{"iat": &c.issuedAt, "nbf": &c.notBefore, "exp": &c.expires} {
		if *dst, _, err = o.NumericDate(name); err != nil {
			return nil, fmt.Errorf("%w: %s must be a NumericDate", ErrClaims, name)
		}
	}
	if c.audience, _, err = o.Strings("aud"); err != nil {
		return nil, fmt.Errorf("%w: aud must be a string or an array of strings", ErrClaims)
	}
	return c, nil
}

// check judges the claims of a verified token as of now.
func (o *Opener) check(c *claims, payload, outer strict.Object, now time.Time) error {
	// A selective token never passes for a nested one, whatever its typ.
	if _, selective := payload.Raw("sealed"); selective {
		return ErrType
	}
	if c.expires.IsZero() {
		return fmt.Errorf("%w: exp is missing", ErrClaims)
	}
	if err := checkNames(payload); err != nil {
		return err
	}
	if !slices.Contains(c.audience, o.cfg.Audience) {
		return ErrAudience
	}
	if err := c.checkReplicated(outer, payload); err != nil {
		return err
	}
	return c.checkTimes(now, o.cfg.Leeway, o.cfg.MaxLifetime)
}

// checkNames refuses the registered names in other cases of letters. To us they are
// other claims, but encoding/json would fill a field tagged sub from a SUB.
func checkNames(payload strict.Object) error {
	for name := range payload.All() {
		for _, r := range registered {
			if name != r && strings.EqualFold(name, r) {
				return fmt.Errorf("%w: a claim is named like %s, in other letters", ErrClaims, r)
			}
		}
	}
	return nil
}

func (c *claims) checkTimes(now time.Time, leeway, maxLifetime time.Duration) error {
	from := now
	if !c.issuedAt.IsZero() {
		from = c.issuedAt
	}
	switch {
	case !now.Before(c.expires.Add(leeway)):
		return ErrExpired
	case c.issuedAt.After(now.Add(leeway)) || c.notBefore.After(now.Add(leeway)):
		return ErrNotYetValid
	case !c.expires.After(c.issuedAt) || !c.expires.After(c.notBefore):
		return fmt.Errorf("%w: exp is not after iat and nbf", ErrClaims)
	case c.expires.Sub(from) > maxLifetime:
		return ErrLifetime
	}
	return nil
}

// checkReplicated compares every registered claim that stands in the outer header
// with the one inside, RFC 7519 section 5.3: the header is what routers read, and
// anybody could have written it.
func (c *claims) checkReplicated(outer, payload strict.Object) error {
	copied, err := readClaims(outer)
	if err != nil {
		return err
	}
	for name, same := range map[string]bool{
		"iss": copied.issuer == c.issuer,
		"sub": copied.subject == c.subject,
		"jti": copied.id == c.id,
		"aud": slices.Equal(copied.audience, c.audience),
		"iat": copied.issuedAt.Equal(c.issuedAt),
		"nbf": copied.notBefore.Equal(c.notBefore),
		"exp": copied.expires.Equal(c.expires),
	} {
		_, present := outer.Raw(name)
		_, inside := payload.Raw(name) // an empty one is not an absent one
		if present && !(inside && same) {
			return fmt.Errorf("%w: %s in the header is not the %s inside", ErrClaims, name, name)
		}
	}
	return nil
}
