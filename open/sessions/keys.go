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

// vault returns the keys. They were loaded less than age ago, or since vault was called: callers
// that wait for one load of a slow store share the next.
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

// fresh reports whether a time is less than an age ago. It is not for a time to come, which a
// clock shows that was set back.
func fresh(then, now time.Time, age time.Duration) bool {
	d := now.Sub(then)
	return d >= 0 && d < age
}

// load reads the document, and makes it in an empty store. The caller holds loading.
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

// errUnchanged says that an edit has nothing to write.
var errUnchanged = errors.New("nothing to change")

// change loads the document, lets edit decide, and swaps, until no other process has swapped
// in between. It may call edit several times, each time on a fresh copy.
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

// Rewrap encrypts the registry's keys for the given KEKs and no others. This is how an
// operator adds or drops a KEK: give Rewrap every KEK that is to open them. The keys stay, and
// so does every session. A process whose KEK was dropped fails from then on, so begin with
// both KEKs, restart the processes with the new one, and drop the old one then. A thief with
// an old copy of the store and a dropped KEK still opens that copy, so rotate too if the KEK
// is compromised: [Registry.RotateKey], or [Registry.EndEverything].
//
// It returns the errors of [keyring.WrapSecret] and of the store.
func (r *Registry) Rewrap(ctx context.Context, keks ...keyring.KEK) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.change(ctx, func(v *vault) error {
		if err := v.rewrap(ctx, keks...); err != nil {
			return err
		}
		r.next = keks[0] // the write may be done although its answer is lost
		return nil
	})
}

// RotateKey makes a new key of the registry. Sessions under the key before it move to the new
// one when they are refreshed. There are two keys at most: RotateKey returns [ErrTooSoon] while
// sessions may live that no refresh has moved since the last RotateKey, which is for IdleAge.
// [Registry.EndEverything] works at any time. It returns the errors of the store too.
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

// EndEverything ends every session of every user, by dropping the keys of the registry. No
// refresh token works after that, and each process follows within a second. Access tokens live
// on, for TokenLifetime at most, since no verifier could hold a list of them all: revoke the
// signing keys of the ring too if they must not. It also lifts [ErrRolledBack]. The rows
// that nothing can read any more go when they expire. It returns the errors of the store.
func (r *Registry) EndEverything(ctx context.Context) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.change(ctx, func(v *vault) error {
		v.Keys, v.RolledBack, v.Accepted = []storedKey{newStoredKey(r.now())}, time.Time{}, r.now().UTC()
		return nil
	})
}

// Accept lets sessions be refreshed again after the store went back ([ErrRolledBack]). Sessions
// that ended after the point to which the store went back live again, until their users end
// them; [Registry.EndEverything] is for those who do not want that. It does nothing where the
// store did not go back, and returns the errors of the store.
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
