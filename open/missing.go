package open

import (
	"strconv"
	"strings"
	"time"
)

// Missing is a set of members that a token may lack, for AllowMissing. Each of them relaxes
// a check. Join several with |. The zero value is the strictest: a token must have typ, exp, kid
// and cty.
//
// A member that the token has is always checked: an empty typ or cty does not count as missing.
type Missing uint8

const (
	// Type lets a token of an issuer lack typ. A typ that the token has must still be
	// Issuer.Type. Type needs a Require in the configuration.
	//
	// The typ tells one kind of token from another. Without it, an ID token, the answer
	// of a UserInfo endpoint and an authorization response (JARM) look alike: one issuer
	// has signed them, for one audience. Only a claim that no other kind has tells them
	// apart, so Require must name one: nonce for an ID token. A relying party compares it
	// with the nonce of its login; see the example of [Token.Nonce]. A token without typ
	// that has a claim events or token_introspection is refused: it is a security event,
	// a logout token, or the answer to an introspection.
	Type Missing = 1 << iota

	// Expiry lets a token of an issuer lack exp. Such a token needs iat, and lives
	// Limits.MaxLifetime from then: [Token.ExpiresAt] returns that time. An introspection response
	// (RFC 9701) and a security event (RFC 8417) mostly have no exp: they report a fact. A token
	// that lacks both typ and exp is refused.
	Expiry

	// KeyID lets a token lack kid. In Issuer.AllowMissing it means the kid of the JWS: the Opener
	// tries the issuer's keys for the alg of the header, and refuses the token if there are more
	// than three. In Config.AllowMissing it means the kid of the JWE: the Opener tries the first
	// three of our keys for the alg and the curve of the header. In a ring these are the active
	// key, the key that was active before and the staged key, so that a token is accepted also
	// while the ring rotates. When none of them decrypts the token, the Opener asks the source to
	// reload, if it can, and tries up to three keys that are new. When all keys fail, the error is
	// [ErrNotAuthentic] whatever the reasons, or [ErrKeySource] if a key or the source of our keys
	// did not answer.
	KeyID

	// ContentType lets the JWE of a nested token lack cty. A cty that the JWE has must
	// still be JWT. The plaintext must be a signed token in any case.
	ContentType
)

// The members that Issuer.AllowMissing and Config.AllowMissing may have.
const (
	allowedAtIssuer = Type | Expiry | KeyID
	allowedInConfig = KeyID | ContentType
)

// String returns the set as a Go program writes it, such as open.Type|open.KeyID.
func (m Missing) String() string {
	var names []string
	for i, name := range []string{"open.Type", "open.Expiry", "open.KeyID", "open.ContentType"} {
		if m&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if unknown := m &^ (allowedAtIssuer | allowedInConfig); unknown != 0 || m == 0 {
		names = append(names, "open.Missing("+strconv.Itoa(int(unknown))+")")
	}
	return strings.Join(names, "|")
}

// foreignClaims are claims that only tokens of other kinds have: events in security events
// (RFC 8417) and logout tokens, token_introspection in introspection responses (RFC 9701). A
// token without typ that has one of them is refused, even if AllowMissing has Type.
var foreignClaims = []string{"events", "token_introspection"}

// checkMissing refuses a token that lacks a member which it must have. It comes after all other
// checks except Config.Check, so that its refusal names a setting only if no other check refuses
// the token.
func (o *Opener) checkMissing(c *claims) error {
	if c.lacks&Type != 0 {
		if c.lacks&Expiry != 0 {
			return refuse(ErrType, "it has neither typ nor exp, and no configuration takes that")
		}
		for _, name := range foreignClaims {
			if _, foreign := c.all.Raw(name); foreign {
				return refuse(ErrType, "it has no typ, and a claim %s: a token of another kind", name)
			}
		}
	}
	needs := switches{
		issuer: c.lacks & allowedAtIssuer &^ o.trust[c.issuer].AllowMissing,
		config: c.lacks & allowedInConfig &^ o.cfg.allowMissing,
	}
	switch {
	case needs.config&ContentType != 0:
		return refuseUnless(o.possible(needs), refuse(ErrType, "the JWE has no cty"))
	case needs.issuer&Type != 0:
		return refuseUnless(o.possible(needs), refuse(ErrType, "the signed token has no typ"))
	case needs.issuer&Expiry != 0:
		return refuseUnless(o.possible(needs), refuseClaims("exp is missing", ""))
	}
	return nil
}

// possible returns the settings in needs that a refusal may name. If Type is among them, a gateway,
// which cannot have Type, gets none, and a configuration without Require gets a Require too.
func (o *Opener) possible(needs switches) switches {
	if needs.issuer&Type != 0 && o.isGateway() {
		return switches{}
	}
	needs.withRequire = needs.issuer&Type != 0 && len(o.cfg.require) == 0
	return needs
}

// checkWithoutExpiry checks the times of a token without exp, which ends MaxLifetime after its iat.
// checkMissing decides later whether the token may lack exp. If the token may not lack exp and
// another check of its times fails too, the refusal does not name Expiry, since Expiry alone would
// not help.
func (o *Opener) checkWithoutExpiry(c *claims, now time.Time) error {
	if c.issuedAt.IsZero() {
		return refuseClaims("exp is missing", "and so is iat")
	}
	c.lacks |= Expiry
	c.expires = c.issuedAt.Add(o.cfg.limits.MaxLifetime)
	err := c.checkTimes(now, o.cfg.limits.Leeway, o.cfg.limits.MaxLifetime)
	if err != nil && o.trust[c.issuer].AllowMissing&Expiry == 0 {
		return refuseClaims("exp is missing", "")
	}
	return err
}

// end returns, for the detail of a refusal, the name of the time at which the token expires.
func (c *claims) end() string {
	if c.lacks&Expiry != 0 {
		return "there is no exp, and iat + MaxLifetime"
	}
	return "exp"
}
