package keyring_test

import (
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/storetest"
)

func TestMemStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) keyring.Store { return keyring.NewMemStore() })
}

func TestMemStoresShareNothing(t *testing.T) {
	a, b := keyring.NewMemStore(), keyring.NewMemStore()
	if _, err := a.Swap(t.Context(), "", []byte("a ring")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Load(t.Context()); !errors.Is(err, keyring.ErrNoRing) {
		t.Errorf("Load of another MemStore: %v, want ErrNoRing", err)
	}
}
