package keyring

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	endedLength = 256 // ended keys whose dates and reasons a ring remembers
	headSize    = 12  // bytes of a thumbprint that a generated kid spells
	headLength  = 16  // characters of a generated kid
)

// tombstones are the keys that ended long ago, so that no kid and no key ever comes back. A
// ring keeps them for ever. They stand in few strings, because the limits of package strict
// on members and values would end the life of a ring after a year of daily keys.
type tombstones struct {
	Sig        heads   `json:"sig,omitempty"`
	Enc        heads   `json:"enc,omitempty"`
	SigRevoked heads   `json:"sig_revoked,omitempty"`
	EncRevoked heads   `json:"enc_revoked,omitempty"`
	Imported   foreign `json:"imported,omitempty"` // under kids that do not head their thumbprint
}

// tombstone is one of tombstones.
type tombstone struct {
	kid        string
	thumbprint string // empty: the kid heads it
	use        keys.Use
	state      State // Destroyed or Revoked
}

// headOf returns the part of a thumbprint that tells keys apart in a ring, 96 bits of it.
// Without a thumbprint the kid is that part.
func headOf(kid, thumbprint string) string {
	if len(thumbprint) < headLength {
		return kid
	}
	return thumbprint[:headLength]
}

// isGenerated reports whether the kid of a key heads its thumbprint.
func isGenerated(kid, thumbprint string) bool {
	return len(kid) == headLength && kid == headOf(kid, thumbprint)
}

// group returns the heads of the generated keys for a use in a final state.
func (t *tombstones) group(u keys.Use, s State) *heads {
	switch {
	case u == keys.UseSig && s == Destroyed:
		return &t.Sig
	case u == keys.UseSig:
		return &t.SigRevoked
	case s == Destroyed:
		return &t.Enc
	}
	return &t.EncRevoked
}

var finalStates = []State{Destroyed, Revoked}

// find returns the tombstone of a kid.
func (t *tombstones) find(kid string) (found tombstone, ok bool) {
	if head, err := strict.DecodeBase64URL(kid); err == nil && len(head) == headSize {
		for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
			for _, s := range finalStates {
				if _, ok := t.group(u, s).search(head); ok {
					return tombstone{kid: kid, use: u, state: s}, true
				}
			}
		}
	}
	if i, ok := t.Imported.search(kid); ok {
		return t.Imported[i], true
	}
	return tombstone{}, false
}

// has reports whether a key with this kid or this head of a thumbprint has ended.
func (t *tombstones) has(kid, head string) bool {
	if _, ok := t.find(kid); ok {
		return true
	}
	if _, ok := t.find(head); ok {
		return true
	}
	return slices.ContainsFunc(t.Imported, func(o tombstone) bool { return o.thumbprint[:headLength] == head })
}

// add adds a tombstone. It leaves the memory of t alone, which other documents share.
func (t *tombstones) add(o tombstone) {
	if o.thumbprint == "" {
		head, _ := strict.DecodeBase64URL(o.kid)
		g := t.group(o.use, o.state)
		*g = g.with(head)
		return
	}
	i, _ := t.Imported.search(o.kid)
	t.Imported = slices.Insert(slices.Clone(t.Imported), i, o)
}

// remove takes out the tombstone of a kid.
func (t *tombstones) remove(o tombstone) {
	if o.thumbprint == "" {
		head, _ := strict.DecodeBase64URL(o.kid)
		g := t.group(o.use, o.state)
		*g = g.without(head)
		return
	}
	t.Imported = slices.DeleteFunc(slices.Clone(t.Imported), func(p tombstone) bool { return p.kid == o.kid })
}

// revoke makes the tombstone of a destroyed key that of a revoked one.
func (t *tombstones) revoke(kid string) {
	if o, ok := t.find(kid); ok {
		t.remove(o)
		o.state = Revoked
		t.add(o)
	}
}

// those returns the tombstones among the kids.
func (t *tombstones) those(kids []string) []tombstone {
	var those []tombstone
	for _, kid := range kids {
		if o, ok := t.find(kid); ok {
			those = append(those, o)
		}
	}
	return those
}

// all returns every tombstone, group by group.
func (t *tombstones) all() []tombstone {
	var all []tombstone
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		for _, s := range finalStates {
			for _, kid := range t.group(u, s).kids() {
				all = append(all, tombstone{kid: kid, use: u, state: s})
			}
		}
	}
	return append(all, t.Imported...)
}

// erased returns the kids of the decryption keys.
func (t *tombstones) erased() []string {
	kids := slices.Concat(t.Enc.kids(), t.EncRevoked.kids())
	for _, o := range t.Imported {
		if o.use == keys.UseEnc {
			kids = append(kids, o.kid)
		}
	}
	return kids
}

