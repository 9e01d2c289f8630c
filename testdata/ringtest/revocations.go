package ringtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Revoke lets each process in turn revoke the active signing key. For each other process it returns
// how long that process still accepts a token of the key after the acknowledgement. A time is zero
// if the process refuses the token before that. The ring has the default policy.
func (f *Fleet) Revoke(place string, processes, rounds int) (late Times) {
	t := f.t
	t.Helper()
	ring := f.Create(place, keyring.Policy{})
	self, err := newParty(t.Context(), ring)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*Process, processes)
	for i := range all {
		all[i] = f.Start(place, Options{})
	}
	for _, p := range all {
		p.Expect(t, "ready")
	}
	for n := range rounds {
		kid := signing(t, ring) // this loads the ring too
		token, err := self.seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		by := all[n%processes]
		for _, p := range all {
			if p != by {
				p.Tell("watch", token)
			}
		}
		for _, p := range all {
			if p != by {
				p.Expect(t, "watching")
			}
		}
		by.Tell("revoke", kid)
		from := at(t, by.Expect(t, "revoked"))
		for _, p := range all {
			if p != by {
				late = append(late, max(0, at(t, p.Expect(t, "gone")).Sub(from)))
			}
		}
	}
	for _, p := range all {
		p.Kill()
	}
	return late
}

// signing returns the kid of the active signing key.
func signing(t testing.TB, ring *keyring.Ring) string {
	t.Helper()
	infos, err := ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range infos {
		if k.Use == keys.UseSig && k.State == keyring.Active {
			return k.ID
		}
	}
	t.Fatal("no key signs")
	return ""
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	var nano int64
	if _, err := fmt.Sscan(text, &nano); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return time.Unix(0, nano)
}
