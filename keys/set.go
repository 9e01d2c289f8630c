package keys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Set is an immutable set of one party's own keys. It signs with one key, opens with every
// decryption key, and publishes the public halves that SetConfig.Published names. It is safe for
// concurrent use and prints as [redacted].
type Set struct {
	redacted
	decryption  map[string]int // the place in opens, by kid
	opens       []*Key         // the staged ones last
	signing     *Key
	public      *PublicSet
	staged      map[string]bool
	erased      map[string]bool
	maxLifetime time.Duration
	stale       error
}

// SetConfig says what each key of a [Set] does. A ring makes its Sets with [NewSet] and such a
// configuration, and so does a service whose keys live in a KMS.
type SetConfig struct {
	// Signing is the key that signs; nil for a party that only opens.
	Signing *Key

	// Decryption are the keys that open tokens, in the order in which they are tried on a token
	// that names no kid. First in the list should be the key in use, then the key that was in use
	// before it.
	Decryption []*Key

	// Staged are decryption keys that open tokens and that no sender should know yet. If this set
	// is an old snapshot of a ring, one of them may be in use already, so they are tried third,
	// behind the two keys of Decryption that come first.
	Staged []*Key

	// Published are the keys that others get, private halves aside: those that verify,
	// and those to encrypt to in the order of preference. Nil publishes Signing and the
	// first of Decryption.
	Published []*Key

	// Erased are the kids of decryption keys that the party once had. A token for one of them
	// was meant for us, and can no longer be opened.
	Erased []string

	// MaxTokenLifetime is the longest lifetime of a token that Signing may sign; zero for no
	// bound. The owner keeps its keys for at least this time.
	MaxTokenLifetime time.Duration

	// Stale, when not nil, is why the set may decrypt and nothing else: the keys could
	// not be reloaded for too long. It wraps [ErrStale].
	Stale error
}

// NewSet makes a set of fixed keys. A ring makes a new Set whenever its keys change.
//
// It returns [ErrDuplicate] when two keys share a kid or a thumbprint, where a key that is both
// held and published counts once; [ErrNoKey] when Signing cannot sign or a decryption key
// cannot decrypt; and [ErrMalformed] for a nil or zero Key in a list, for a key without kid,
// and for a configuration that contradicts itself: a negative lifetime, a Stale that does not
// wrap ErrStale, a kid both held and erased, a staged or erased key that is published.
func NewSet(cfg SetConfig) (*Set, error) {
	s := &Set{
		signing: cfg.Signing, maxLifetime: cfg.MaxTokenLifetime, stale: cfg.Stale,
		decryption: make(map[string]int, len(cfg.Decryption)+len(cfg.Staged)),
		staged:     make(map[string]bool, len(cfg.Staged)),
		erased:     make(map[string]bool, len(cfg.Erased)),
	}
	if cfg.Signing != nil && cfg.Signing.sign == nil {
		return nil, fmt.Errorf("%w: the key %s cannot sign", ErrNoKey, jwk.Quote(cfg.Signing.id))
	}
	held := slices.Concat(cfg.Decryption, cfg.Staged)
	decryption := held
	if cfg.Signing != nil {
		held = append(held, cfg.Signing)
	}
	if err := validate(held); err != nil {
		return nil, err
	}
	for i, k := range decryption {
		if k.exchange == nil && k.decrypt == nil {
			return nil, fmt.Errorf("%w: the key %s cannot decrypt", ErrNoKey, jwk.Quote(k.id))
		}
		s.decryption[k.id] = i
	}
	s.opens = decryption
	for _, k := range cfg.Staged {
		s.staged[k.id] = true
	}
	for _, kid := range cfg.Erased {
		if _, held := s.decryption[kid]; held {
			return nil, fmt.Errorf("%w: the kid %s is both held and erased", ErrMalformed, jwk.Quote(kid))
		}
		s.erased[kid] = true
	}
	switch {
	case cfg.MaxTokenLifetime < 0:
		return nil, fmt.Errorf("%w: MaxTokenLifetime is negative", ErrMalformed)
	case cfg.Stale != nil && !errors.Is(cfg.Stale, ErrStale):
		return nil, fmt.Errorf("%w: Stale does not wrap ErrStale", ErrMalformed)
	}
	published := cfg.Published
	if published == nil {
		if cfg.Signing != nil {
			published = append(published, cfg.Signing)
		}
		published = append(published, cfg.Decryption[:min(1, len(cfg.Decryption))]...)
	}
	var err error
	if s.public, err = newPublicSet(published); err != nil {
		return nil, err
	}
	if err := s.checkPublished(held); err != nil {
		return nil, err
	}
	return s, nil
}