// check refuses a key that is there twice.
func (t *tombstones) check() error {
	groups := []heads{t.Sig, t.SigRevoked, t.Enc, t.EncRevoked}
	for i, g := range groups {
		for _, h := range groups[:i] {
			if head := g.common(h); head != nil {
				return fmt.Errorf("%w: kid %s", keys.ErrDuplicate, strict.EncodeBase64URL(head))
			}
		}
	}
	kids := tombstones{Sig: t.Sig, Enc: t.Enc, SigRevoked: t.SigRevoked, EncRevoked: t.EncRevoked}
	thumbprints := make(map[string]bool)
	for _, o := range t.Imported {
		head := headOf(o.kid, o.thumbprint)
		if kids.has(o.kid, head) || thumbprints[head] {
			return fmt.Errorf("%w: kid %s", keys.ErrDuplicate, jwk.Quote(o.kid))
		}
		thumbprints[head] = true
	}
	return nil
}

// heads are the first 12 bytes of thumbprints, ascending, one after the other.
type heads []byte

func (h heads) search(head []byte) (i int, found bool) {
	lo, hi := 0, len(h)/headSize
	for lo < hi {
		mid := (lo + hi) / 2
		switch bytes.Compare(h[mid*headSize:(mid+1)*headSize], head) {
		case 0:
			return mid * headSize, true
		case -1:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo * headSize, false
}

// kids returns the kids, spelled at once: 12 bytes are 16 characters, with nothing between.
func (h heads) kids() []string {
	text := strict.EncodeBase64URL(h)
	kids := make([]string, 0, len(h)/headSize)
	for i := 0; i < len(text); i += headLength {
		kids = append(kids, text[i:i+headLength])
	}
	return kids
}

// common returns a head that is in both, nil for none.
func (h heads) common(o heads) []byte {
	for len(h) > 0 && len(o) > 0 {
		switch bytes.Compare(h[:headSize], o[:headSize]) {
		case 0:
			return h[:headSize]
		case -1:
			h = h[headSize:]
		default:
			o = o[headSize:]
		}
	}
	return nil
}

func (h heads) with(head []byte) heads {
	i, _ := h.search(head)
	return slices.Concat(h[:i], head, h[i:])
}

func (h heads) without(head []byte) heads {
	i, found := h.search(head)
	if !found {
		return h
	}
	return slices.Concat(h[:i], h[i+headSize:])
}

// MarshalText writes base64url.
func (h heads) MarshalText() ([]byte, error) { return strict.AppendBase64URL(nil, h), nil }

// UnmarshalText reads what MarshalText writes, and refuses heads that are not ascending.
func (h *heads) UnmarshalText(text []byte) error {
	b, err := strict.DecodeBase64URL(text)
	if err != nil || len(b)%headSize != 0 {
		return fmt.Errorf("no list of tombstones")
	}
	for i := headSize; i < len(b); i += headSize {
		if bytes.Compare(b[i-headSize:i], b[i:i+headSize]) >= 0 {
			return fmt.Errorf("tombstones out of order")
		}
	}
	*h = b
	return nil
}

// foreign are the tombstones of imported keys, by kid. Each is written as a byte of flags, the
// length of its kid less one, the kid and the thumbprint.
type foreign []tombstone

const (
	flagEnc = 1 << iota
	flagRevoked
)

func (f foreign) search(kid string) (i int, found bool) {
	return slices.BinarySearchFunc(f, kid, func(t tombstone, kid string) int { return cmp.Compare(t.kid, kid) })
}

// MarshalText writes base64url.
func (f foreign) MarshalText() ([]byte, error) {
	var b []byte
	for _, t := range f {
		var flags byte
		if t.use == keys.UseEnc {
			flags |= flagEnc
		}
		if t.state == Revoked {
			flags |= flagRevoked
		}
		print, err := strict.DecodeBase64URL(t.thumbprint)
		if err != nil || len(print) != sha256.Size || jwk.CheckKeyID(t.kid) != nil {
			return nil, fmt.Errorf("a tombstone without kid or thumbprint")
		}
		b = append(b, flags, byte(len(t.kid)-1))
		b = append(append(b, t.kid...), print...)
	}
	return strict.AppendBase64URL(nil, b), nil
}

// UnmarshalText reads what MarshalText writes, and refuses every other spelling of it.
func (f *foreign) UnmarshalText(text []byte) error {
	b, err := strict.DecodeBase64URL(text)
	if err != nil {
		return err
	}
	var list foreign
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1])+1+sha256.Size || b[0] > flagEnc|flagRevoked {
			return fmt.Errorf("no list of tombstones")
		}
		n := 2 + int(b[1]) + 1
		t := tombstone{kid: string(b[2:n]), thumbprint: strict.EncodeBase64URL(b[n : n+sha256.Size]), use: keys.UseSig, state: Destroyed}
		if b[0]&flagEnc != 0 {
			t.use = keys.UseEnc
		}
		if b[0]&flagRevoked != 0 {
			t.state = Revoked
		}
		if jwk.CheckKeyID(t.kid) != nil || isGenerated(t.kid, t.thumbprint) || len(list) > 0 && list[len(list)-1].kid >= t.kid {
			return fmt.Errorf("tombstones out of order")
		}
		list, b = append(list, t), b[n+sha256.Size:]
	}
	*f = list
	return nil
}
