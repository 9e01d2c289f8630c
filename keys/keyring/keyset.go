package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// setConfig returns the tasks of each key of the document. It is the state table of the
// package documentation in code, and the only place where a state decides which tasks a
// key may do.
func (d *document) setConfig() (keys.SetConfig, error) {
	policy, err := d.Policy.policy()
	if err != nil {
		return keys.SetConfig{}, err
	}
	// Published is empty and not nil: for nil, NewSet would publish keys of its own choice.
	cfg := keys.SetConfig{MaxTokenLifetime: policy.TokenLifetime, Published: []*keys.Key{}}
	if err := d.Ended.Check(); err != nil {
		return keys.SetConfig{}, err
	}
	cfg.Erased = d.Ended.Erased()
	active, seen := make(map[keys.Use]bool), make(map[string]bool)
	var before []*keys.Key // decryption keys out of use, the newest record first
	for _, r := range d.Keys {
		if err := d.addUnique(seen, r); err != nil {
			return keys.SetConfig{}, err
		}
		k, err := r.key()
		if err != nil {
			return keys.SetConfig{}, fmt.Errorf("key %s: %w", jwk.Quote(r.ID), err)
		}
		if r.State == Active && active[r.Use] {
			return keys.SetConfig{}, fmt.Errorf("two active keys for use %s", r.Use)
		}
		active[r.Use] = active[r.Use] || r.State == Active
		switch {
		case k == nil && r.Use == keys.UseEnc:
			cfg.Erased = append(cfg.Erased, r.ID)
		case k == nil:
		case r.Use == keys.UseSig && r.State == Active:
			cfg.Signing = k
		case r.Use == keys.UseEnc && r.State == Staged:
			cfg.Staged = append(cfg.Staged, k)
		case r.Use == keys.UseEnc && r.State == Active:
			cfg.Decryption = append(cfg.Decryption, k)
		case r.Use == keys.UseEnc:
			before = slices.Insert(before, 0, k)
		}
		if r.isPublished() {
			cfg.Published = append(cfg.Published, k)
		}
	}
	cfg.Decryption = append(cfg.Decryption, before...)
	return cfg, nil
}

// addUnique refuses a kid or a thumbprint that another key or tombstone of the ring has: a kid
// never comes back.
func (d *document) addUnique(seen map[string]bool, r record) error {
	head := tombstone.HeadOf(r.ID, r.Thumbprint)
	byID, byThumbprint := "kid "+r.ID, "key "+head
	if seen[byID] || seen[byThumbprint] || d.Ended.Has(r.ID, head) {
		return fmt.Errorf("%w: kid %s", keys.ErrDuplicate, jwk.Quote(r.ID))
	}
	seen[byID], seen[byThumbprint] = true, true
	return nil
}

// isPublished reports whether the key is in the JWK Set. A signing key is published before it
// signs, and until its last token is dead. A decryption key is published only while it is active,
// because senders seal to it. A revoked key is never published.
func (r *record) isPublished() bool {
	if r.Use == keys.UseSig {
		return r.State == Staged || r.State == Active || r.State == Retired
	}
	return r.State == Active
}

// key returns the key that the record holds, nil for a tombstone. A revoked decryption key is
// not a tombstone until it is erased.
func (r *record) key() (*keys.Key, error) {
	suite, err := keys.ParseSuite(r.Suite)
	if err != nil || suite.Use() != r.Use {
		return nil, fmt.Errorf("algorithm does not fit the use")
	}
	if err := r.checkState(); err != nil {
		return nil, err
	}
	if len(r.JWK) == 0 {
		if head, err := strict.DecodeBase64URL(r.ID); r.Thumbprint == "" && (err != nil || len(head) != tombstone.HeadSize) {
			return nil, fmt.Errorf("neither thumbprint nor a kid that heads it")
		}
		return nil, jwk.CheckKeyID(r.ID)
	}
	k, err := keys.ParseKey(r.JWK, keys.Hint{Suite: suite})
	if err != nil {
		return nil, err
	}
	if k.ID() != r.ID || k.Thumbprint() != r.Thumbprint {
		return nil, fmt.Errorf("kid or thumbprint is not the key's own")
	}
	if erased := r.Use == keys.UseSig && r.State == Retired; k.HasPrivate() == erased {
		return nil, fmt.Errorf("%s with the wrong half of its key", r.State)
	}
	return k, nil
}