// checkPublished refuses a published key with the kid or the thumbprint of a key that we hold,
// if the two differ in kid, thumbprint or algorithm. It also refuses a staged key and an erased
// one.
func (s *Set) checkPublished(held []*Key) error {
	byName := make(map[string]*Key, 2*len(held))
	for _, k := range held {
		byName["kid "+k.id], byName["key "+k.thumbprint] = k, k
	}
	for _, k := range s.public.listed {
		for _, name := range []string{"kid " + k.id, "key " + k.thumbprint} {
			if h := byName[name]; h != nil && (h.id != k.id || h.thumbprint != k.thumbprint || h.suite != k.suite) {
				return fmt.Errorf("%w: kid %s is published, and the set holds another key", ErrDuplicate, jwk.Quote(k.id))
			}
		}
		if s.staged[k.id] || s.erased[k.id] && k.Use() == UseEnc {
			return fmt.Errorf("%w: kid %s is published, and it is staged or erased", ErrMalformed, jwk.Quote(k.id))
		}
	}
	return nil
}

// SigningKey returns the key that signs. It returns [ErrNoKey] when the set has
// none, and [ErrStale] when the set is a snapshot too old to sign with.
func (s *Set) SigningKey() (*Key, error) {
	if s = orZero(s); s.stale != nil {
		return nil, s.stale
	}
	if s.signing == nil {
		return nil, fmt.Errorf("%w: no active signing key with its private half", ErrNoKey)
	}
	return s.signing, nil
}

// WasErased reports whether the party once had a decryption key with this kid that was destroyed,
// or revoked and erased. A token that is sealed to such a key was meant for us, and can no longer
// be opened.
func (s *Set) WasErased(kid string) bool { return orZero(s).erased[kid] }

// DecryptionKeyIDs returns the kids of all decryption keys, sorted, to tell an operator whose
// token none of them opens.
func (s *Set) DecryptionKeyIDs() []string { return slices.Sorted(maps.Keys(orZero(s).decryption)) }

// MaxTokenLifetime returns the longest lifetime that the owner's policy allows a
// token signed by this set, or zero for no bound. Keys are kept for as long, so a
// token that lives longer could outlive its key.
func (s *Set) MaxTokenLifetime() time.Duration { return orZero(s).maxLifetime }

// PrivateKeys returns s: a Set is a [PrivateSource]. It returns [ErrNoKey] for nil.
func (s *Set) PrivateKeys(context.Context) (*Set, error) { return s, errIfNil(s) }

// PublicKeys returns the public half: a Set is a [PublicSource]. It returns
// [ErrStale] when the set is a snapshot too old to publish, and [ErrNoKey] for nil.
func (s *Set) PublicKeys(context.Context, string) (*PublicSet, error) {
	switch {
	case s == nil:
		return nil, errIfNil(s)
	case s.stale != nil:
		return nil, s.stale
	}
	return orZero(s.public), nil // public is nil in the zero Set
}

// validate checks the keys of every set of our own. With one key under two kids, or two keys
// under one kid, one party's key could pass for another's.
func validate(ks []*Key) error {
	seen := make(map[string]bool, 2*len(ks))
	for _, k := range ks {
		if k == nil || !k.suite.valid() || k.id == "" {
			return fmt.Errorf("%w: a nil or zero Key, or one without kid", ErrMalformed)
		}
		byID, byThumbprint := "kid "+k.id, "key "+k.thumbprint
		if seen[byID] || seen[byThumbprint] {
			return fmt.Errorf("%w: kid %s", ErrDuplicate, jwk.Quote(k.id))
		}
		seen[byID], seen[byThumbprint] = true, true
	}
	return nil
}

// PublicSource gives the public keys of one party: the keys that verify its signatures, and
// the keys to encrypt to. A [PublicSet] is a source of itself; a ring gives its own public
// half and follows its rotation.
//
// PublicKeys may do I/O. The kid is the one that is wanted, empty for any: a source
// that can refetch may do so for a kid it does not know. The set it returns may
// lack that kid all the same. Sources are safe for concurrent use.
type PublicSource interface {
	PublicKeys(ctx context.Context, kid string) (*PublicSet, error)
}

// PrivateSource gives the caller's own keys, to sign and decrypt with. A [Set] is a source of
// itself; a ring follows its rotation. PrivateKeys may do I/O. Sources are safe for concurrent
// use.
//
// A source whose keys change behind it should have the method
//
//	Reload(ctx context.Context) (*Set, error)
//
// too, as a ring has, and so should a type that wraps a ring. An opener calls it for a kid that
// the set does not hold, since another process may have rotated. Clients choose that kid, so
// Reload must limit how often it asks its store. An error of Reload says that it could not
// look, so that there may be newer keys.
type PrivateSource interface {
	PrivateKeys(ctx context.Context) (*Set, error)
}
