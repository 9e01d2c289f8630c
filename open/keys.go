package open

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys"
)

// decrypted decrypts a JWE with our key that its header names, or, if it names none, with one of
// our keys that fit. It returns the plaintext and the key, and sets from.private.
func (o *Opener) decrypted(ctx context.Context, j *jwe, from *origin) ([]byte, *keys.Key, error) {
	set, err := o.privateKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	from.private = set
	if !j.hasKid {
		return o.decryptUnnamed(ctx, j, from)
	}
	k, err := o.decryptionKey(ctx, &j.header, from)
	if err != nil {
		return nil, nil, err
	}
	plaintext, err := j.decrypt(ctx, k)
	return plaintext, k, err
}

// decryptionKey returns our key that the outer header names. If we hold no key of that kid, it
// asks the source once to reload, if the source can: another process may have rotated the ring.
func (o *Opener) decryptionKey(ctx context.Context, h *header, from *origin) (*keys.Key, error) {
	set := from.private
	fit := set.DecryptionKeys(h.encryption)
	if r, can := o.cfg.decryption.(reloader); len(fit) == 0 && can {
		var err error
		if set, err = answer(r.Reload(ctx)); err != nil {
			return nil, err
		}
		from.private = set
		fit = set.DecryptionKeys(h.encryption)
	}
	if len(fit) == 0 && set.WasErased(string(h.kid)) {
		return nil, refuse(ErrUnknownKey, "the JWE is for kid %s, a key of ours that was destroyed", quote(h.kid))
	}
	if len(fit) == 0 {
		return nil, refuse(ErrUnknownKey, "the JWE is for kid %s; our decryption keys: %s", quote(h.kid), quoteList(set.DecryptionKeyIDs()))
	}
	return fit[0], nil
}

// verify verifies a signed token, RFC 7515 section 5.2 step 8, with the issuer's key that the
// header names, or, if it names none, with one of the issuer's keys that fit. It returns the key,
// and sets from.public and from.kid.
func (o *Opener) verify(ctx context.Context, s *jws, issuer Issuer, from *origin) (*keys.Key, error) {
	// Any sender can encrypt a token to us with any kid in its signed header, and the source
	// may send a request for that kid. So the source is asked only for a well-formed kid.
	h := &s.header
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
		return verifyUnnamed(s, set, issuer)
	}
	k, err := set.VerificationKey(kid, h.alg)
	switch {
	case errors.Is(err, keys.ErrUnsupported):
		return nil, refuse(ErrAlgorithm, "%v", err)
	case err != nil:
		return nil, refuse(ErrUnknownKey, "the JWS is signed by %s: %v", quote(issuer.ID), err)
	case !k.Verify(s.input, s.signature):
		return nil, ErrNotAuthentic
	}
	return k, nil
}

func (o *Opener) privateKeys(ctx context.Context) (*keys.Set, error) {
	return answer(o.cfg.decryption.PrivateKeys(ctx))
}

// answer returns the set of a key source, or its error as an ErrKeySource. A source that returns
// neither counts as one that failed, so that its mistake does not make the Opener panic.
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
