package keys

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Recipient decrypts one message that was encrypted to a key of ours, RFC 7516 section
// 5.2. Most users want package open. It prints as [redacted].
type Recipient struct {
	redacted
	mode   func() cipher.AEAD
	sealed []byte // initialization vector, ciphertext and tag
}

// NewRecipient checks the members of a JWE's header that concern the encryption, and the
// lengths of its parts, before it uses the private key. Then it determines the content
// encryption key. The parts are parts 2 to 5 of the compact serialization, decoded: encrypted
// key, initialization vector, ciphertext and tag. NewRecipient waits for a key that lives
// elsewhere until ctx ends.
//
// It returns [ErrMalformed] for a header or parts that the suite does not make, [ErrUnsupported]
// for a key that is not for encryption, an alg that is not the key's or an enc that is not
// offered, [ErrNoKey] when the key cannot decrypt, and [ErrUnavailable] or the error of ctx when
// a key that lives elsewhere does not answer. Any other error says that decryption failed, and
// never why. A content encryption key that cannot be unwrapped is not an error here: as RFC 7516
// section 11.5 asks, a random key takes its place, and [Recipient.Open] fails.
func (k *Key) NewRecipient(ctx context.Context, h Header, parts [4][]byte) (Recipient, error) {
	k = orZero(k)
	m := suites[k.suite].management
	switch {
	case m == nil || !k.suite.matches(h.Alg):
		// The key decides the algorithm: where the header decides, an attacker can choose a
		// weaker one or another use of the key (algorithm confusion).
		return Recipient{}, fmt.Errorf("%w: alg is %s, and kid %s is a key for %v", ErrUnsupported, jwk.Quote(h.Alg), jwk.Quote(k.id), k.suite)
	case !k.HasPrivate():
		return Recipient{}, fmt.Errorf("%w: the key %q cannot decrypt", ErrNoKey, k.id)
	}
	if err := suites[k.suite].CheckMode(); err != nil {
		return Recipient{}, err
	}
	return m.receive(ctx, k, h, parts)
}

// newRecipient returns the Recipient with this content encryption key, and wipes cek.
func newRecipient(content Content, cek []byte, parts [4][]byte) (Recipient, error) {
	mode, err := content.mode(cek)
	if err != nil {
		return Recipient{}, errDecrypt
	}
	return Recipient{mode: mode, sealed: joined(parts[1:])}, nil
}

// Open returns the plaintext. The aad is part 1, in base64url. If the last three parts lie one
// behind the other in memory, Open decrypts there and overwrites them. A wrong key, a wrong tag
// and a damaged ciphertext give the same error.
func (r Recipient) Open(aad []byte) ([]byte, error) {
	var plaintext []byte
	err := errDecrypt // the error of the zero Recipient
	if r.mode != nil {
		mode := r.mode()
		n := mode.NonceSize()
		plaintext, err = mode.Open(r.sealed[:0], r.sealed[:n], r.sealed[n:], aad)
	}
	if err != nil {
		return nil, errDecrypt
	}
	return plaintext, nil
}

// DecryptionKeys returns the keys to try on a JWE with this header. If the header names a kid,
// the slice has the key with this kid, if there is one, even if it is for another alg, which
// [Key.NewRecipient] refuses. If the header names no kid, the slice has the keys for its alg and
// on the curve of its epk, in the order that [SetConfig] says; for an empty alg it is empty. The
// caller must not change the slice.
func (s *Set) DecryptionKeys(h Header) []*Key {
	s = orZero(s)
	if h.KeyID != nil {
		i, ok := s.decryption[string(h.KeyID)]
		if !ok {
			return nil
		}
		return s.opens[i : i+1 : i+1]
	}
	var found []*Key
	for _, k := range s.opens {
		switch {
		case !k.suite.matches(h.Alg) || !h.isOnCurveOf(k):
		case s.staged[k.id]:
			found = slices.Insert(found, min(2, len(found)), k)
		default:
			found = append(found, k)
		}
	}
	return found
}

// joined returns the parts one behind the other. If they already lie so in memory, it returns
// that memory and saves a copy of the token. Otherwise it returns a copy.
func joined(parts [][]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if first := parts[0]; cap(first) >= size {
		whole, at := first[:size], 0
		for _, p := range parts {
			if len(p) > 0 && &p[0] != &whole[at] {
				whole = nil
				break
			}
			at += len(p)
		}
		if whole != nil {
			return whole
		}
	}
	whole := make([]byte, 0, size)
	for _, p := range parts {
		whole = append(whole, p...)
	}
	return whole
}

// isOutage reports whether the error means that a key that lives elsewhere did not answer. Then
// the token may still be good, and the caller must not take it for a bad one.
func isOutage(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
