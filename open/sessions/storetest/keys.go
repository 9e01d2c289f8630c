package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// wantKeys checks the document, and returns its version.
func wantKeys(t testing.TB, s sessions.Store, want []byte) string {
	t.Helper()
	doc, version, err := s.LoadKeys(t.Context())
	if err != nil || version == "" || !bytes.Equal(doc, want) {
		t.Fatalf("LoadKeys returns %d bytes, version %q, %v, want %d bytes", len(doc), version, err, len(want))
	}
	return version
}

func mustSwap(t testing.TB, s sessions.Store, prev string, doc []byte) string {
	t.Helper()
	version, err := s.SwapKeys(t.Context(), prev, doc)
	if err != nil || version == "" {
		t.Fatalf("SwapKeys from version %q: %q, %v", prev, version, err)
	}
	return version
}

// keysOfNothing checks that an empty store returns ErrNoKeys each time. A registry makes new keys
// only for that error.
func keysOfNothing(t *testing.T, a, b sessions.Store) {
	for _, s := range []sessions.Store{a, b, a} {
		_, _, err := s.LoadKeys(t.Context())
		wantError(t, "LoadKeys", err, sessions.ErrNoKeys)
	}
	_, err := a.SwapKeys(t.Context(), "1", []byte("x"))
	wantError(t, "SwapKeys of nothing from a version", err, sessions.ErrConflict)
	_, _, err = b.LoadKeys(t.Context())
	wantError(t, "LoadKeys", err, sessions.ErrNoKeys)
}

// keysSwap checks that only one process can create the document, and that a process with an old
// version cannot overwrite a newer document.
func keysSwap(t *testing.T, a, b sessions.Store) {
	v1 := mustSwap(t, a, "", []byte("one"))
	for _, prev := range []string{"", "no such version"} {
		_, err := b.SwapKeys(t.Context(), prev, []byte("x"))
		wantError(t, "SwapKeys from "+prev, err, sessions.ErrConflict)
	}
	if v := wantKeys(t, b, []byte("one")); v != v1 {
		t.Errorf("the version is %q and was %q", v, v1)
	}
	v2 := mustSwap(t, b, v1, []byte("two"))
	v3 := mustSwap(t, a, v2, []byte("one"))
	for _, prev := range []string{v1, v2, ""} {
		_, err := b.SwapKeys(t.Context(), prev, []byte("x"))
		wantError(t, "SwapKeys from the past", err, sessions.ErrConflict)
	}
	if v := wantKeys(t, b, []byte("one")); v != v3 {
		t.Errorf("the version is %q and was %q", v, v3)
	}
}

// keysOpaque checks that the document comes back to the byte, also when it is large.
func keysOpaque(t *testing.T, a, b sessions.Store) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	version := ""
	for _, doc := range [][]byte{all, []byte("\x00"), []byte(" a \n"), []byte("\xff\xfe"), bytes.Repeat(all, 1200), []byte("x")} {
		version = mustSwap(t, a, version, doc)
		wantKeys(t, b, doc)
	}
}

// oneSwapWins checks that of several writers that swap from the same version exactly one succeeds,
// and that all others get ErrConflict. Registries race so when the keys are missing, or when
// several processes mark that the store went back.
func oneSwapWins(t *testing.T, a, b sessions.Store) {
	const racers = 8
	version := ""
	for round := range 10 {
		errs := make([]error, racers)
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range racers {
			wg.Go(func() {
				<-begin
				_, errs[i] = pick(i, a, b).SwapKeys(t.Context(), version, fmt.Append(nil, round, " ", i))
			})
		}
		close(begin)
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				t.Fatalf("round %d: two writers swapped from version %q", round, version)
			case err == nil:
				winner = i
			default:
				wantError(t, "SwapKeys of a loser", err, sessions.ErrConflict)
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: no writer swapped", round)
		}
		version = wantKeys(t, b, fmt.Append(nil, round, " ", winner))
	}
}

// pick returns a for even i and b for odd i, so that writers use both handles.
func pick(i int, a, b sessions.Store) sessions.Store {
	if i%2 == 0 {
		return a
	}
	return b
}
