package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// loadOfNothing checks that Load of an empty store returns ErrNoRing each time: only after this
// error may a caller create a ring.
func loadOfNothing(t *testing.T, a, b keyring.Store) {
	wantEmpty(t, a)
	wantEmpty(t, b)
	wantEmpty(t, a)
}

// createOnce checks that one creator wins: a second one would replace keys that are already
// in use.
func createOnce(t *testing.T, a, b keyring.Store) {
	first := []byte("the first ring")
	version := mustSwap(t, a, "", first)
	wantSwapError(t, b, "", []byte("the second ring"), keyring.ErrConflict)
	wantSwapError(t, b, "", first, keyring.ErrConflict) // also with the same bytes
	if v := wantDoc(t, b, first); v != version {
		t.Errorf("the version was %q after the creation and is %q after creations that failed", version, v)
	}
}

// replace checks that a handle can replace what the other handle wrote, from the version that its
// own Load returned.
func replace(t *testing.T, a, b keyring.Store) {
	docs := [][]byte{[]byte("one"), []byte("two"), []byte("a longer three"), []byte("4")}
	version := ""
	for i, doc := range docs {
		next := mustSwap(t, a, version, doc)
		if next == version {
			t.Fatalf("document %d has the version of the one before, %q", i, version)
		}
		version = wantDoc(t, b, doc)
		a, b = b, a
	}
}

// staleVersion checks that a rotator that slept does not undo the changes of other rotators.
func staleVersion(t *testing.T, a, b keyring.Store) {
	v1 := mustSwap(t, a, "", []byte("one"))
	v2 := mustSwap(t, b, v1, []byte("two"))
	wantSwapError(t, a, v1, []byte("from one"), keyring.ErrConflict)
	wantSwapError(t, b, "no such version", []byte("from nowhere"), keyring.ErrConflict)
	wantDoc(t, a, []byte("two"))

	v3 := mustSwap(t, a, v2, []byte("three"))
	for _, stale := range []string{v1, v2} {
		wantSwapError(t, b, stale, []byte("from the past"), keyring.ErrConflict)
	}
	if v := wantDoc(t, b, []byte("three")); v != v3 {
		t.Errorf("the version was %q and is %q after swaps that failed", v3, v)
	}
}

// versionOnEmptyStore checks that a Swap with a version fails where there is no ring. If another
// process has removed the ring, such a Swap would bring its keys back.
func versionOnEmptyStore(t *testing.T, a, b keyring.Store) {
	for _, version := range []string{"1", "no such version"} {
		wantSwapError(t, a, version, []byte("a ring"), keyring.ErrConflict)
	}
	wantEmpty(t, b)
}

// opaqueBytes checks that Load returns the document byte for byte. A store that trims, escapes or
// decodes a document breaks an authenticated ciphertext.
func opaqueBytes(t *testing.T, a, b keyring.Store) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	docs := [][]byte{
		all,
		[]byte("\x00"),
		[]byte("\n"),
		[]byte(" ends in white space \r\n\x00"),
		[]byte("\xff\xfe not UTF-8 \xc3\x28"),
		[]byte(`{"b":1,"a":"\u0041","a":2} `),
	}
	version := ""
	for _, doc := range docs {
		version = mustSwap(t, a, version, doc)
		wantDoc(t, b, doc)
	}
}

// sizes checks small and large documents: a ring of a few keys has 2 kB, and a ring with many
// tombstones must still fit. A shorter document must leave no byte of the longer one behind.
func sizes(t *testing.T, a, b keyring.Store) {
	version := ""
	for _, size := range []int{1, 4095, 4096, 4097, 64 << 10, 500 << 10, 2000, 1} {
		doc := bytes.Repeat([]byte{'a', 'b', 'c', 0, 'd', 'e', 'f'}, size/7+1)[:size]
		version = mustSwap(t, a, version, doc)
		wantDoc(t, b, doc)
	}
}

// callerKeepsItsSlices checks that the store shares no memory with its caller, who may wipe and
// reuse his buffers.
func callerKeepsItsSlices(t *testing.T, a, b keyring.Store) {
	doc := []byte("a ring")
	if _, err := a.Swap(t.Context(), "", doc); err != nil {
		t.Fatal(err)
	}
	clear(doc)
	wantDoc(t, b, []byte("a ring"))

	loaded, _, err := a.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clear(loaded)
	wantDoc(t, a, []byte("a ring"))
	wantDoc(t, b, []byte("a ring"))
}

// cancelledContext checks that calls with a cancelled context fail and write nothing: the
// caller has given up, and may decide otherwise.
func cancelledContext(t *testing.T, a, b keyring.Store) {
	swap := func(prev string) {
		t.Helper()
		if _, err := a.Swap(cancelled(t), prev, []byte("too late")); !errors.Is(err, context.Canceled) {
			t.Errorf("Swap from version %q with a cancelled context: %v, want context.Canceled", prev, err)
		}
	}
	load := func() {
		t.Helper()
		if _, _, err := a.Load(cancelled(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("Load with a cancelled context: %v, want context.Canceled", err)
		}
	}

	load() // not ErrNoRing: the store was not asked
	swap("")
	wantEmpty(t, b)

	version := mustSwap(t, a, "", []byte("a ring"))
	load()
	swap(version)
	if v := wantDoc(t, b, []byte("a ring")); v != version {
		t.Errorf("the version was %q and is %q after a cancelled swap", version, v)
	}
}
