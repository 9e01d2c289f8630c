package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// Set is an immutable set of one party's own keys, with their private halves as
// far as they are held. It signs with one key, publishes one key to encrypt to,
// and opens with every decryption key. It is safe for concurrent use and prints
// as [redacted].
type Set struct {
	byID        map[string]*Key
	signing     *Key
	public      *PublicSet
	unknown     map[string]bool // kids that were never published, so nothing is sealed to them
	erased      map[string]bool // kids of decryption keys that are there no more
	maxLifetime time.Duration
	stale       error // not nil: this snapshot may decrypt and nothing else
}

// NewSet makes a set of fixed keys, for services whose keys come from elsewhere
// and for tests; [Open] gives sets that rotate. The first signing key signs, the
// first encryption key is published; all signing keys verify and all decryption
// keys open.
//
// It returns [ErrDuplicate] when two keys share kid or thumbprint.
func NewSet(ks ...*Key) (*Set, error) {
	if err := validate(ks); err != nil {
		return nil, err
	}
	var signing, encryption *Key
	published := make([]*Key, 0, len(ks))
	for _, k := range ks {
		switch k.Use() {
		case UseSig:
			if signing == nil && k.signer != nil {
				signing = k
			}
			published = append(published, k)
		case UseEnc:
			if encryption == nil {
				encryption = k
				published = append(published, k)
			}
		}
	}
	return newSet(ks, signing, published)
}

// newSet is the one way to a Set: of keys held, the one that signs, and those
// that are published.
func newSet(held []*Key, signing *Key, published []*Key) (*Set, error) {
	if err := validate(held); err != nil {
		return nil, err
	}
	pub, err := newPublicSet(published)
	if err != nil {
		return nil, err
	}
	s := &Set{byID: make(map[string]*Key, len(held)), signing: signing, public: pub}
	for _, k := range held {
		s.byID[k.id] = k
	}
	return s, nil
}

// SigningKey returns the key that signs. It returns [ErrNoKey] when the set has
// none, and [ErrStale] when the set is a snapshot too old to sign with.
func (s *Set) SigningKey() (*Key, error) {
	if s.stale != nil {
		return nil, s.stale
	}
	if s.signing == nil {
		return nil, fmt.Errorf("%w: no active signing key with its private half", ErrNoKey)
	}
	return s.signing, nil
}

// DecryptionKey returns the decryption key with this kid and its private half;
// ok is false when there is none.
func (s *Set) DecryptionKey(kid string) (k *Key, ok bool) {
	k, ok = s.byID[kid]
	if !ok || k.Use() != UseEnc || !k.HasPrivate() {
		return nil, false
	}
	return k, true
}

// WasErased reports whether the set once had a decryption key with this kid that was
// destroyed, or revoked and erased: what is sealed to it is lost, and was meant for
// us.
func (s *Set) WasErased(kid string) bool { return s.erased[kid] }

// DecryptionKeyIDs returns the kids of the decryption keys whose private half is held,
// sorted: what to tell an operator whose token none of them opens.
func (s *Set) DecryptionKeyIDs() []string {
	var kids []string
	for kid := range s.byID {
		if _, ok := s.DecryptionKey(kid); ok {
			kids = append(kids, kid)
		}
	}
	slices.Sort(kids)
	return kids
}

// OnlyDecryptionKey returns the decryption key for an algorithm name if exactly
// one is held to which anybody can have sealed, for tokens that name none.
func (s *Set) OnlyDecryptionKey(alg string) (k *Key, ok bool) {
	for _, c := range s.byID {
		if c.Use() == UseEnc && c.HasPrivate() && c.suite.Matches(alg) && !s.unknown[c.id] {
			if ok {
				return nil, false
			}
			k, ok = c, true
		}
	}
	return k, ok
}

// MaxTokenLifetime returns the longest lifetime that the owner's policy allows a
// token signed by this set, or zero for no bound. Keys are kept for as long, so a
// token that lives longer could outlive its key.
func (s *Set) MaxTokenLifetime() time.Duration { return s.maxLifetime }

// Private returns s: a Set is a [PrivateSource].
func (s *Set) Private(context.Context) (*Set, error) { return s, nil }

// Public returns the public half: a Set is a [PublicSource]. It returns
// [ErrStale] when the set is a snapshot too old to publish.
func (s *Set) Public(context.Context, string) (*PublicSet, error) {
	if s.stale != nil {
		return nil, s.stale
	}
	return s.public, nil
}

// Format prints [redacted], whatever the verb.
func (Set) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is [redacted].
func (Set) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "[redacted]": only a [PublicSet] can be written as JSON.
func (Set) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// validate is the one validator that every way into a set or a ring passes.
func validate(ks []*Key) error {
	seen := make(map[string]bool, 2*len(ks))
	for _, k := range ks {
		if k == nil {
			return fmt.Errorf("%w: nil key", ErrMalformed)
		}
		if err := addUnique(seen, k.id, k.thumbprint); err != nil {
			return err
		}
	}
	return nil
}

// addUnique refuses a kid or a thumbprint that was there before. The same key
// under two kids, or two keys under one, is how one party's key passes for
// another's.
func addUnique(seen map[string]bool, kid, thumbprint string) error {
	byID, byThumbprint := "kid "+kid, "key "+thumbprint
	if seen[byID] || seen[byThumbprint] {
		return fmt.Errorf("%w: kid %s", ErrDuplicate, quote(kid))
	}
	seen[byID], seen[byThumbprint] = true, true
	return nil
}
