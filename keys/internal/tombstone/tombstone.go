// Package tombstone remembers the keys of a ring that were destroyed or revoked, in few bytes
// for each.
package tombstone

import (
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// A kid that a ring generates is the first part of the thumbprint of its key.
const (
	HeadSize   = 12 // bytes of a thumbprint that a generated kid spells
	headLength = 16 // characters of a generated kid
)

// Set has the keys that ended long ago, so that no kid and no key ever comes back. A ring keeps
// it for ever. The keys are packed into a few strings. If each had a JSON value of its own, a
// ring would reach the limits of package strict on members and values after a year of daily
// keys.
type Set struct {
	Sig        heads   `json:"sig,omitempty"`
	Enc        heads   `json:"enc,omitempty"`
	SigRevoked heads   `json:"sig_revoked,omitempty"`
	EncRevoked heads   `json:"enc_revoked,omitempty"`
	Imported   foreign `json:"imported,omitempty"` // keys whose kid is not the start of the thumbprint
}

// Tombstone is one key of a Set.
type Tombstone struct {
	KeyID      string
	Thumbprint string // empty if the kid is the start of the thumbprint
	Use        keys.Use
	Revoked    bool // otherwise destroyed
}

// HeadOf returns the first 16 characters of a thumbprint, 96 bits, by which a ring tells its
// keys apart. If the thumbprint is empty, the kid is these characters, and HeadOf returns it.
func HeadOf(kid, thumbprint string) string {
	if len(thumbprint) < headLength {
		return kid
	}
	return thumbprint[:headLength]
}

// IsGenerated reports whether the kid is the first 16 characters of the thumbprint, as of a
// generated key.
func IsGenerated(kid, thumbprint string) bool {
	return len(kid) == headLength && kid == HeadOf(kid, thumbprint)
}

// group returns the heads of the generated keys for a use, revoked or destroyed.
func (t *Set) group(u keys.Use, revoked bool) *heads {
	switch {
	case u == keys.UseSig && !revoked:
		return &t.Sig
	case u == keys.UseSig:
		return &t.SigRevoked
	case !revoked:
		return &t.Enc
	}
	return &t.EncRevoked
}

// Find returns the tombstone of a kid.
func (t *Set) Find(kid string) (found Tombstone, ok bool) {
	if head, err := strict.DecodeBase64URL(kid); err == nil && len(head) == HeadSize {
		for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
			for _, revoked := range []bool{false, true} {
				if _, ok := t.group(u, revoked).search(head); ok {
					return Tombstone{KeyID: kid, Use: u, Revoked: revoked}, true
				}
			}
		}
	}
	if i, ok := t.Imported.search(kid); ok {
		return t.Imported[i], true
	}
	return Tombstone{}, false
}

// Has reports whether a key with this kid or this head of a thumbprint has ended.
func (t *Set) Has(kid, head string) bool {
	if _, ok := t.Find(kid); ok {
		return true
	}
	if _, ok := t.Find(head); ok {
		return true
	}
	return slices.ContainsFunc(t.Imported, func(o Tombstone) bool { return o.Thumbprint[:headLength] == head })
}

// Add adds a tombstone. It changes copies of the lists, because other documents share their
// memory.
func (t *Set) Add(o Tombstone) {
	if o.Thumbprint == "" {
		head, _ := strict.DecodeBase64URL(o.KeyID)
		g := t.group(o.Use, o.Revoked)
		*g = g.with(head)
		return
	}
	i, _ := t.Imported.search(o.KeyID)
	t.Imported = slices.Insert(slices.Clone(t.Imported), i, o)
}

// remove takes out the tombstone o. It changes copies of the lists, as Add does.
func (t *Set) remove(o Tombstone) {
	if o.Thumbprint == "" {
		head, _ := strict.DecodeBase64URL(o.KeyID)
		g := t.group(o.Use, o.Revoked)
		*g = g.without(head)
		return
	}
	t.Imported = slices.DeleteFunc(slices.Clone(t.Imported), func(p Tombstone) bool { return p.KeyID == o.KeyID })
}

// Revoke turns the tombstone of a destroyed key into the tombstone of a revoked one. It does
// nothing for a kid without a tombstone.
func (t *Set) Revoke(kid string) {
	if o, ok := t.Find(kid); ok {
		t.remove(o)
		o.Revoked = true
		t.Add(o)
	}
}

// Those returns the tombstones of the given kids. It leaves out a kid without a tombstone.
func (t *Set) Those(kids []string) []Tombstone {
	var those []Tombstone
	for _, kid := range kids {
		if o, ok := t.Find(kid); ok {
			those = append(those, o)
		}
	}
	return those
}

// All returns every tombstone: of signing keys, of decryption keys, then of imported keys.
func (t *Set) All() []Tombstone {
	var all []Tombstone
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		for _, revoked := range []bool{false, true} {
			for _, kid := range t.group(u, revoked).kids() {
				all = append(all, Tombstone{KeyID: kid, Use: u, Revoked: revoked})
			}
		}
	}
	return append(all, t.Imported...)
}

// Erased returns the kids of all decryption keys in the set.
func (t *Set) Erased() []string {
	kids := slices.Concat(t.Enc.kids(), t.EncRevoked.kids())
	for _, o := range t.Imported {
		if o.Use == keys.UseEnc {
			kids = append(kids, o.KeyID)
		}
	}
	return kids
}

// Check returns [keys.ErrDuplicate] if a kid, or the head of a thumbprint, is in the set twice.
func (t *Set) Check() error {
	groups := []heads{t.Sig, t.SigRevoked, t.Enc, t.EncRevoked}
	for i, g := range groups {
		for _, h := range groups[:i] {
			if head := g.common(h); head != nil {
				return fmt.Errorf("%w: kid %s", keys.ErrDuplicate, strict.EncodeBase64URL(head))
			}
		}
	}
	kids := Set{Sig: t.Sig, Enc: t.Enc, SigRevoked: t.SigRevoked, EncRevoked: t.EncRevoked}
	thumbprints := make(map[string]bool)
	for _, o := range t.Imported {
		head := HeadOf(o.KeyID, o.Thumbprint)
		if kids.Has(o.KeyID, head) || thumbprints[head] {
			return fmt.Errorf("%w: kid %s", keys.ErrDuplicate, jwk.Quote(o.KeyID))
		}
		thumbprints[head] = true
	}
	return nil
}
