package open

import (
	"context"
	"errors"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
)

// mostTried is the number of keys that are tried on a token that names no kid. While a ring
// rotates, three may be in use for an algorithm: the active one, the one before it, and the
// staged one, where another process has published it already and this process has an old
// snapshot.
const mostTried = 3

// decryptUnnamed tries our keys on a JWE that names no kid. All failures are one error. The
// time until it comes does not tell which key was the right one: every key is tried to the
// end, and a key that cannot unwrap goes on with a random content encryption key (RFC 7516
// section 11.5).
//
// When all keys fail, a source that can reload does so once, as for a kid that we do not
// know.
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

// try returns the plaintext under the first of the keys that decrypts it, of as many as may
// be tried, or the error failed. A key that cannot be asked says nothing about the token, so
// its error takes the place of failed.
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
