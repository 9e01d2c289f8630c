package open

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Opener opens tokens. Its configuration never changes. It is safe for concurrent use.
type Opener struct {
	cfg   settings
	trust map[string]Issuer

	longestIssuer int // no trusted iss is longer in JSON, in bytes, even if all of it is escaped
	scratch       *sync.Pool
	lists         *fieldLists // caches the fields of each struct type into which Token.Claims decodes
	now           func() time.Time
	last          *lastOpened

	// cache returns the cache; it is nil without a cache. It is a closure, as in Token, so
	// that fmt cannot print the claims in the cache.
	cache func() cache
}

// errZeroOpener is the error of Ready, Open and OpenAt for an Opener that no constructor made.
var errZeroOpener = configError("Opener", "was made by none of New, NewSelective and NewGateway")

func (o *Opener) isZero() bool { return o == nil || o.trust == nil }

// isGateway reports whether the Opener has no private keys.
func (o *Opener) isGateway() bool { return o.cfg.decryption == nil }

// Ready asks the key sources once each, up to the first that keeps tokens from being opened. It
// returns an [ErrKeySource] when a source fails, as jwks.Remote does when its keys are too old, and
// an [ErrUnknownKey] when we hold no decryption key or an issuer has no key to verify with. Call it
// at start-up and in a readiness probe.
func (o *Opener) Ready(ctx context.Context) error {
	if o.isZero() {
		return errZeroOpener
	}
	if !o.isGateway() {
		set, err := o.privateKeys(ctx)
		if err != nil {
			return err
		}
		if len(set.DecryptionKeyIDs()) == 0 {
			return refuse(ErrUnknownKey, "we hold no decryption key")
		}
	}
	for _, issuer := range o.cfg.trust {
		set, err := answer(issuer.Keys.PublicKeys(ctx, ""))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(set.Keys(), func(k *keys.Key) bool { return k.Use() == keys.UseSig }) {
			return refuse(ErrUnknownKey, "%s has no key that verifies", quote(issuer.ID))
		}
	}
	return nil
}

// Open opens a token of the Opener's form and checks every claim. It decrypts a nested token and
// then verifies it, RFC 7519 section 7.2. It verifies a selective token and then decrypts the
// claims that are sealed to us. A token that is not signed or not sealed is refused. A gateway
// decrypts nothing. For a token in the cache, Limits.Cache says which checks Open repeats.
//
// The error is an [*Error] of one of the classes [ErrMalformed], [ErrAlgorithm], [ErrNotAuthentic],
// [ErrUnknownKey], [ErrKeySource], [ErrType], [ErrIssuer], [ErrAudience], [ErrExpired],
// [ErrNotYetValid], [ErrLifetime], [ErrClaims] and [ErrCheck]. With an error the Token is nil. An
// Opener that no constructor made returns a [*ConfigError].
func (o *Opener) Open(ctx context.Context, token string) (*Token, error) {
	if o.isZero() {
		return nil, errZeroOpener
	}
	now := o.now()
	return o.openAt(ctx, token, now, now)
}

// OpenAt opens a token as Open does, and checks its times as of the given time. It is for
// looking into old tokens; never let a client choose the time.
func (o *Opener) OpenAt(ctx context.Context, token string, at time.Time) (*Token, error) {
	if o.isZero() {
		return nil, errZeroOpener
	}
	return o.openAt(ctx, token, at, o.now())
}

