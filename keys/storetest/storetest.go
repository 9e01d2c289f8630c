// Package storetest is the suite that every [keyring.Store] must pass. The author of
// a new store runs it from a test, against the real server:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) keyring.Store {
//			return mystore.New(connect(t), newName())
//		})
//		storetest.RunShared(t, func(t *testing.T) func() keyring.Store {
//			name := newName()
//			return func() keyring.Store { return mystore.New(connect(t), name) }
//		})
//	}
//
// [RunShared] is for every store that other processes can open as well; for a store in the
// memory of one process, [Run] suffices. Give each handle its own connection, with the settings
// of production, and to another node if the server has several: a cluster in which any node
// answers reads fails only if the handles ask different nodes. Run both with the race detector
// too. A store whose Swap takes 2 ms needs about two seconds for each; go test -short makes
// fewer swaps.
//
// The suite calls only Load and Swap, and cannot see whether a write survives a crash. Only
// tests that cut power or kill a writer can show that; the tests of package filestore do so with
// kill -9.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Run checks what the documentation of [keyring.Store] promises. The function open
// returns a new, empty store at each call, and cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) keyring.Store) {
	t.Helper()
	run(t, func(t *testing.T) func() keyring.Store {
		s := open(t)
		return func() keyring.Store { return s }
	})
}

// RunShared makes the checks of [Run] through several handles on one place, as several processes
// have them: each must see and respect the writes of the others, at once. The function open makes
// a new, empty place at each call, and returns a function that opens one more handle on it; no
// more than seven are opened.
func RunShared(t *testing.T, open func(t *testing.T) (handle func() keyring.Store)) {
	t.Helper()
	run(t, open)
}

// run runs freshReads with seven handles, and every other check with two: most of these write
// through a and read through b. In Run all handles are the same Store, so each check serves Run and
// RunShared.
func run(t *testing.T, open func(t *testing.T) (handle func() keyring.Store)) {
	t.Helper()
	for _, c := range []struct {
		name  string
		check func(t *testing.T, a, b keyring.Store)
	}{
		{"LoadOfNothing", loadOfNothing},
		{"CreateOnce", createOnce},
		{"Replace", replace},
		{"StaleVersion", staleVersion},
		{"VersionOnEmptyStore", versionOnEmptyStore},
		{"OpaqueBytes", opaqueBytes},
		{"Sizes", sizes},
		{"CallerKeepsItsSlices", callerKeepsItsSlices},
		{"CancelledContext", cancelledContext},
		{"OneWinner", oneWinner},
		{"NoLostUpdate", noLostUpdate},
	} {
		t.Run(c.name, func(t *testing.T) {
			handle := open(t)
			a, b := handle(), handle()
			c.check(t, a, b)
		})
	}
	t.Run("FreshReads", func(t *testing.T) { freshReads(t, open(t)) })
}

// wantDoc fails unless the store holds exactly this, and returns its version.
func wantDoc(t *testing.T, s keyring.Store, want []byte) (version string) {
	t.Helper()
	doc, version, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if !bytes.Equal(doc, want) {
		t.Fatalf("Load returned %d bytes %.40q, want %d bytes %.40q", len(doc), doc, len(want), want)
	}
	if version == "" {
		t.Fatal("Load returned an empty version, which means that there is no ring")
	}
	return version
}

// mustSwap swaps, and checks that Load then returns doc and the version that Swap returned.
func mustSwap(t *testing.T, s keyring.Store, prev string, doc []byte) (version string) {
	t.Helper()
	version, err := s.Swap(t.Context(), prev, doc)
	if err != nil {
		t.Fatalf("Swap from version %q: %v", prev, err)
	}
	if v := wantDoc(t, s, doc); v != version {
		t.Fatalf("Swap returned version %q, Load %q", version, v)
	}
	return version
}

func wantSwapError(t *testing.T, s keyring.Store, prev string, doc []byte, want error) {
	t.Helper()
	version, err := s.Swap(t.Context(), prev, doc)
	if !errors.Is(err, want) {
		t.Fatalf("Swap from version %q: version %q, error %v, want %v", prev, version, err, want)
	}
}

func wantEmpty(t *testing.T, s keyring.Store) {
	t.Helper()
	doc, version, err := s.Load(t.Context())
	if !errors.Is(err, keyring.ErrNoRing) {
		t.Fatalf("Load of an empty store: doc %.40q, version %q, error %v, want keyring.ErrNoRing", doc, version, err)
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
