package keys

import (
	"context"
	"encoding/json"
	"fmt"
)

// PublicSet is an immutable set of one party's public keys: a JWK Set (RFC 7517
// section 5) with nothing private in it by construction. It is what parties
// exchange. It is safe for concurrent use.
//
// json.Marshal of a PublicSet gives a JWK Set whose keys all have kid, use and
// alg, except that a foreign key that left its use open leaves it open again.
type PublicSet struct {
	jwks    []writtenJWK
	listed  []*Key
	verify  map[string]*Key
	encrypt []*Key
	skipped []Skipped
}

// Skipped is a member of a JWK Set that was passed over, and why. RFC 7517
// section 5 asks to ignore what one does not understand rather than to fail.
type Skipped struct {
	Index  int    // its place in the "keys" array, from 0
	KeyID  string // its kid, may be empty; quote it before printing
	Reason error
}

// newPublicSet makes a set of keys, dropping their private halves.
func newPublicSet(ks []*Key) (*PublicSet, error) {
	if err := validate(ks); err != nil {
		return nil, err
	}
	p := &PublicSet{verify: make(map[string]*Key, len(ks))}
	for _, k := range ks {
		p.add(k.withoutPrivate())
		p.jwks = append(p.jwks, k.publicJWK())
	}
	return p, nil
}

func (p *PublicSet) add(k *Key) {
	p.listed = append(p.listed, k)
	switch k.Use() {
	case UseSig:
		p.verify[k.id] = k
	case UseEnc:
		p.encrypt = append(p.encrypt, k)
	}
}

// VerificationKey returns the signing key with this kid; ok is false when there
// is none.
func (p *PublicSet) VerificationKey(kid string) (k *Key, ok bool) {
	k, ok = p.verify[kid]
	return k, ok
}

// OnlyVerificationKey returns the signing key for an algorithm name if exactly
// one is there, for tokens that name none.
func (p *PublicSet) OnlyVerificationKey(alg string) (k *Key, ok bool) {
	for _, c := range p.verify {
		if c.suite.Matches(alg) {
			if ok {
				return nil, false
			}
			k, ok = c, true
		}
	}
	return k, ok
}

// EncryptionKey returns the key to encrypt to: the first usable one of the set.
// It returns [ErrNoKey] when there is none.
func (p *PublicSet) EncryptionKey() (*Key, error) {
	if len(p.encrypt) == 0 {
		return nil, fmt.Errorf("%w: the JWK Set has no encryption key that is supported (use enc with %v or %v on P-256 or X25519, or %v)",
			ErrNoKey, ECDHES, ECDHESA256KW, RSAOAEP256)
	}
	return p.encrypt[0], nil
}

// Keys returns the usable keys in their order. A JWK that says neither use nor
// alg may stand there once for each use.
func (p *PublicSet) Keys() []*Key { return append([]*Key(nil), p.listed...) }

// ForUse returns the keys for one use: what a party hands out that only signs, or
// only decrypts.
func (p *PublicSet) ForUse(u Use) *PublicSet {
	only := &PublicSet{verify: make(map[string]*Key)}
	for _, k := range p.listed {
		if k.Use() == u {
			only.add(k)
			only.jwks = append(only.jwks, k.publicJWK())
		}
	}
	return only
}

// Skipped returns what was passed over when the set was read.
func (p *PublicSet) Skipped() []Skipped { return append([]Skipped(nil), p.skipped...) }

// Public returns p: a PublicSet is a [PublicSource].
func (p *PublicSet) Public(context.Context, string) (*PublicSet, error) { return p, nil }

// MarshalJSON writes the JWK Set.
func (p PublicSet) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Keys []writtenJWK `json:"keys"`
	}{append([]writtenJWK{}, p.jwks...)})
}
