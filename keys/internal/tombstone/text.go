package tombstone

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

// heads holds the first 12 bytes of each of many thumbprints, in ascending order, one after the
// other without a separator.
type heads []byte

func (h heads) search(head []byte) (i int, found bool) {
	lo, hi := 0, len(h)/HeadSize
	for lo < hi {
		mid := (lo + hi) / 2
		switch bytes.Compare(h[mid*HeadSize:(mid+1)*HeadSize], head) {
		case 0:
			return mid * HeadSize, true
		case -1:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo * HeadSize, false
}

// kids returns the kid of each head, which is the head in base64url. It encodes all heads in
// one call: 12 bytes become exactly 16 characters.
func (h heads) kids() []string {
	text := strict.EncodeBase64URL(h)
	kids := make([]string, 0, len(h)/HeadSize)
	for i := 0; i < len(text); i += headLength {
		kids = append(kids, text[i:i+headLength])
	}
	return kids
}

// common returns a head that is in both h and o, nil if there is none.
func (h heads) common(o heads) []byte {
	for len(h) > 0 && len(o) > 0 {
		switch bytes.Compare(h[:HeadSize], o[:HeadSize]) {
		case 0:
			return h[:HeadSize]
		case -1:
			h = h[HeadSize:]
		default:
			o = o[HeadSize:]
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
	return slices.Concat(h[:i], h[i+HeadSize:])
}

// MarshalText writes base64url.
func (h heads) MarshalText() ([]byte, error) { return strict.AppendBase64URL(nil, h), nil }

// UnmarshalText reads what MarshalText writes, and refuses heads that are not ascending.
func (h *heads) UnmarshalText(text []byte) error {
	b, err := strict.DecodeBase64URL(text)
	if err != nil || len(b)%HeadSize != 0 {
		return fmt.Errorf("no list of tombstones")
	}
	for i := HeadSize; i < len(b); i += HeadSize {
		if bytes.Compare(b[i-HeadSize:i], b[i:i+HeadSize]) >= 0 {
			return fmt.Errorf("tombstones out of order")
		}
	}
	*h = b
	return nil
}

// foreign has the tombstones of imported keys, in the order of their kids. Each is written as a
// byte of flags, the length of its kid less one in a byte, the kid and the 32 bytes of the
// thumbprint.
type foreign []Tombstone

const (
	flagEnc = 1 << iota
	flagRevoked
)

func (f foreign) search(kid string) (i int, found bool) {
	return slices.BinarySearchFunc(f, kid, func(t Tombstone, kid string) int { return cmp.Compare(t.KeyID, kid) })
}

// MarshalText writes base64url.
func (f foreign) MarshalText() ([]byte, error) {
	var b []byte
	for _, t := range f {
		var flags byte
		if t.Use == keys.UseEnc {
			flags |= flagEnc
		}
		if t.Revoked {
			flags |= flagRevoked
		}
		print, err := strict.DecodeBase64URL(t.Thumbprint)
		if err != nil || len(print) != sha256.Size || jwk.CheckKeyID(t.KeyID) != nil {
			return nil, fmt.Errorf("a tombstone without kid or thumbprint")
		}
		b = append(b, flags, byte(len(t.KeyID)-1))
		b = append(append(b, t.KeyID...), print...)
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
		t := Tombstone{KeyID: string(b[2:n]), Thumbprint: strict.EncodeBase64URL(b[n : n+sha256.Size]), Use: keys.UseSig}
		if b[0]&flagEnc != 0 {
			t.Use = keys.UseEnc
		}
		if b[0]&flagRevoked != 0 {
			t.Revoked = true
		}
		if jwk.CheckKeyID(t.KeyID) != nil || IsGenerated(t.KeyID, t.Thumbprint) || len(list) > 0 && list[len(list)-1].KeyID >= t.KeyID {
			return fmt.Errorf("tombstones out of order")
		}
		list, b = append(list, t), b[n+sha256.Size:]
	}
	*f = list
	return nil
}
