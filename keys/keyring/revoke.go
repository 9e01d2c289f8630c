package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Revocation names the keys to revoke, and the reason.
type Revocation struct {
	KeyID string // the kid of one key, unless All is set

	// All revokes every key that is not revoked yet, and with Erase every key that is not erased
	// yet. It leaves out the keys that ended before the 256 that ended last.
	All bool

	Reason string // for the log and the tombstone: compromised, superseded, …; cut at 256 bytes

	// Erase ends a decryption key at once. Without it the key is unpublished and goes on
	// opening tokens until the last one sealed to it is dead: senders that cached the key go on
	// sealing to it, and a thief who has the key can read their tokens whether we accept them
	// or not. With Erase those tokens fail.
	Erase bool
}

// Revoke ends keys in an emergency, in one write. A signing key is erased, and every party
// that loads the ring or the JWK Set anew refuses its tokens. A brand-new key takes the place
// of an active one at once. The staged successor never does: a thief of the ring has it too,
// so Revoke replaces it as well. In a ring that holds 64 keys Rotate stages the new successor
// later.
//
// It returns the keys that were revoked and the keys that were made. It returns [keys.ErrNoKey]
// when the ring never had the key, and [ErrState] when the key is revoked already, and erased if
// v.Erase is set. After [ErrUnknownOutcome] the key may or may not be revoked; after any other
// error but ErrState it is NOT revoked. Call Revoke again in both cases.
func (r *Ring) Revoke(ctx context.Context, v Revocation) ([]KeyInfo, error) {
	var (
		infos []KeyInfo
		fresh drawn
	)
	err := r.change(ctx, func(_ context.Context, d *draft) ([]logEntry, error) {
		now := r.now()
		d.revokes, fresh.used = true, nil
		touched, log, err := d.revoke(v, now, &fresh)
		if err != nil {
			return nil, err
		}
		infos, err = d.infos(now, touched...)
		return log, err
	})
	if errors.Is(err, ErrState) {
		return nil, err // the key is revoked, so the text must not say NOT REVOKED
	}
	if errors.Is(err, ErrUnknownOutcome) {
		return nil, fmt.Errorf("keyring: it is not known whether it was REVOKED, try again: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: NOT REVOKED, nothing was changed: %w", err)
	}
	return infos, nil
}

// drawn are the keys that a revocation made. Making RSA keys takes seconds, and another process
// may change the ring meanwhile, so that the revocation must try again. Each try uses the keys
// of the try before, and makes a key only if there is none left that fits the policy.
type drawn struct {
	keys map[keys.Use][]record
	used map[keys.Use]int // how many of the keys this try has used
}

func (f *drawn) take(d *document, u keys.Use) (record, error) {
	if f.keys == nil {
		f.keys = make(map[keys.Use][]record)
	}
	if f.used == nil {
		f.used = make(map[keys.Use]int)
	}
	i := f.used[u]
	if i == len(f.keys[u]) {
		f.keys[u] = append(f.keys[u], record{})
	}
	k, err := d.freshKey(u, f.keys[u][i])
	if err != nil {
		return record{}, err
	}
	f.keys[u][i] = k
	f.used[u]++
	return k, nil
}

func (d *document) revoke(v Revocation, now time.Time, fresh *drawn) (touched []string, log []logEntry, err error) {
	targets, err := d.targets(v)
	if err != nil {
		return nil, nil, err
	}
	replace := make(map[keys.Use]bool)
	for _, kid := range targets {
		if r := d.byID(kid); r != nil {
			replace[r.Use] = replace[r.Use] || r.State == Active
			r.revoke(v, now)
		} else {
			d.Ended.Revoke(kid)
		}
		touched, log = append(touched, kid), append(log, logEntry{"revoke: " + v.Reason, kid})
	}
	kids, lines, err := d.succeed(replace, now, fresh)
	return append(touched, kids...), append(log, lines...), err
}

// succeed makes the keys that the uses lack after a revocation. Where the active key was revoked,
// as replace says, it revokes the staged keys too, and makes a new active key. Then it makes room,
// and makes a successor for each active key that has none, as long as the ring has room. Rotate
// makes a successor that is missing later.
func (d *document) succeed(replace map[keys.Use]bool, now time.Time, fresh *drawn) (touched []string, log []logEntry, err error) {
	both := []keys.Use{keys.UseSig, keys.UseEnc}
	for _, u := range both {
		const reason = "staged beside a revoked key"
		for staged := d.find(u, Staged); replace[u] && staged != nil; staged = d.find(u, Staged) {
			staged.revoke(Revocation{Reason: reason, Erase: true}, now)
			touched, log = append(touched, staged.ID), append(log, logEntry{"revoke: " + reason, staged.ID})
		}
	}
	for _, state := range []State{Active, Staged} {
		for _, u := range both {
			lacks := replace[u]
			if state == Staged {
				lacks = d.find(u, Active) != nil && d.find(u, Staged) == nil && d.held() < maxHeld
			}
			if !lacks {
				continue
			}
			k, err := fresh.take(d, u)
			if err != nil {
				return nil, nil, err
			}
			k.State = state
			d.add(k, now)
			touched, log = append(touched, k.ID), append(log, logEntry{"new " + string(state), k.ID})
		}
		d.makeRoom()
	}
	return touched, log, nil
}

func (d *document) targets(v Revocation) ([]string, error) {
	if !v.All {
		r := d.byID(v.KeyID)
		if r == nil {
			r = new(record)
			if t, ok := d.Ended.Find(v.KeyID); ok {
				r.State = stateOf(t)
			}
		}
		switch {
		case r.State == "":
			return nil, fmt.Errorf("%w: the ring never had the kid %s", keys.ErrNoKey, jwk.Quote(v.KeyID))
		case r.State == Revoked && !(v.Erase && len(r.JWK) != 0):
			return nil, fmt.Errorf("%w: the key %s is revoked already", ErrState, jwk.Quote(v.KeyID))
		}
		return []string{v.KeyID}, nil
	}
	var all []string
	for _, r := range d.Keys {
		if r.State != Revoked || v.Erase && len(r.JWK) != 0 {
			all = append(all, r.ID)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: every key is revoked already", ErrState)
	}
	return all, nil
}

func (r *record) revoke(v Revocation, now time.Time) {
	// No sender ever knew a staged decryption key, so no token needs it.
	if r.Use == keys.UseSig || v.Erase || r.State == Staged {
		r.erase()
	}
	if r.State != Revoked {
		if r.State == Active {
			r.Due = time.Time{} // it recorded a look at the end of the period
		}
		r.State, r.Ended, r.Reason = Revoked, utc(now), shorten(v.Reason)
	}
}
