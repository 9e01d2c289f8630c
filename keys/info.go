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
	Next       Action    `json:"next,omitempty"`   // what the rotation does to it next
	NextAt     time.Time `json:"next_at,omitzero"` // and when
}

// Keys loads the ring and describes its keys, oldest first. It returns the
// store's errors and those of [Open].
func (r *Ring) Keys(ctx context.Context) ([]KeyInfo, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	return s.document.infos(r.now())
}

func (d *document) infos(now time.Time) ([]KeyInfo, error) {
	next := make(map[string]Step)
	for _, s := range d.steps(now) {
		next[s.KeyID] = s
		if s.Retires != "" {
			next[s.Retires] = Step{Action: Retire, At: s.At}
		}
	}
	infos := make([]KeyInfo, 0, len(d.Keys))
	for _, k := range d.Keys {
		suite, err := ParseSuite(k.Suite)
		if err != nil {
			return nil, err
		}
		infos = append(infos, KeyInfo{
			ID: k.ID, Use: k.Use, Suite: suite, State: k.State, Thumbprint: k.Thumbprint,
			HasPrivate: len(k.JWK) != 0 && !(k.Use == UseSig && k.State == Retired),
			Created:    k.Created, Activated: k.Activated, Retired: k.Retired, Ended: k.Ended, Reason: k.Reason,
			Next: next[k.ID].Action, NextAt: next[k.ID].At,
		})
	}
	return infos, nil
}
