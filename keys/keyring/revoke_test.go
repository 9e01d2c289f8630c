package keyring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// ringOfAllStates makes a ring with one key for each use and each state but revoked.
func ringOfAllStates(t testing.TB) (*Ring, *clock, *testStore) {
	t.Helper()
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	for range 2 {
		c.advance(2 * day)
		doDueSteps(t, r)
		c.advance(30 * time.Hour)
		doDueSteps(t, r)
		for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
			must(r.RotateNow(t.Context(), u))(t)
		}
		doDueSteps(t, r)
	}
	counts := checkGeneration(t, storedIn(t, store))
	want := map[State]int{Destroyed: 1, Retired: 1, Active: 1, Staged: 1}
	if fmt.Sprint(counts[keys.UseSig]) != fmt.Sprint(want) || fmt.Sprint(counts[keys.UseEnc]) != fmt.Sprint(want) {
		t.Fatalf("keys %v", counts)
	}
	return r, c, store
}

func TestRevokeEachState(t *testing.T) {
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		for _, state := range []State{Active, Staged, Retired, Destroyed} {
			for _, erase := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s erase=%t", u, state, erase), func(t *testing.T) {
					r, c, store := ringOfAllStates(t)
					other := openRing(t, store, c.now)
					before := storedIn(t, store)
					target := before.find(u, state)
					v := Revocation{KeyID: target.ID, Reason: "compromised", Erase: erase}
					infos := must(r.Revoke(t.Context(), v))(t)
					d := storedIn(t, store)
					checkGeneration(t, d)
					checkHistory(t, store.written)
					if d.Generation != before.Generation+1 {
						t.Errorf("%d writes", d.Generation-before.Generation)
					}

					got := d.byID(target.ID)
					if got.State != Revoked || got.Reason != "compromised" || !got.Ended.Equal(c.now()) {
						t.Errorf("the key: %+v", got)
					}
					opens := u == keys.UseEnc && !erase && (state == Active || state == Retired)
					if holdsPrivate(t, *got) != opens {
						t.Errorf("its private half is there: %t", !opens)
					}
					checkRevoked(t, other, c, target.ID, opens)

					switch state {
					case Active:
						checkReplaced(t, before, d, u)
						if len(infos) != 4 {
							t.Errorf("told of %d keys, want revoked, staged, new, new staged", len(infos))
						}
					case Staged:
						next := d.find(u, Staged)
						if len(infos) != 2 || next == nil || before.byID(next.ID) != nil || d.activeID(u) != before.activeID(u) {
							t.Errorf("told %+v, staged %+v", infos, next)
						}
					default:
						if len(infos) != 1 || infos[0].ID != target.ID || infos[0].State != Revoked {
							t.Errorf("told %+v", infos)
						}
						if d.activeID(u) != before.activeID(u) {
							t.Error("another key became active")
						}
					}

					_, err := r.Revoke(t.Context(), Revocation{KeyID: target.ID})
					wantError(t, err, ErrState)
					_, err = r.Revoke(t.Context(), Revocation{KeyID: target.ID, Erase: true})
					if opens == errors.Is(err, ErrState) {
						t.Errorf("a second revocation, with Erase: %v", err)
					}
					if again := storedIn(t, store).byID(target.ID); again.Reason != "compromised" || len(again.JWK) != 0 {
						t.Errorf("then %+v", again)
					}
				})
			}
		}
	}
}

// checkRevoked fails if r, a minute after the revocation of a key, still publishes the key, verifies
// or signs with it. The argument opens tells whether r may still decrypt with the key.
func checkRevoked(t *testing.T, r *Ring, c *clock, kid string, opens bool) {
	t.Helper()
	c.advance(time.Minute)
	set := must(r.PrivateKeys(t.Context()))(t)
	public := must(r.PublicKeys(t.Context(), ""))(t)
	for _, k := range public.Keys() {
		if k.ID() == kid {
			t.Error("it is published")
		}
	}
	if public.HasVerificationKey(kid) {
		t.Error("it verifies")
	}
	if k := must(set.SigningKey())(t); k.ID() == kid {
		t.Error("it signs")
	}
	if _, ok := heldKey(set, kid); ok != opens {
		t.Errorf("it opens: %t", ok)
	}
}

