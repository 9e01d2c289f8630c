package keys

import (
	"encoding/json"
	"fmt"
)

// set makes of the document's keys what its owner uses. It is the state table of
// the package documentation in code, and the only place where a state decides
// what a key may do.
func (d *document) set() (*Set, error) {
	policy, err := d.Policy.policy()
	if err != nil {
		return nil, err
	}
	var (
		held, published []*Key
		active          = make(map[Use]*Key)
		seen            = make(map[string]bool)
		unknown         = make(map[string]bool)
		erased          = make(map[string]bool)
	)
	for _, r := range d.Keys {
		if err := addUnique(seen, r.ID, r.Thumbprint); err != nil {
			return nil, err
		}
		k, err := r.key()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", quote(r.ID), err)
		}
		if k == nil {
			erased[r.ID] = r.Use == UseEnc
			continue
		}
		held = append(held, k)
		unknown[k.id] = r.Use == UseEnc && r.State == Staged
		if r.State == Active {
			if active[r.Use] != nil {
				return nil, fmt.Errorf("two active keys for use %s", r.Use)
			}
			active[r.Use] = k
		}
		if r.isPublished() {
			published = append(published, k)
		}
	}
	s, err := newSet(held, active[UseSig], published)
	if err != nil {
		return nil, err
	}
	s.maxLifetime, s.unknown, s.erased = policy.TokenLifetime, unknown, erased
	return s, nil
}

// isPublished: a signing key goes out before it signs and stays until its last
// token is dead; a decryption key goes out only while it is the one to seal to.
func (r *record) isPublished() bool {
	if r.Use == UseSig {
		return r.State == Staged || r.State == Active || r.State == Retired
	}
	return r.State == Active
}

// key returns the key that the record holds, nil for a tombstone. A revoked
// decryption key is no tombstone until it is erased.
func (r *record) key() (*Key, error) {
	suite, err := ParseSuite(r.Suite)
	if err != nil || suite.Use() != r.Use {
		return nil, fmt.Errorf("algorithm does not fit the use")
	}
	if err := r.checkState(); err != nil {
		return nil, err
	}
	if len(r.JWK) == 0 {
		return nil, checkID(r.ID)
	}
	k, err := ParseKey(r.JWK, As{Suite: suite})
	if err != nil {
		return nil, err
	}
	if k.id != r.ID || k.thumbprint != r.Thumbprint {
		return nil, fmt.Errorf("kid or thumbprint is not the key's own")
	}
	if erased := r.Use == UseSig && r.State == Retired; k.HasPrivate() == erased {
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
	case r.State == Destroyed, r.State == Revoked && r.Use == UseSig:
		if hasKey {
			return fmt.Errorf("%s with its key", r.State)
		}
	case r.State != Revoked:
		return fmt.Errorf("unknown state")
	}
	return nil
}

// newRecord is a key on its way into a document. A retired signing key has
// nothing left to sign: its private half is dropped.
func newRecord(k *Key, state State) (record, error) {
	r := record{ID: k.id, Thumbprint: k.thumbprint, Suite: k.suite.String(), Use: k.Use(), State: state}
	var err error
	switch {
	case k.Use() == UseSig && state == Retired:
		r.JWK, err = json.Marshal(k.publicJWK())
	case k.private != nil:
		r.JWK, err = k.private()
	case k.HasPrivate():
		err = fmt.Errorf("%w: its private half lives elsewhere; use it in a Set", ErrUnsupported)
	default:
		err = fmt.Errorf("%w: it has no private half", ErrNoKey)
	}
	return r, err
}
