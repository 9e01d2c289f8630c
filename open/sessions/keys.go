package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// mutex is a mutex whose lock honours a context, because its holder waits for a store that
// may hang.
type mutex chan struct{}

func newMutex() mutex { return make(mutex, 1) }

func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m mutex) unlock() { <-m }

// vault returns the document with the keys. It was loaded less than age ago, or after this call
// began. So if many callers wait while a slow store answers one load, the next load serves all of
// them.
func (r *Registry) vault(ctx context.Context, age time.Duration) (*vault, error) {
	called := r.now()
	if err := r.loading.lock(ctx); err != nil {
		return nil, err
	}
	defer r.loading.unlock()
	if v := r.cached; v != nil && (v.loaded.After(called) || fresh(v.loaded, r.now(), age)) {
		return v, nil
	}
	return r.load(ctx)
}

// fresh reports whether a time is less than age ago. It returns false for a time in the future,
// which comes from a clock that was set back.
func fresh(then, now time.Time, age time.Duration) bool {
	d := now.Sub(then)
	return d >= 0 && d < age
}

// load reads the document with the keys. In an empty store it creates the document first. If the
// store had the document before and has lost it, load returns [ErrRolledBack]. The caller holds the
// mutex loading.
func (r *Registry) load(ctx context.Context) (*vault, error) {
	for {
		now := r.now()
		doc, version, err := r.loadKeys(ctx)
		if errors.Is(err, ErrNoKeys) && r.cached == nil {
			if err := r.create(ctx, now); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknownOutcome) {
				return nil, err
			}
			continue
		}
		if errors.Is(err, ErrNoKeys) {
			return nil, fmt.Errorf("%w: the keys are gone: %w", ErrRolledBack, err)
		}
		if err != nil {
			return nil, err
		}
		if r.cached != nil && bytes.Equal(r.cached.at, doc) {
			again := *r.cached
			again.loaded, again.version = now, version
			r.cached = &again
			return r.cached, nil
		}
		v, err := openVault(ctx, doc, r.kek, r.cfg.Issuer, r.cached)
		if errors.Is(err, keyring.ErrUnreadable) && r.next != nil {
			v, err = openVault(ctx, doc, r.next, r.cfg.Issuer, r.cached)
		}
		if err != nil {
			return nil, err
		}
		v.version, v.loaded = version, now
		r.cached = v
		return v, nil
	}
}

func (r *Registry) loadKeys(ctx context.Context) (doc []byte, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return r.cfg.Store.LoadKeys(ctx)
}

func (r *Registry) create(ctx context.Context, now time.Time) error {
	v, err := newVault(ctx, r.kek, r.cfg.Issuer, now)
	if err != nil {
		return err
	}
	_, err = r.swap(ctx, "", v)
	return err
}

func (r *Registry) swap(ctx context.Context, prev string, v *vault) (string, error) {
	doc, err := v.seal()
	if err != nil {
		return "", err
	}
	return call(ctx, func(ctx context.Context) (string, error) { return r.cfg.Store.SwapKeys(ctx, prev, doc) })
}

// errUnchanged is returned by an edit that has nothing to write; change then returns nil.
var errUnchanged = errors.New("nothing to change")

// change loads the document, calls edit to change it, and swaps it in the store. If another process
// has swapped it meanwhile, change begins again. So it may call edit several times, each time with
// a fresh copy.
func (r *Registry) change(ctx context.Context, edit func(*vault) error) error {
	if err := r.loading.lock(ctx); err != nil {
		return err
	}
	defer r.loading.unlock()
	for {
		v, err := r.load(ctx)
		if err != nil {
			return err
		}
		next := *v
		next.Keys = slices.Clone(v.Keys)
		if err := edit(&next); err != nil {
			if err == errUnchanged {
				return nil
			}
			return err
		}
		if err := next.derive(); err != nil {
			return err
		}
		switch _, err := r.swap(ctx, v.version, &next); {
		case errors.Is(err, ErrConflict):
			continue
		case err != nil:
			return err
		}
		_, err = r.load(ctx)
		return err
	}
}

// Rewrap encrypts the registry's keys for the given KEKs and no others. Use it to add or drop a
// KEK: give Rewrap every KEK that must open the keys from now on. The keys and all sessions stay.
// Any other process whose KEK was dropped fails from then on. So first call Rewrap with the old and
// the new KEK, then restart the processes with the new KEK, and then call Rewrap with the new KEK
// alone. A thief who has a dropped KEK and an old copy of the store can still decrypt that copy. So
// if a KEK is compromised, also call [Registry.RotateKey] or [Registry.EndEverything].
//
// It returns the errors of [keyring.WrapSecret], of the store and of the KEK.
func (r *Registry) Rewrap(ctx context.Context, keks ...keyring.KEK) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.change(ctx, func(v *vault) error {
		if err := v.rewrap(ctx, keks...); err != nil {
			return err
		}
		r.next = keks[0] // kept also after an error: the write may be done although its answer is lost
		return nil
	})
}

// RotateKey makes a new key of the registry. A session under the previous key moves to the new key
// when it is refreshed. There are two keys at most. So for about IdleAge after a RotateKey, while
// sessions under the previous key may still live, RotateKey returns [ErrTooSoon].
// [Registry.EndEverything] works at any time. RotateKey also returns the errors of the store and
// the KEK.
func (r *Registry) RotateKey(ctx context.Context) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.change(ctx, func(v *vault) error {
		if over := v.current().created.Add(r.cfg.IdleAge + vaultAge + callLimit + r.cfg.ClockSkew); len(v.Keys) == maxKeys && r.now().Before(over) {
			return fmt.Errorf("%w: wait until %s, when the last session has moved to it", ErrTooSoon, over.UTC().Format(time.RFC3339))
		}
		v.Keys = append(v.Keys[len(v.Keys)-1:], newStoredKey(r.now()))
		return nil
	})
}

// EndEverything ends every session of every user, by replacing the keys of the registry with a new
// key. After that no old refresh token works; other processes notice within a second. Access tokens
// stay valid until they expire, for TokenLifetime at most, since no verifier could hold a list of
// them all. If that is too long, revoke the signing keys of the ring too. EndEverything also ends
// the state of [ErrRolledBack]. [Registry.Run] removes the old rows, which no key can decrypt any
// more, after they have expired. EndEverything returns the errors of the store and the KEK.
func (r *Registry) EndEverything(ctx context.Context) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.change(ctx, func(v *vault) error {
		v.Keys, v.RolledBack, v.Accepted = []storedKey{newStoredKey(r.now())}, time.Time{}, r.now().UTC()
		return nil
	})
}

// Accept allows refreshes again after the store went back ([ErrRolledBack]). Sessions that ended
// after the time to which the store went back are alive again, until their users end them or they
// expire; to avoid that, call [Registry.EndEverything] instead. Accept does nothing if the store
// did not go back. It returns the errors of the store and the KEK.
func (r *Registry) Accept(ctx context.Context) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.change(ctx, func(v *vault) error {
		if v.RolledBack.IsZero() {
			return errUnchanged
		}
		v.RolledBack, v.Accepted = time.Time{}, r.now().UTC()
		return nil
	})
}