// checkReplaced fails unless a new key is active, another new key is staged, and the key that had
// been staged is revoked.
func checkReplaced(t *testing.T, before, after *document, u keys.Use) {
	t.Helper()
	for _, s := range []State{Active, Staged} {
		k := after.find(u, s)
		if k == nil || before.byID(k.ID) != nil {
			t.Errorf("the %s key is not a new one", s)
		}
	}
	if old := after.byID(before.find(u, Staged).ID); old.State != Revoked || len(old.JWK) != 0 {
		t.Errorf("the key that was staged beside it: %+v", old)
	}
}

// An unpublished decryption key still opens tokens until no cache holds it and its last tokens have
// expired.
func TestRevokeDrains(t *testing.T) {
	r, c, store := ringOfAllStates(t)
	target := storedIn(t, store).find(keys.UseEnc, Active)
	must(r.Revoke(t.Context(), Revocation{KeyID: target.ID, Reason: "compromised"}))(t)
	end := c.now().Add(encKept)
	for _, tt := range []struct {
		at   time.Time
		want Action
	}{{end.Add(-1), ""}, {end, MarkDue}, {end.Add(encKept - 1), ""}, {end.Add(encKept), Destroy}, {end.Add(100 * day), ""}} {
		c.advance(tt.at.Sub(c.now()))
		var did Action
		for _, s := range doDueSteps(t, r) {
			if s.KeyID == target.ID {
				did = s.Action
			}
		}
		k := storedIn(t, store).byID(target.ID)
		if did != tt.want || k.State != Revoked || (len(k.JWK) == 0) != !tt.at.Before(end.Add(encKept)) {
			t.Errorf("%v from its end: %q, %s with %d bytes of key", tt.at.Sub(end), did, k.State, len(k.JWK))
		}
	}
	checkHistory(t, store.written)
}

func TestRevokeAll(t *testing.T) {
	for _, erase := range []bool{false, true} {
		r, c, store := ringOfAllStates(t)
		before := storedIn(t, store)
		infos := must(r.Revoke(t.Context(), Revocation{All: true, Reason: "stolen", Erase: erase}))(t)
		after := storedIn(t, store)
		checkHistory(t, store.written)
		if len(infos) != 8+4 {
			t.Errorf("told of %d keys", len(infos))
		}
		for _, old := range before.Keys {
			k := after.byID(old.ID)
			opens := !erase && k.Use == keys.UseEnc && (old.State == Active || old.State == Retired)
			if k.State != Revoked || k.Reason != "stolen" || (len(k.JWK) != 0) != opens {
				t.Errorf("the %s %s key: %+v", old.State, old.Use, k)
			}
		}
		for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
			checkReplaced(t, before, after, u)
		}
		// A second call revokes the new keys. Keys that still open tokens need Erase.
		c.advance(time.Minute)
		infos = must(r.Revoke(t.Context(), Revocation{All: true, Erase: true, Reason: "again"}))(t)
		if want := map[bool]int{false: 4 + 2 + 4, true: 4 + 4}[erase]; len(infos) != want {
			t.Errorf("erase %t: told of %d keys, want %d", erase, len(infos), want)
		}
		for _, k := range storedIn(t, store).Keys {
			if k.State == Revoked && len(k.JWK) != 0 {
				t.Errorf("not erased: %s", k.ID)
			}
		}
		checkHistory(t, store.written)
	}
	d := bareDocument(bareRecord("x", keys.UseSig, Revoked, nil))
	_, _, err := d.revoke(Revocation{All: true}, testStart, new(drawn))
	wantError(t, err, ErrState)
}

func TestRevokeRefuses(t *testing.T) {
	r, _, store := ringOfAllStates(t)
	n := store.generations()
	for _, kid := range []string{"", "no-such-key", strings.Repeat("x", 300)} {
		_, err := r.Revoke(t.Context(), Revocation{KeyID: kid})
		wantError(t, err, keys.ErrNoKey)
	}
	editStored(t, store, func(d *document) { d.Policy.Sig.Suite = "ES512" })
	if _, err := r.Revoke(t.Context(), Revocation{All: true}); err == nil {
		t.Error("a ring that cannot be read was changed")
	}
	if store.generations() != n+1 {
		t.Error("the ring changed")
	}
}

