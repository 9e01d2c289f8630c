package keyring

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// A long reason is cut between two characters. Its length in JSON counts.
func TestReasonIsCut(t *testing.T) {
	for name, c := range map[string]struct{ reason, want string }{
		"short":       {"compromised", "compromised"},
		"long":        {strings.Repeat("x", 100_000), strings.Repeat("x", maxText)},
		"two bytes":   {"x" + strings.Repeat("é", 1000), "x" + strings.Repeat("é", 127)},
		"no UTF-8":    {"a\xffb", "ab"},
		"controls":    {strings.Repeat("\x01", 1000), strings.Repeat("\x01", maxText/6)},
		"quotes":      {strings.Repeat(`"`, 1000), strings.Repeat(`"`, maxText/2)},
		"cut and bad": {strings.Repeat("\xff", 1000), ""},
	} {
		got := shorten(c.reason)
		if got != c.want || !utf8.ValidString(got) || len(asJSON(t, got)) > maxText+2 {
			t.Errorf("%s: %q", name, got)
		}
	}
	r := newRing(t, NewMemStore(), newClock().now)
	for range 20 {
		must(r.Revoke(t.Context(), Revocation{KeyID: activeID(r, keys.UseSig), Reason: strings.Repeat("because ", 12_500)}))(t)
	}
	for _, k := range must(r.Keys(t.Context()))(t) {
		if len(k.Reason) > maxText {
			t.Errorf("a reason of %d bytes is kept", len(k.Reason))
		}
	}
	for _, e := range must(r.Log(t.Context()))(t) {
		if len(e.What) > maxText {
			t.Errorf("an event of %d bytes is kept", len(e.What))
		}
	}
}

// The number of keys in a ring is bounded. Imports and rotations by hand return an error, and the
// rotation waits. A revocation makes room: it erases the oldest revoked decryption keys.
func TestHeldKeysAreBounded(t *testing.T) {
	c := newClock()
	r := newRing(t, NewMemStore(), c.now)
	held := func() int { return r.snapshot.Load().document.held() }
	for held() < maxHeld {
		if err := r.importOwn(t.Context(), generated(t, keys.ECDHES), Retired); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"import":          r.importOwn(t.Context(), generated(t, keys.ECDHES), Retired),
		"insecure import": r.importOwnInsecurely(t.Context(), generated(t, keys.ECDHES)),
		"of a staged key": r.importOwn(t.Context(), generated(t, keys.ES256), Staged),
	} {
		if wantError(t, err, ErrState); !strings.Contains(err.Error(), "64") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t) // the staged key
	_, err := r.RotateNowInsecurely(t.Context(), keys.UseSig)
	wantError(t, err, ErrState)
	if steps := doDueSteps(t, r); len(steps) != 0 || held() != maxHeld {
		t.Errorf("did %+v with %d keys", steps, held())
	}

	oldest := activeID(r, keys.UseEnc)
	for n := range 3 {
		c.advance(time.Second)
		must(r.Revoke(t.Context(), Revocation{KeyID: activeID(r, keys.UseEnc)}))(t)
		if held() > maxHeld {
			t.Fatalf("%d keys after %d revocations", held(), n+1)
		}
	}
	if !must(r.PrivateKeys(t.Context()))(t).WasErased(oldest) {
		t.Error("the key that was revoked first still opens")
	}

	// The rotation goes on when a key is destroyed.
	for range 2 {
		c.advance(3 * day)
		for must(r.Rotate(t.Context()))(t).Action != Nothing {
		}
	}
	if d := r.snapshot.Load().document; d.find(keys.UseSig, Staged) == nil {
		t.Error("no successor was staged")
	}
}

// A rotation by hand keeps the public half of the signing key that retires, and a revocation makes
// a new signing key. Together they make no ring hold more than maxHeld keys: where there is no room
// for the successor, Rotate stages it later.
func TestHeldKeysAreBoundedInTurns(t *testing.T) {
	c := newClock()
	r := newRing(t, NewMemStore(), c.now)
	document := func() *document { return r.snapshot.Load().document }
	for document().held() < maxHeld {
		if err := r.importOwn(t.Context(), generated(t, keys.ECDHES), Retired); err != nil {
			t.Fatal(err)
		}
	}
	rotated := 0
	for n := range 10 {
		c.advance(time.Second)
		_, err := r.RotateNowInsecurely(t.Context(), keys.UseSig)
		if err == nil {
			rotated++
		} else {
			wantError(t, err, ErrState)
		}
		active := activeID(r, keys.UseSig)
		must(r.Revoke(t.Context(), Revocation{KeyID: active}))(t)
		if next := activeID(r, keys.UseSig); next == "" || next == active {
			t.Fatalf("revocation %d has left the active key %q", n+1, next)
		}
		if held := document().held(); held > maxHeld {
			t.Fatalf("%d keys after %d turns", held, n+1)
		}
	}
	if rotated == 0 || document().find(keys.UseSig, Staged) != nil {
		t.Errorf("%d rotations, and the successor is %v", rotated, document().find(keys.UseSig, Staged))
	}
	for range 2 { // until the retired keys are destroyed
		c.advance(3 * day)
		for must(r.Rotate(t.Context()))(t).Action != Nothing {
		}
	}
	if document().find(keys.UseSig, Staged) == nil {
		t.Error("no successor was staged")
	}
}

// Former policies are merged into wider ones. None is dropped while it binds.
func TestFormerPoliciesAreBounded(t *testing.T) {
	c := newClock()
	r := newRing(t, NewMemStore(), c.now)
	widest := window.Figures{}
	for n := range 5 * window.MaxFormers {
		c.advance(time.Minute)
		err := r.UpdatePolicy(t.Context(), func(p *Policy) { p.TokenLifetime = time.Hour + time.Duration((n*7)%31)*time.Minute })
		if err != nil {
			t.Fatal(err)
		}
		d := r.snapshot.Load().document
		if widest = widest.Widest(d.Policy.Figures); len(d.Former) > window.MaxFormers || d.widestWindows() != widest {
			t.Fatalf("after %d changes: %d former policies, widest %+v", n+1, len(d.Former), d.widestWindows())
		}
	}
}

// A full ring accepts no further key, but a revocation still works.
func TestFullRing(t *testing.T) {
	c := newClock()
	store := NewMemStore()
	r := newRing(t, store, c.now)
	n := (maxRing - 300 - r.snapshot.Load().size) * 9 / 16 / tombstone.HeadSize // base64url spells each byte twice
	editStored(t, store, func(d *document) {
		for n := range uint32(n) {
			d.Ended.Sig = binary.BigEndian.AppendUint32(append(d.Ended.Sig, make([]byte, tombstone.HeadSize-4)...), n)
		}
	})
	err := r.importOwn(t.Context(), generated(t, keys.ES256), Staged)
	if wantError(t, err, ErrState); err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("an import: %v", err)
	}
	if full := must(r.Fullness(t.Context()))(t); full < 0.999 || full > 1 {
		t.Errorf("fullness %v", full)
	}
	for range 20 {
		must(r.Revoke(t.Context(), Revocation{All: true}))(t)
	}
	if full := must(r.Fullness(t.Context()))(t); full <= 1 {
		t.Errorf("fullness %v after 20 revocations", full)
	}
	// A change that adds no key still works.
	if err := r.Rewrap(t.Context(), rawKey(t)); err != nil {
		t.Error(err)
	}
}
