package open_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// countingStore counts loads, and can be down.
type countingStore struct {
	keyring.Store
	loads atomic.Int64
	down  atomic.Bool
}

var errDown = errors.New("the store is down")

func (s *countingStore) Load(ctx context.Context) ([]byte, string, error) {
	s.loads.Add(1)
	if s.down.Load() {
		return nil, "", errDown
	}
	return s.Store.Load(ctx)
}

// Another process adds a decryption key to the ring. A token for it opens at once, after one load.
func TestRingReloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		kek, err := keyring.NewKEK(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		memory := keyring.NewMemStore()
		store := &countingStore{Store: memory}
		ring, err := keyring.Create(ctx, keyring.Config{Store: store, KEK: kek})
		if err != nil {
			t.Fatal(err)
		}
		operator, err := keyring.Open(ctx, keyring.Config{Store: memory, KEK: kek})
		if err != nil {
			t.Fatal(err)
		}
		next := newTestKey(keys.ECDHES, "brought-by-the-operator", newP256())
		if err := next.ImportInto(ctx, operator, keyring.Staged); err != nil {
			t.Fatal(err)
		}

		cfg := config()
		cfg.Decryption = ring
		opener := newOpener(t, cfg)
		token := func(kid string) string {
			f := forgeNested()
			f.Recipient = next.Key
			f.Outer.Set("kid", quoted(kid))
			now := time.Now().Unix()
			f.Claims.Set("iat", fmt.Sprint(now))
			f.Claims.Set("exp", fmt.Sprint(now+600))
			return f.Token()
		}
		// Within seconds of the last load no client can cause another one.
		before := store.loads.Load()
		if _, err := opener.Open(ctx, token(next.Kid)); !errors.Is(err, open.ErrUnknownKey) || store.loads.Load() != before {
			t.Fatalf("at once: %v after %d loads", err, store.loads.Load()-before)
		}
		time.Sleep(6 * time.Second)
		tok, err := opener.Open(ctx, token(next.Kid))
		if err != nil || tok.DecryptionKeyID() != next.Kid || store.loads.Load() != before+1 {
			t.Fatalf("6 s later: %v after %d loads", err, store.loads.Load()-before)
		}
		for range 10 {
			if _, err := opener.Open(ctx, token("unknown")); !errors.Is(err, open.ErrUnknownKey) {
				t.Fatal(err)
			}
		}
		if store.loads.Load() != before+1 {
			t.Errorf("a stranger's kids caused %d loads", store.loads.Load()-before-1)
		}
		// A ring that cannot be reloaded still opens tokens with its keys, however old it is.
		store.down.Store(true)
		time.Sleep(3 * time.Hour)
		if _, err := opener.Open(ctx, token(next.Kid)); err != nil {
			t.Errorf("an old snapshot: %v", err)
		}
	})
}

// An issuer's keys may be revoked, so old ones do not verify.
func TestStaleIssuer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		kek, err := keyring.NewKEK(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		store := &countingStore{Store: keyring.NewMemStore()}
		ring, err := keyring.Create(ctx, keyring.Config{Store: store, KEK: kek})
		if err != nil {
			t.Fatal(err)
		}
		cfg := config()
		cfg.Decryption, cfg.Trust[0].Keys = ring, ring
		opener := newOpener(t, cfg)
		sealer, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Signing:    ring,
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: ring}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		token, err := sealer.Seal(ctx, seal.Claims{Subject: "u-42"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := opener.Open(ctx, token); err != nil {
			t.Fatal(err)
		}
		store.down.Store(true)
		time.Sleep(2 * time.Hour)
		_, err = opener.OpenAt(ctx, token, time.Now().Add(-2*time.Hour))
		if !errors.Is(err, open.ErrKeySource) || !errors.Is(err, keys.ErrStale) {
			t.Errorf("with keys that are too old: %v", err)
		}
	})
}
