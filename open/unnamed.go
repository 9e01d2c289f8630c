package open

import (
	"context"
	"errors"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
)

// mostTried is how many keys are tried at most on a token that names no kid. After a reload of the
// ring, up to as many new keys are tried. While a ring rotates, three keys may be in use for an
// algorithm: the active key, the key that was active before, and the staged key: another process
// may use it as the active key already, while this process still has an old snapshot of the ring.
const mostTried = 3

// decryptUnnamed tries our keys on a JWE that names no kid. If none decrypts it, the error does not
// tell why, unless a key or the source did not answer. The time until the error comes tells an
// attacker nothing about a key: a key that cannot unwrap the content encryption key goes on with a
// random one, so that each try takes a whole decryption (RFC 7516 section 11.5).
//
// When all keys fail, decryptUnnamed asks the source once to reload, if the source can, and tries
// the keys that are new.
func (o *Opener) decryptUnnamed(ctx context.Context, j *jwe, from *origin) ([]byte, *keys.Key, error) {
	fit := from.private.DecryptionKeys(j.encryption)
	if len(fit) == 0 {
		return nil, nil, refuse(ErrUnknownKey, "the JWE names no kid, and none of our keys fits it: alg %s", quote(j.alg))
	}
	if o.cfg.allowMissing&KeyID == 0 {
		return nil, nil, refuseUnless(switches{config: KeyID}, refuse(ErrUnknownKey, "the JWE names no kid"))
	}
	plaintext, k, err := j.try(ctx, fit, ErrNotAuthentic)
	if r, can := o.cfg.decryption.(reloader); can && err != nil {
		newer, errReload := answer(r.Reload(ctx))
		if errReload != nil {
			return nil, nil, errReload
		}
		from.private = newer
		fresh := slices.DeleteFunc(newer.DecryptionKeys(j.encryption), func(k *keys.Key) bool {
			return slices.ContainsFunc(fit, func(tried *keys.Key) bool { return tried.ID() == k.ID() })
		})
		plaintext, k, err = j.try(ctx, fresh, err)
	}
	return plaintext, k, err
}

// try decrypts the JWE with the first key in fit that can, and tries at most mostTried keys. It
// returns the plaintext and that key, or the error failed if none can. A key that does not answer
// tells nothing about the token, so its error is returned instead of failed.
func (j *jwe) try(ctx context.Context, fit []*keys.Key, failed error) ([]byte, *keys.Key, error) {
	for _, k := range fit[:min(mostTried, len(fit))] {
		if err := j.decode(); err != nil {
			return nil, nil, err
		}
		plaintext, err := j.decrypt(ctx, k)
		if err == nil {
			return plaintext, k, nil
		}
		if errors.Is(err, ErrKeySource) {
			failed = err
		}
	}
	return nil, nil, failed
}

// verifyUnnamed tries the issuer's keys on a JWS that names no kid.
func verifyUnnamed(s *jws, set *keys.PublicSet, issuer Issuer) (*keys.Key, error) {
	fit := set.VerificationKeys(s.header.alg)
	if len(fit) == 0 || len(fit) > mostTried {
		return nil, refuse(ErrUnknownKey, "the JWS names no kid, and %s has %d keys for alg %s, where 1 to %d can be tried",
			quote(issuer.ID), len(fit), quote(s.header.alg), mostTried)
	}
	if issuer.AllowMissing&KeyID == 0 {
		return nil, refuseUnless(switches{issuer: KeyID}, refuse(ErrUnknownKey, "the JWS names no kid"))
	}
	for _, k := range fit {
		if k.Verify(s.input, s.signature) {
			return k, nil
		}
	}
	return nil, ErrNotAuthentic
}