// openAt opens a token and checks its times as of at. now is the time by the clock.
func (o *Opener) openAt(ctx context.Context, token string, at, now time.Time) (*Token, error) {
	// The length is checked first, because everything that follows costs time and memory.
	if len(token) > o.cfg.limits.MaxSize {
		return nil, refuseUnless(switches{field: "Limits.MaxSize"}, refuse(ErrMalformed, "it has %d bytes, and %d are allowed", len(token), o.cfg.limits.MaxSize))
	}
	digest, t := o.recall(ctx, token, at)
	known := t != nil
	var from origin
	if !known {
		c, err := o.opened(ctx, token, at)
		if err != nil {
			return nil, err
		}
		if err := c.checkRequired(o.cfg.require); err != nil {
			return nil, err
		}
		if err := o.checkMissing(c); err != nil {
			return nil, err
		}
		from, c.from, c.shared = c.from, origin{}, o.cache != nil
		c.token.opened = func() *claims { return c }
		t = &c.token
	}
	if o.cfg.check != nil {
		if err := o.cfg.check(ctx, t); err != nil {
			return nil, refuseFor(ErrCheck, err)
		}
	}
	// A token is kept only after Check has accepted it, so that a client cannot fill the cache
	// with revoked tokens. If Check refuses a cached token later, the token stays in the cache:
	// perhaps the store that Check asks is down, and when that is up again, all tokens would
	// have to be verified again.
	if !known {
		o.remember(digest, t, from)
	}
	o.last.note(t.claims().suites, now)
	return t, nil
}

// opened opens a token of the configured form.
func (o *Opener) opened(ctx context.Context, token string, at time.Time) (*claims, error) {
	m := o.scratch.Get().(*scratch)
	defer func() {
		if m.wipe() {
			o.scratch.Put(m)
		}
	}()
	if o.cfg.selective {
		return o.openSelective(ctx, m, token, at)
	}
	return o.openNested(ctx, m, token, at)
}

// openNested opens the nested form, RFC 7519 section 5.2.
func (o *Opener) openNested(ctx context.Context, m *scratch, token string, at time.Time) (*claims, error) {
	if m.looksLike(token, 3) {
		return nil, refuse(ErrType, "it is a signed token of 3 parts, and a nested one is expected, which has 5")
	}
	m.grow(token)
	outer, err := m.parseJWE(token)
	if err != nil {
		return nil, err
	}
	var from origin
	plaintext, decryptionKey, err := o.decrypted(ctx, &outer, &from)
	if err != nil {
		return nil, err
	}
	c, err := o.verified(ctx, m, plaintext)
	if err != nil {
		return nil, err
	}
	if err := o.check(c, outer.header.members, at); err != nil {
		return nil, err
	}
	c.all, c.decryptionKeyID, c.from.private = c.payload, decryptionKey.ID(), from.private
	c.suites.add(decryptionKey.Suite())
	c.replicated = visibleNames(outer.members)
	if !outer.hasCty {
		c.lacks |= ContentType
	}
	return c, nil
}

// verified verifies a compact JWS and reads its registered claims. Of the claims it checks iss and
// the types; check and the other methods check the rest.
func (o *Opener) verified(ctx context.Context, m *scratch, compact []byte) (*claims, error) {
	signed, err := m.parseJWS(compact)
	if err != nil {
		return nil, err
	}
	payload, err := strict.ParseClaims(signed.payload)
	if err != nil {
		return nil, refuse(ErrMalformed, "the payload: %v", err)
	}
	issuer, err := o.issuerOf(payload)
	if err != nil {
		return nil, err
	}
	if err := signed.checkType(issuer.Type); err != nil {
		return nil, err
	}
	var from origin
	k, err := o.verify(ctx, &signed, issuer, &from)
	if err != nil {
		return nil, err
	}
	c := new(claims)
	if err := c.read(payload, &claims{issuer: issuer.ID, audience: o.cfg.audiences}); err != nil {
		return nil, err
	}
	c.selective, c.text, c.payload, c.signingKeyID = o.cfg.selective, signed.payload, payload, k.ID()
	c.lists, c.from = o.lists, from
	c.suites.add(k.Suite())
	if !signed.header.hasTyp {
		c.lacks |= Type
	}
	return c, nil
}

// parameters are the names of the header parameters of a JWE, RFC 7516 section 4.1 and RFC 7518
// section 4. A member with such a name is not a copy of a claim.
var parameters = []string{
	"alg", "enc", "zip", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit",
	"epk", "apu", "apv", "iv", "tag", "p2s", "p2c",
}

// visibleNames returns the names in the header of a JWE that are not parameters. Every holder of
// the token can read such a member, so the claim of that name does not count as sealed.
func visibleNames(header strict.Object) []string {
	return slices.DeleteFunc(header.Names(), func(name string) bool { return slices.Contains(parameters, name) })
}