// If the store fails, the key is not revoked, and the error says so.
func TestRevokeStoreFails(t *testing.T) {
	for name, fail := range map[string]func(*testStore){
		"load": func(s *testStore) { s.setDown(errDown) },
		"swap": func(s *testStore) {
			s.setSwap(func(context.Context, string, []byte) (bool, error) { return true, errDown })
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, store := ringOfAllStates(t)
			n, target := store.generations(), storedIn(t, store).find(keys.UseSig, Active)
			fail(store)
			infos, err := r.Revoke(t.Context(), Revocation{KeyID: target.ID})
			wantError(t, err, errDown)
			store.setLoad(nil)
			store.setSwap(nil)
			if infos != nil || store.generations() != n || storedIn(t, store).byID(target.ID).State != Active {
				t.Error("it was revoked")
			}
			must(r.Revoke(t.Context(), Revocation{KeyID: target.ID}))(t)
			checkHistory(t, store.written)
		})
	}
}

// A revocation that was written is reported as done, whatever fails later. A store that is set back
// to the ring before it is refused.
func TestRevokeThenStoreFails(t *testing.T) {
	r, _, store := ringOfAllStates(t)
	old := store.written[len(store.written)-1]
	target := storedIn(t, store).find(keys.UseSig, Active)
	store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
		must(store.put(ctx, prev, doc))(t)
		store.setDown(errDown)
		return true, nil
	})
	infos, err := r.Revoke(t.Context(), Revocation{KeyID: target.ID})
	if err != nil || len(infos) != 4 {
		t.Errorf("told of %d keys, %v", len(infos), err)
	}
	store.setLoad(nil)
	store.restore(t, old)
	_, err = r.Rotate(t.Context())
	wantError(t, err, ErrRollback)
}

func TestRevokeUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		r, _, store := ringOfAllStates(t)
		n, target := store.generations(), storedIn(t, store).find(keys.UseEnc, Active)
		first := true
		loseAnswers(store, func() bool { // the second try is written in any case
			defer func() { first = false }()
			return written || !first
		})
		infos := must(r.Revoke(t.Context(), Revocation{KeyID: target.ID}))(t)
		if len(infos) != 4 || store.generations() != n+1 {
			t.Errorf("written %t: told of %d keys, %d writes", written, len(infos), store.generations()-n)
		}
		for _, k := range infos {
			if storedIn(t, store).byID(k.ID) == nil {
				t.Errorf("told of %s, which is not there", k.ID)
			}
		}
		checkHistory(t, store.written)
	}
}

// Another process made a change first. The new state of the key decides.
func TestRevokeConflict(t *testing.T) {
	r, c, store := ringOfAllStates(t)
	other := openRing(t, store, c.now)
	target := storedIn(t, store).find(keys.UseSig, Active)
	var active string
	interruptSwap(store, func() {
		active = must(other.RotateNowInsecurely(t.Context(), keys.UseSig))(t).KeyID
	})
	infos := must(r.Revoke(t.Context(), Revocation{KeyID: target.ID}))(t)
	if d := storedIn(t, store); len(infos) != 2 || d.activeID(keys.UseSig) != active { // and a successor of the key that became active
		t.Errorf("told %+v", infos)
	}
	interruptSwap(store, func() { must(other.Revoke(t.Context(), Revocation{KeyID: active}))(t) })
	_, err := r.Revoke(t.Context(), Revocation{KeyID: active})
	wantError(t, err, ErrState)
	checkHistory(t, store.written)
}

// The kid of a revoked or destroyed key never returns.
func TestRevokeIsFinal(t *testing.T) {
	r, _, store := ringOfAllStates(t)
	target := storedIn(t, store).find(keys.UseSig, Active)
	k := recordKey(t, target)
	must(r.Revoke(t.Context(), Revocation{KeyID: target.ID}))(t)
	n := store.generations()
	renamed := withID(t, k, "another-name")
	for _, s := range []State{Staged, Retired} {
		wantError(t, r.importOwn(t.Context(), k, s), keys.ErrDuplicate)
	}
	wantError(t, r.importOwnInsecurely(t.Context(), k), keys.ErrDuplicate)
	wantError(t, r.importOwnInsecurely(t.Context(), k.withoutPrivate(t)), keys.ErrNoKey)
	if err := r.importOwn(t.Context(), renamed, Retired); !errors.Is(err, keys.ErrDuplicate) {
		t.Errorf("under another kid: %v", err)
	}
	if store.generations() != n {
		t.Error("the ring changed")
	}
}
