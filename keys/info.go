package keys

import (
	"context"
	"time"
)

// KeyInfo describes one key of a ring, tombstones included. It holds no key
// material.
type KeyInfo struct {
	ID         string    `json:"kid"`
	Use        Use       `json:"use"`
	Suite      Suite     `json:"alg"`
	State      State     `json:"state"`
	HasPrivate bool      `json:"private"` // the ring can sign or decrypt with it
	Thumbprint string    `json:"thumbprint"`
	Created    time.Time `json:"created"`
	Activated  time.Time `json:"activated,omitzero"`
	Retired    time.Time `json:"retired,omitzero"`
	Ended      time.Time `json:"ended,omitzero"` // when it was destroyed or revoked
	Reason     string    `json:"reason,omitempty"`
}

// Keys loads the ring and describes its keys, oldest first. It returns the
// store's errors and those of [Open].
func (r *Ring) Keys(ctx context.Context) ([]KeyInfo, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	infos := make([]KeyInfo, 0, len(s.document.Keys))
	for _, k := range s.document.Keys {
		suite, err := ParseSuite(k.Suite)
		if err != nil {
			return nil, err
		}
		infos = append(infos, KeyInfo{
			ID: k.ID, Use: k.Use, Suite: suite, State: k.State, Thumbprint: k.Thumbprint,
			HasPrivate: len(k.JWK) != 0 && !(k.Use == UseSig && k.State == Retired),
			Created:    k.Created, Activated: k.Activated, Retired: k.Retired, Ended: k.Ended, Reason: k.Reason,
		})
	}
	return infos, nil
}
