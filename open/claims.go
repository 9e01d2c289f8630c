package open

import (
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// claims holds all claims of a verified token.
type claims struct {
	token Token // the Token that Open returns, whose methods show these claims

	issuer, subject, id, session string
	audience                     []string
	present                      [8]bool // which of the claims in registered the token has
	issuedAt, notBefore, expires time.Time

	text       []byte        // all claims, as one JSON object
	all        strict.Object // the text, parsed
	payload    strict.Object // the payload of the JWS: in a nested token all claims
	selective  bool          // the form of the token
	replicated []string      // in the nested form, the readable names in the header of the JWE
	opened     []string      // in the selective form, the names of the claims that were sealed to us
	others     int           // in the selective form, how many JWEs are not for us

	lacks Missing // which of typ, exp and the cty of the JWE the token lacks

	signingKeyID, decryptionKeyID string
	suites                        suites // the suites of the keys with which the opener verified and decrypted the token

	lists *fieldLists // the Opener's cache of field lists

	from   origin // only until the Token is made; see origin
	shared bool   // there is a cache, so several calls of Open may return this token
}

// registeredNames are the claims that decide whether a token is accepted: the names of RFC 7519
// section 4.1, sealed of the selective form, cnf (RFC 7800), which names the key of the token's
// rightful sender, and sid, by which verifiers refuse the tokens of an ended session.
var registeredNames = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed", "cnf", "sid"}

// registered are the names of RFC 7519 section 4.1, and sid (OpenID Connect Front-Channel Logout
// 1.0 section 3).
var registered = [8]string{"iss", "sub", "jti", "exp", "nbf", "iat", "aud", "sid"}

// read reads the registered claims. A claim of the wrong type, null included, is an error: a
// value that cannot be read must not count as absent (CVE-2026-25537). Where a string equals the
// same claim in like, read takes the string of like, to save an allocation.
func (c *claims) read(object strict.Object, like *claims) (err error) {
	if c.issuer, err = c.readText(object, 0, like.issuer); err != nil {
		return err
	}
	if c.subject, err = c.readText(object, 1, like.subject); err != nil {
		return err
	}
	if c.id, err = c.readText(object, 2, like.id); err != nil {
		return err
	}
	if c.expires, err = c.readDate(object, 3); err != nil {
		return err
	}
	if c.notBefore, err = c.readDate(object, 4); err != nil {
		return err
	}
	if c.issuedAt, err = c.readDate(object, 5); err != nil {
		return err
	}
	if c.session, err = c.readText(object, 7, like.session); err != nil {
		return err
	}
	// Most tokens have one audience, our own name, whose string like already has.
	if b, _, err := object.TextBytes("aud"); err == nil && len(like.audience) == 1 && string(b) == like.audience[0] {
		c.audience, c.present[6] = like.audience, true
		return nil
	}
	if c.audience, c.present[6], err = object.Strings("aud"); err != nil {
		return refuseClaims("aud must be a string or an array of strings", "")
	}
	return nil
}

// readText reads the claim with the i-th name of registered, which must be a string.
func (c *claims) readText(object strict.Object, i int, like string) (s string, err error) {
	var b []byte
	if b, c.present[i], err = object.TextBytes(registered[i]); err != nil {
		return "", refuseClaims(registered[i]+" must be a string", "")
	}
	if string(b) == like {
		return like, nil
	}
	return string(b), nil
}

// readDate reads the claim with the i-th name of registered, which must be a NumericDate.
func (c *claims) readDate(object strict.Object, i int) (t time.Time, err error) {
	if t, c.present[i], err = object.NumericDate(registered[i]); err != nil {
		return t, refuseClaims(registered[i]+" must be a NumericDate", "it is not a number between 0 and the end of the year 9999")
	}
	return t, nil
}

// check checks the claims of a verified token as of now. header has the members of the JWE's
// header; it is empty for a selective token, and for a header that direct.go has read, which copies
// no claim.
func (o *Opener) check(c *claims, header strict.Object, now time.Time) error {
	// A selective token never passes for a nested one, nor the other way round,
	// whatever its typ.
	if _, selective := c.payload.Raw("sealed"); selective != o.cfg.selective {
		return refuse(ErrType, "%s", otherForm(selective))
	}
	if err := checkNames(c.payload); err != nil {
		return err
	}
	if !slices.ContainsFunc(o.cfg.audiences, func(ours string) bool { return slices.Contains(c.audience, ours) }) {
		return refuse(ErrAudience, "aud is %s, and we are %s", quoteList(c.audience), quoteList(o.cfg.audiences))
	}
	if err := c.checkReplicated(header); err != nil {
		return err
	}
	if c.expires.IsZero() {
		return o.checkWithoutExpiry(c, now)
	}
	return c.checkTimes(now, o.cfg.limits.Leeway, o.cfg.limits.MaxLifetime)
}

// otherForm returns the detail of the refusal of a token that has the form which the Opener does
// not take. selective says that the token is selective.
func otherForm(selective bool) string {
	if selective {
		return "it has sealed: a token of the selective form, where a nested one is expected"
	}
	return "it has no sealed: not a token of the selective form"
}

// date returns a time for people, or "absent" for a claim that the token lacks.
func date(t time.Time) string {
	if t.IsZero() {
		return "absent"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// sealed returns the names of the claims that were sealed to us: in the nested form, all but the
// claims that the header replicates.
func (c *claims) sealed() []string {
	if c.selective {
		return slices.Clone(c.opened)
	}
	all := make([]string, 0, c.payload.Len())
	for name := range c.payload.All() {
		if !slices.Contains(c.replicated, name) {
			all = append(all, name)
		}
	}
	return all
}

// checkRequired refuses a token in which a required claim is missing, null or not sealed.
func (c *claims) checkRequired(required []string) error {
	if len(required) == 0 {
		return nil
	}
	sealed := c.sealed()
	for _, name := range required {
		if value, _ := c.all.Raw(name); string(value) == "null" || !slices.Contains(sealed, name) {
			return refuseClaims(name+" is required, and was not sealed to us", "")
		}
	}
	return nil
}

// checkNames refuses the registered names in other cases of letters. To us they are
// other claims, but encoding/json would fill a field tagged sub from a SUB.
func checkNames(payload strict.Object) error {
	if name, twin := payload.FoldedTwin(registeredNames); twin {
		return refuseClaims("a claim is named like "+name+", in other letters", "")
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
		return refuse(ErrExpired, "%s was %s, it is %s, and the leeway is %v", c.end(), date(c.expires), date(now), leeway)
	case c.issuedAt.After(now.Add(leeway)) || c.notBefore.After(now.Add(leeway)):
		return refuse(ErrNotYetValid, "nbf is %s, iat %s, it is %s, and the leeway is %v", date(c.notBefore), date(c.issuedAt), date(now), leeway)
	case !c.expires.After(c.issuedAt) || !c.expires.After(c.notBefore):
		return refuseClaims("exp is not after iat and nbf", "exp is %s, iat %s, nbf %s", date(c.expires), date(c.issuedAt), date(c.notBefore))
	case c.expires.Sub(from) > maxLifetime:
		return refuseUnless(switches{field: "Limits.MaxLifetime"}, refuse(ErrLifetime, "it lives %v, and %v is allowed", c.expires.Sub(from), maxLifetime))
	}
	return nil
}

// difference returns the two values of a registered claim, for the detail of a refusal. For sub,
// which is personal, and for nbf, iat and sid it returns no values.
func (c *claims) difference(copied *claims, name string) string {
	switch name {
	case "iss":
		return fmt.Sprintf("%s and %s", quote(copied.issuer), quote(c.issuer))
	case "aud":
		return fmt.Sprintf("%s and %s", quoteList(copied.audience), quoteList(c.audience))
	case "jti":
		return fmt.Sprintf("%s and %s", quote(copied.id), quote(c.id))
	case "exp":
		return fmt.Sprintf("%s and %s", date(copied.expires), date(c.expires))
	}
	return "the values are not shown"
}

// checkReplicated compares every registered claim that stands in the header of a JWE with
// the claim that was signed, RFC 7519 section 5.3: routers read the header, and any sender
// could have written it.
func (c *claims) checkReplicated(header strict.Object) error {
	if header.Len() == 0 {
		return nil
	}
	var copied claims
	if err := copied.read(header, c); err != nil {
		return err
	}
	for i, same := range [...]bool{
		copied.issuer == c.issuer,
		copied.subject == c.subject,
		copied.id == c.id,
		copied.expires.Equal(c.expires),
		copied.notBefore.Equal(c.notBefore),
		copied.issuedAt.Equal(c.issuedAt),
		slices.Equal(copied.audience, c.audience),
		copied.session == c.session,
	} {
		// A copy in the header counts also when it is empty: the claim inside must be
		// there and be empty too.
		if copied.present[i] && !(c.present[i] && same) {
			name := registered[i]
			return refuseClaims(name+" in the header is not the "+name+" inside", "%s", c.difference(&copied, name))
		}
	}
	return nil
}