// checkState refuses combinations of state and key material that no transition
// makes.
func (r *record) checkState() error {
	hasKey := len(r.JWK) != 0
	switch {
	case r.State == Staged, r.State == Active, r.State == Retired:
		if !hasKey {
			return fmt.Errorf("%s without a key", r.State)
		}
	case r.State == Destroyed, r.State == Revoked && r.Use == keys.UseSig:
		if hasKey {
			return fmt.Errorf("%s with its key", r.State)
		}
	case r.State != Revoked:
		return fmt.Errorf("unknown state")
	}
	return nil
}

// KeyInfo describes one key of a ring, tombstones included. It holds no key material. Of the 256
// keys that ended last a ring keeps the dates and the reason. Of a key that ended before these,
// the ring keeps only ID, Use and State. A tombstone keeps the thumbprint too, unless the kid is
// the first 16 characters of it.
type KeyInfo struct {
	ID         string     `json:"kid"`
	Use        keys.Use   `json:"use"`
	Suite      keys.Suite `json:"alg,omitzero"`
	State      State      `json:"state"`
	HasPrivate bool       `json:"private"`              // the ring has the private half
	Thumbprint string     `json:"thumbprint,omitempty"` // RFC 7638, SHA-256, base64url
	Created    time.Time  `json:"created,omitzero"`     // when it came into the ring
	Activated  time.Time  `json:"activated,omitzero"`   // zero if it never was active in this ring, or its dates are no longer kept
	Retired    time.Time  `json:"retired,omitzero"`     // zero if it never retired
	Ended      time.Time  `json:"ended,omitzero"`       // when it was destroyed or revoked
	Reason     string     `json:"reason,omitempty"`     // of its revocation
	Next       Action     `json:"next,omitempty"`       // the next step of the rotation for it
	NextAt     time.Time  `json:"next_at,omitzero"`     // when that step is due
	WrongDate  time.Time  `json:"wrong_date,omitzero"`  // a date of the key that shows that a clock is wrong, of this host or of another
}

// Keys loads the ring and describes its keys, tombstones included. The keys that ended before the
// last 256 come first, in no order of age, and then the others, oldest first. It returns the
// errors of [Open].
func (r *Ring) Keys(ctx context.Context) ([]KeyInfo, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	return s.document.infos(r.now())
}

// infos describes the keys with the given kids, and all keys if no kid is given.
func (d *document) infos(now time.Time, kids ...string) ([]KeyInfo, error) {
	next := d.nextOf(now)
	var infos []KeyInfo
	ended := d.Ended.All
	if len(kids) != 0 {
		ended = func() []tombstone.Tombstone { return d.Ended.Those(kids) }
	}
	for _, t := range ended() {
		infos = append(infos, KeyInfo{ID: t.KeyID, Use: t.Use, State: stateOf(t), Thumbprint: t.Thumbprint})
	}
	for _, k := range d.Keys {
		if len(kids) != 0 && !slices.Contains(kids, k.ID) {
			continue
		}
		suite, err := keys.ParseSuite(k.Suite)
		if err != nil {
			return nil, err
		}
		infos = append(infos, KeyInfo{
			ID: k.ID, Use: k.Use, Suite: suite, State: k.State, Thumbprint: k.Thumbprint,
			HasPrivate: len(k.JWK) != 0 && !(k.Use == keys.UseSig && k.State == Retired),
			Created:    k.Created, Activated: k.Activated, Retired: k.Retired, Ended: k.Ended, Reason: k.Reason,
			Next: next[k.ID].Action, NextAt: next[k.ID].At, WrongDate: d.wrongDate(&k, now),
		})
	}
	return infos, nil
}

// nextOf returns the next step of each key, by kid. For the oldest staged key of a use the step
// is its activation, and for the active key the retirement at that moment. An active key without
// a staged successor has none. For a key out of use the step is its destruction, or the look
// (MarkDue, ClearDue) that must come before.
func (d *document) nextOf(now time.Time) map[string]Step {
	next := make(map[string]Step)
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		s, ok := d.successor(u)
		if !ok || s.Action == Stage {
			continue
		}
		for _, kid := range []string{s.KeyID, s.Retires} {
			if r := d.byID(kid); r != nil {
				s.At = latest(s.At, d.waitOf(r).Over(r.Due, now))
			}
		}
		next[s.KeyID], next[s.Retires] = s, Step{Action: Retire, At: s.At}
	}
	for i := range d.Keys {
		if s, ok := d.ending(&d.Keys[i], now); ok {
			next[s.KeyID] = s
		}
	}
	return next
}
