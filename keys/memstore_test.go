package keys_test

import (
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/storetest"
)

func TestMemStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) keys.Store { return keys.MemStore() })
}

func TestMemStoresShareNothing(t *testing.T) {
	a, b := keys.MemStore(), keys.MemStore()
	if _, err := a.Swap(t.Context(), "", []byte("a ring")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Load(t.Context()); !errors.Is(err, keys.ErrNoRing) {
		t.Errorf("Load of another MemStore: %v, want ErrNoRing", err)
	}
}
