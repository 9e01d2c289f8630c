package keyring

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
)

// The bounds of a ring. With them it never fills up: only its compact tombstones grow, by 22
// bytes of the stored ring for each key that ends.
const (
	// maxHeld is how many keys a ring holds. A rotation that has reached it waits until a
	// retired key is destroyed.
	maxHeld = 64
	// endedLength is of how many ended keys a ring remembers the dates and the reasons.
	endedLength = 256
	// maxText is the length in bytes of a reason, and of each text of an event, as JSON
	// spells it.
	maxText = 256
	// maxRing is the size in bytes at which a stored ring grows no more, except by a
	// revocation. Every Store takes half a megabyte beyond it.
	maxRing = 3 << 19
)

// Fullness loads the ring and returns how much of its room it takes, from 0 to 1. A ring that
// is full takes no new key, so it no longer rotates. A revocation still has room for
// thousands of keys. Daily keys for both uses fill half of it in 35 years; before it is full,
// make a new ring. It returns the errors of [Open].
func (r *Ring) Fullness(ctx context.Context) (float64, error) {
	s, err := r.load(ctx)
	if err != nil {
		return 0, err
	}
	return float64(s.size) / maxRing, nil
}

// checkRoom refuses one more key in a ring that is full, unless a revocation makes it.
func (d *draft) checkRoom(before *document, size int) error {
	if size <= maxRing || d.revokes || d.held() <= before.held() {
		return nil
	}
	return fmt.Errorf("%w: the ring is full: it has %d bytes of %d, nearly all for the kids of ended keys; "+
		"a revocation still works; make a new ring and move to it", ErrState, size, maxRing)
}

// held returns how many keys the ring has material of.
func (d *document) held() int {
	n := 0
	for _, r := range d.Keys {
		if len(r.JWK) != 0 {
			n++
		}
	}
	return n
}

// checkHeld refuses another key in a ring that holds enough.
func (d *document) checkHeld() error {
	if d.held() < maxHeld {
		return nil
	}
	return fmt.Errorf("%w: the ring holds %d keys and takes no more: wait until retired keys are destroyed, or revoke those that no token needs", ErrState, maxHeld)
}

// makeRoom erases the decryption keys that were revoked first, while the ring holds too many
// keys, so that a revocation always has room. Their tokens fail.
func (d *document) makeRoom() {
	for d.held() > maxHeld {
		var first *record
		for i := range d.Keys {
			if r := &d.Keys[i]; r.State == Revoked && len(r.JWK) != 0 && (first == nil || r.Ended.Before(first.Ended)) {
				first = r
			}
		}
		if first == nil {
			return
		}
		first.erase()
	}
}

// bury makes all tombstones but those of the keys that ended last compact: no date, no reason,
// no algorithm.
func (d *document) bury() {
	var ended []*record
	for i := range d.Keys {
		r := &d.Keys[i]
		if len(r.JWK) != 0 {
			continue
		}
		if tombstone.IsGenerated(r.ID, r.Thumbprint) {
			r.Thumbprint = ""
		}
		ended = append(ended, r)
	}
	slices.SortStableFunc(ended, func(a, b *record) int { return a.Ended.Compare(b.Ended) })
	gone := make(map[string]bool)
	for _, r := range ended[:max(0, len(ended)-endedLength)] {
		gone[r.ID] = true
		d.Ended.Add(tombstone.Tombstone{KeyID: r.ID, Thumbprint: r.Thumbprint, Use: r.Use, Revoked: r.State == Revoked})
	}
	d.Keys = slices.DeleteFunc(d.Keys, func(r record) bool { return gone[r.ID] })
}

// shorten cuts a text so that JSON spells it in maxText bytes, between two characters.
func shorten(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "")
	spelled := 0
	for i, r := range s {
		text, _ := json.Marshal(string(r))
		if spelled += len(text) - len(`""`); spelled > maxText {
			return s[:i]
		}
	}
	return s
}
