package open

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys"
)

// decrypt returns the plaintext, RFC 7516 section 5.2. NewRecipient checks the header and the
// lengths of the parts before the private key is used. All failures after that are one error, so
// that an attacker cannot tell them apart, except that a key which does not answer gives an
// ErrKeySource.
func (j *jwe) decrypt(ctx context.Context, k *keys.Key) ([]byte, error) {
	recipient, err := k.NewRecipient(ctx, j.encryption, j.decoded)
	if err != nil {
		return nil, refuseKey(err)
	}
	j.memory.decoded = append(j.memory.decoded, j.parts[0]...)
	aad := j.memory.decoded[len(j.memory.decoded)-len(j.parts[0]):]
	plaintext, err := recipient.Open(aad)
	if err != nil {
		return nil, ErrNotAuthentic
	}
	return plaintext, nil
}

// refuseKey wraps the error of a key in the class that Open returns for it. An error that is not
// named here becomes ErrNotAuthentic, which does not tell what failed.
func refuseKey(err error) error {
	switch {
	case errors.Is(err, keys.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refuseFor(ErrKeySource, err)
	case errors.Is(err, keys.ErrUnsupported):
		return refuse(ErrAlgorithm, "%v", err)
	case errors.Is(err, keys.ErrMalformed):
		return refuse(ErrMalformed, "%v", err)
	}
	return ErrNotAuthentic
}
