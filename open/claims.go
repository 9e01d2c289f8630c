package open

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// claims are all claims of a verified token.
type claims struct {
	issuer, subject, id          string
	audience                     []string
	issuedAt, notBefore, expires time.Time

	text    []byte        // all of them, as one JSON object
	payload strict.Object // those that were signed in clear, or all of a nested token
	form    Form
	opened  []string // in the selective form, the names of those that were sealed to us
	others  int      // likewise, the JWEs that are not for us

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
	for _, text := range []struct {
		name string
		dst  *string
	}{{"iss", &c.issuer}, {"sub", &c.subject}, {"jti", &c.id}} {
		if *text.dst, _, err = o.Text(text.name); err != nil {
			return nil, fmt.Errorf("%w: %s must be a string", ErrClaims, text.name)
		}
	}
	for _, date := range []struct {
		name string
		dst  *time.Time
	}{{"exp", &c.expires}, {"nbf", &c.notBefore}, {"iat", &c.issuedAt}} {
		if *date.dst, _, err = o.NumericDate(date.name); err != nil {
			return nil, fmt.Errorf("%w: %s must be a NumericDate", ErrClaims, date.name)
		}
	}
	if c.audience, _, err = o.Strings("aud"); err != nil {
		return nil, fmt.Errorf("%w: aud must be a string or an array of strings", ErrClaims)
	}
	return c, nil
}

// check judges the claims of a verified token as of now. header is that of the JWE
// around it, empty if there is none.
func (o *Opener) check(c *claims, header strict.Object, now time.Time) error {
	// A selective token never passes for a nested one, nor the other way round,
	// whatever its typ.
	if _, selective := c.payload.Raw("sealed"); selective != (o.cfg.Form == Selective) {
		return ErrType
	}
	if c.expires.IsZero() {
		return fmt.Errorf("%w: exp is missing", ErrClaims)
	}
	if err := checkNames(c.payload); err != nil {
		return err
	}
	if !slices.Contains(c.audience, o.cfg.Audience) {
		return ErrAudience
	}
	if err := c.checkReplicated(header); err != nil {
		return err
	}
	return c.checkTimes(now, o.cfg.Leeway, o.cfg.MaxLifetime)
}

// sealed are the names of the claims that only their recipients can read.
func (c *claims) sealed() []string {
	if c.form == Selective {
		return slices.Clone(c.opened)
	}
	all := make([]string, 0, c.payload.Len())
	for name := range c.payload.All() {
		all = append(all, name)
	}
	return all
}

// checkRequired looks for claims among the sealed ones.
func (c *claims) checkRequired(required []string) error {
	if len(required) == 0 {
		return nil
	}
	all, err := strict.ParseObject(c.text)
	if err != nil {
		return ErrMalformed
	}
	sealed := c.sealed()
	for _, name := range required {
		value, there := all.Raw(name)
		if !there || string(value) == "null" || !slices.Contains(sealed, name) {
			return fmt.Errorf("%w: %s is required, and was not sealed to us", ErrClaims, name)
		}
	}
	return nil
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

// checkReplicated compares every registered claim that stands in the header of a JWE
// with the one that was signed, RFC 7519 section 5.3: the header is what routers
// read, and anybody could have written it.
func (c *claims) checkReplicated(header strict.Object) error {
	copied, err := readClaims(header)
	if err != nil {
		return err
	}
	for _, copy := range []struct {
		name string
		same bool
	}{
		{"iss", copied.issuer == c.issuer},
		{"sub", copied.subject == c.subject},
		{"aud", slices.Equal(copied.audience, c.audience)},
		{"exp", copied.expires.Equal(c.expires)},
		{"nbf", copied.notBefore.Equal(c.notBefore)},
		{"iat", copied.issuedAt.Equal(c.issuedAt)},
		{"jti", copied.id == c.id},
	} {
		_, present := header.Raw(copy.name)
		_, inside := c.payload.Raw(copy.name) // an empty one is not an absent one
		if present && !(inside && copy.same) {
			return fmt.Errorf("%w: %s in the header is not the %[2]s inside", ErrClaims, copy.name)
		}
	}
	return nil
}
