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
// [RunShared] is for every store that other processes can open as well; [Run] alone does for one
// that lives in a process. Give each handle a connection of its own, to another node where the
// server has several, and with the settings of production: a cluster that lets any node answer
// fails only where the handles ask different nodes. Run both with the race detector too. A store
// whose Swap takes 2 ms needs about two seconds for each; go test -short makes fewer rounds.
//
// The suite calls the two methods and sees no more than a caller sees. Only tests that
// cut power or kill a writer can show that a write survives; package filestore has an
// example with kill -9.
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

// run gives every check two handles, and one of them more. They are all the same one in Run, so a
// check is written once: b looks at what a did.
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

// mustSwap swaps and checks that the new version is the one that Load tells.
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
