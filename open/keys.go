package open

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// decryptionKey is our key that the outer header names. For a kid that we do not
// know a source that can reload does so once: another process may have rotated.
func (o *Opener) decryptionKey(ctx context.Context, h *header, from *origin) (*keys.Key, error) {
	set, err := o.privateKeys(ctx)
	if err != nil {
		return nil, err
	}
	from.private = set
	if !h.hasKid {
		fit := set.DecryptionKeys(h.alg)
		if len(fit) != 1 || !o.cfg.allowMissingKeyID {
			return nil, refuse(ErrUnknownKey, "the JWE names no kid; AllowMissingKeyID would take it if exactly one of our keys fits")
		}
		return fit[0], nil
	}
	k, ok := set.DecryptionKey(string(h.kid))
	if r, can := o.cfg.decryption.(reloader); !ok && can {
		if set, err = answer(r.Reload(ctx)); err != nil {
			return nil, err
		}
		from.private = set
		k, ok = set.DecryptionKey(string(h.kid))
	}
	if !ok && set.WasErased(string(h.kid)) {
		return nil, refuse(ErrUnknownKey, "the JWE is for kid %s, a key of ours that was destroyed", quote(h.kid))
	}
	if !ok {
		return nil, refuse(ErrUnknownKey, "the JWE is for kid %s; our decryption keys: %s", quote(h.kid), quoteList(set.DecryptionKeyIDs()))
	}
	return k, nil
}

// issuerOf is the issuer that the payload names. The payload is not verified yet: its
// iss chooses only whose keys may verify it.
func (o *Opener) issuerOf(payload strict.Object) (Issuer, error) {
	// Before it is decoded: anybody can make us read it.
	if raw, _ := payload.Raw("iss"); len(raw) > o.longestIssuer {
		return Issuer{}, refuse(ErrIssuer, "iss has %d characters, more than any that is trusted", len(raw))
	}
	iss, _, _ := payload.TextBytes("iss") // empty, if it is no string, and never trusted
	issuer, trusted := o.trust[string(iss)]
	if !trusted {
		return Issuer{}, refuse(ErrIssuer, "iss is %s (not verified); trusted: %s", quote(iss), quoteList(o.trusted()))
	}
	return issuer, nil
}

// verificationKey is the key that the inner header names, of its issuer.
func (o *Opener) verificationKey(ctx context.Context, h *header, issuer Issuer, from *origin) (*keys.Key, error) {
	// Anybody can seal to us, and so choose the kid for which a source may fetch: only
	// one that could be there.
	if h.hasKid && !isKeyID(h.kid) {
		return nil, refuse(ErrUnknownKey, "the JWS names kid %s, which can be none", quote(h.kid))
	}
	kid := string(h.kid)
	set, err := answer(issuer.Keys.PublicKeys(ctx, kid))
	if err != nil {
		return nil, err
	}
	from.public, from.kid = set, kid
	if !h.hasKid {
		fit := set.VerificationKeys(h.alg)
		if len(fit) != 1 || !o.cfg.allowMissingKeyID {
			return nil, refuse(ErrUnknownKey, "the JWS names no kid; AllowMissingKeyID would take it if exactly one key of the issuer fits")
		}
		return fit[0], nil
	}
	k, err := set.VerificationKey(kid, h.alg)
	switch {
	case errors.Is(err, keys.ErrUnsupported):
		return nil, refuse(ErrAlgorithm, "%v", err)
	case err != nil:
		return nil, refuse(ErrUnknownKey, "the JWS is signed by %s: %v", quote(issuer.ID), err)
	}
	return k, nil
}

func (o *Opener) privateKeys(ctx context.Context) (*keys.Set, error) {
	return answer(o.cfg.decryption.PrivateKeys(ctx))
}

// answer returns what a key source gave. A source that gives neither a set nor an error
// must not make us panic.
func answer[S any](set *S, err error) (*S, error) {
	if err == nil && set == nil {
		err = errors.New("the key source gave no keys and no error")
	}
	if err != nil {
		return nil, refuseFor(ErrKeySource, err)
	}
	return set, nil
}

// reloader is a source that can look for newer keys, as keys.PrivateSource says.
type reloader interface {
	Reload(ctx context.Context) (*keys.Set, error)
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
	for _, i := range o.cfg.trust {
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
