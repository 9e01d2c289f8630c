package open

import (
	"context"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Opener opens tokens. It is immutable and safe for concurrent use.
type Opener struct {
	cfg      Config
	trust    map[string]Issuer
	audience []string // cfg.Audience alone
	scratch  *sync.Pool
	now      func() time.Time
}

// Open opens a token of the configured form and checks every claim. A nested one is
// decrypted and then verified, RFC 7519 section 7.2; a selective one verified and
// then, what is sealed to us, decrypted. Each is one straight line without a branch
// that accepts less: what is not signed, or not sealed, is refused.
//
// The error is an [*Error] of one of the classes [ErrMalformed], [ErrAlgorithm], [ErrNotAuthentic], [ErrKey],
// [ErrKeySource], [ErrType], [ErrIssuer], [ErrAudience], [ErrExpired],
// [ErrNotYetValid], [ErrLifetime], [ErrClaims] and [ErrRefused]. No claims come
// with an error.
func (o *Opener) Open(ctx context.Context, token string) (*Token, error) {
	return o.OpenAt(ctx, token, o.now())
}

// OpenAt is Open with the token's times checked as of the given time. It is for
// looking into old tokens; never let a client choose the time.
func (o *Opener) OpenAt(ctx context.Context, token string, at time.Time) (*Token, error) {
	// The length first: everything after it costs time and memory.
	if len(token) > o.cfg.MaxSize {
		return nil, refuse(ErrMalformed, "it has %d bytes, and MaxSize is %d", len(token), o.cfg.MaxSize)
	}
	c, err := o.opened(ctx, token, at)
	if err != nil {
		return nil, err
	}
	if err := c.checkRequired(o.cfg.Require); err != nil {
		return nil, err
	}
	c.token.claims = func() *claims { return c }
	if o.cfg.Check != nil {
		if err := o.cfg.Check(ctx, &c.token); err != nil {
			return nil, refuseFor(ErrRefused, err)
		}
	}
	return &c.token, nil
}

// opened opens a token of the configured form.
func (o *Opener) opened(ctx context.Context, token string, at time.Time) (*claims, error) {
	m := o.scratch.Get().(*scratch)
	defer func() {
		if m.wipe() {
			o.scratch.Put(m)
		}
	}()
	m.take(token)
	if o.cfg.Form == Selective {
		return o.openSelective(ctx, m, at)
	}
	return o.openNested(ctx, m, at)
}

// openNested opens the nested form, RFC 7519 section 5.2.
func (o *Opener) openNested(ctx context.Context, m *scratch, at time.Time) (*claims, error) {
	outer, err := m.parseJWE(m.token, "JWT")
	if err != nil {
		return nil, err
	}
	decryptionKey, err := o.decryptionKey(ctx, &outer.header)
	if err != nil {
		return nil, err
	}
	plaintext, err := outer.decrypt(decryptionKey)
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
	c.all, c.decryptionKeyID = c.payload, decryptionKey.ID()
	for name := range outer.members.All() { // the header itself lies in the scratch
		c.replicated = append(c.replicated, name)
	}
	return c, nil
}

// verified verifies a compact JWS and reads its registered claims, which are still
// to be checked.
func (o *Opener) verified(ctx context.Context, m *scratch, compact []byte) (*claims, error) {
	signed, err := m.parseJWS(compact, o.cfg.Type)
	if err != nil {
		return nil, err
	}
	payload, err := strict.ParseObject(signed.payload)
	if err != nil {
		return nil, refuse(ErrMalformed, "the payload: %v", err)
	}
	issuer, err := o.issuerOf(payload)
	if err != nil {
		return nil, err
	}
	k, err := o.verificationKey(ctx, &signed.header, issuer)
	if err != nil {
		return nil, err
	}
	if err := verify(k, signed.input, signed.signature); err != nil {
		return nil, err
	}
	c, err := o.readClaims(payload, issuer.ID)
	if err != nil {
		return nil, err
	}
	c.form, c.text, c.payload, c.signingKeyID = o.cfg.Form, signed.payload, payload, k.ID()
	return c, nil
}

// decryptionKey is our key that the outer header names. For a kid that we do not
// know a source that can reload does so once: another process may have rotated.
func (o *Opener) decryptionKey(ctx context.Context, h *header) (*keys.Key, error) {
	set, err := o.cfg.Decryption.Private(ctx)
	if err != nil {
		return nil, refuseFor(ErrKeySource, err)
	}
	if !h.hasKid {
		k, ok := set.OnlyDecryptionKey(h.alg)
		if !ok || !o.cfg.AllowMissingKeyID {
			return nil, refuse(ErrKey, "the JWE names no kid; AllowMissingKeyID would take it if exactly one of our keys fits")
		}
		return k, nil
	}
	k, ok := set.DecryptionKey(string(h.kid))
	if r, can := o.cfg.Decryption.(keys.Reloader); !ok && can {
		if set, err = r.Reload(ctx); err != nil {
			return nil, refuseFor(ErrKeySource, err)
		}
		k, ok = set.DecryptionKey(string(h.kid))
	}
	if !ok && set.WasErased(string(h.kid)) {
		return nil, refuse(ErrKey, "the JWE is for kid %s, a key of ours that was destroyed", quote(string(h.kid)))
	}
	if !ok {
		return nil, refuse(ErrKey, "the JWE is for kid %s; our decryption keys: %s", quote(string(h.kid)), quoteList(set.DecryptionKeyIDs()))
	}
	return matching(k, h)
}

// issuerOf is the issuer that the payload names. The payload is not verified yet: its
// iss chooses only whose keys may verify it.
func (o *Opener) issuerOf(payload strict.Object) (Issuer, error) {
	iss, _, _ := payload.TextBytes("iss") // empty, if it is no string, and never trusted
	issuer, trusted := o.trust[string(iss)]
	if !trusted {
		return Issuer{}, refuse(ErrIssuer, "iss is %s (not verified); trusted: %s", quote(string(iss)), quoteList(o.trusted()))
	}
	return issuer, nil
}

// verificationKey is the key that the inner header names, of its issuer.
func (o *Opener) verificationKey(ctx context.Context, h *header, issuer Issuer) (*keys.Key, error) {
	// Anybody can seal to us, and so choose the kid for which a source may fetch: only
	// one that could be there.
	if h.hasKid && !isKeyID(h.kid) {
		return nil, refuse(ErrKey, "the JWS names kid %s, which can be none", quote(string(h.kid)))
	}
	set, err := issuer.Keys.Public(ctx, string(h.kid))
	if err != nil {
		return nil, refuseFor(ErrKeySource, err)
	}
	if !h.hasKid {
		k, ok := set.OnlyVerificationKey(h.alg)
		if !ok || !o.cfg.AllowMissingKeyID {
			return nil, refuse(ErrKey, "the JWS names no kid; AllowMissingKeyID would take it if exactly one key of the issuer fits")
		}
		return k, nil
	}
	k, ok := set.VerificationKey(string(h.kid))
	if !ok {
		return nil, refuse(ErrKey, "the JWS is signed with kid %s; the keys of %s: %s", quote(string(h.kid)), quote(issuer.ID), quoteList(verificationKeyIDs(set)))
	}
	return matching(k, h)
}

func verificationKeyIDs(set *keys.PublicSet) []string {
	var kids []string
	for _, k := range set.ForUse(keys.UseSig).Keys() {
		kids = append(kids, k.ID())
	}
	return kids
}

// trusted are the issuers in their order.
func (o *Opener) trusted() []string {
	var ids []string
	for _, i := range o.cfg.Trust {
		ids = append(ids, i.ID)
	}
	return ids
}

// isKeyID reports whether a kid is 1 to 256 printable ASCII characters.
func isKeyID(kid []byte) bool {
	const most = 256
	if len(kid) == 0 || len(kid) > most {
		return false
	}
	for _, c := range kid {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// matching lets the key decide on the algorithm, and the header only agree:
// algorithm confusion starts where the header decides.
func matching(k *keys.Key, h *header) (*keys.Key, error) {
	if !k.Suite().Matches(h.alg) {
		return nil, refuse(ErrAlgorithm, "alg is %s, and kid %s is a key for %v", quote(h.alg), quote(k.ID()), k.Suite())
	}
	return k, nil
}
