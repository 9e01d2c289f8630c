package sessions

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// ends returns the revocations in a store, by entry.
func ends(t testing.TB, store Store) map[Entry]time.Time {
	t.Helper()
	all := make(map[Entry]time.Time)
	for _, v := range must(store.Tail(t.Context(), Cursor{}, 1<<20))(t).Revocations {
		all[v.Entry] = v.Until
	}
	return all
}

func idsOf(list []Session) (ids []string) {
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestListAndEnd(t *testing.T) {
	store, c := NewMemStore(), newClock()
	r := registryOf(t, testConfig(t, store), c)
	a, tokenA := login(t, r, "ada")
	c.add(time.Minute)
	b, tokenB := login(t, r, "ada")
	c.add(time.Minute)
	other, tokenOther := login(t, r, "eve")

	list := must(r.List(t.Context(), "ada"))(t)
	if len(list) != 2 || list[0].ID != a.ID || list[1].ID != b.ID || list[0].Device != a.Device || list[0].Subject != "ada" {
		t.Errorf("List returns %+v", list)
	}
	if !list[0].NotAfter.IsZero() {
		t.Error("a listed session gives a NotAfter: a token could be made without a refresh")
	}
	for _, id := range []string{other.ID, "", "x", a.ID + "A", ID{}.String()} {
		wantError(t, r.End(t.Context(), "ada", id), ErrNoSession)
		_, err := r.EndOthers(t.Context(), "ada", id)
		wantError(t, err, ErrNoSession)
	}
	if got := ends(t, store); len(got) != 0 {
		t.Fatalf("refusals ended %v", got)
	}
	if err := r.End(t.Context(), "ada", a.ID); err != nil {
		t.Fatal(err)
	}
	wantRefresh(t, r, tokenA, ErrEnded)
	wantError(t, r.End(t.Context(), "ada", a.ID), ErrNoSession)
	got := ends(t, store)
	entry := entryOf(kindSession, testIssuer, a.ID)
	// The time is T of 15 min, a leeway of 1 min, twice the skew of 1 min, and 10 s for the store.
	if want := c.now().Add(18*time.Minute + 10*time.Second); len(got) != 1 || !got[entry].Equal(want) {
		t.Errorf("ended: %v, want the session until %v", got, want)
	}
	refreshed(t, r, tokenB)
	refreshed(t, r, tokenOther)
}

func TestEndOthersAndAll(t *testing.T) {
	store := NewMemStore()
	r := registryOf(t, testConfig(t, store), newClock())
	var tokens []string
	var list []Session
	for range 4 {
		s, token := login(t, r, "ada")
		list, tokens = append(list, s), append(tokens, token)
	}
	_, eve := login(t, r, "eve")
	if n := must(r.EndOthers(t.Context(), "ada", list[2].ID))(t); n != 3 {
		t.Errorf("EndOthers ended %d", n)
	}
	for i, token := range tokens {
		if i != 2 {
			wantRefresh(t, r, token, ErrEnded)
		}
	}
	_, tokens[2] = refreshed(t, r, tokens[2])
	if n := must(r.EndOthers(t.Context(), "ada", list[2].ID))(t); n != 0 {
		t.Errorf("EndOthers of none ended %d", n)
	}
	if n := must(r.EndAll(t.Context(), "ada"))(t); n != 1 {
		t.Errorf("EndAll ended %d", n)
	}
	if n := must(r.EndAll(t.Context(), "ada"))(t); n != 0 {
		t.Errorf("EndAll of none ended %d", n)
	}
	wantRefresh(t, r, tokens[2], ErrEnded)
	refreshed(t, r, eve)
	if got := ends(t, store); len(got) != 4 {
		t.Errorf("%d entries, want 4", len(got))
	}
}

func TestSessionsAreLimited(t *testing.T) {
	c := newClock()
	r := registryOf(t, testConfig(t, NewMemStore()), c)
	_, first := login(t, r, "ada")
	for range maxSessions {
		c.add(time.Second)
		login(t, r, "ada")
	}
	if list := must(r.List(t.Context(), "ada"))(t); len(list) != maxSessions {
		t.Errorf("%d sessions", len(list))
	}
	wantRefresh(t, r, first, ErrEnded)
}

func TestRevoke(t *testing.T) {
	store, c := NewMemStore(), newClock()
	r := registryOf(t, testConfig(t, store), c)
	kept := func(jti string) time.Duration {
		t.Helper()
		until, ok := ends(t, store)[entryOf(kindToken, testIssuer, jti)]
		if !ok {
			return 0
		}
		return until.Sub(c.now())
	}
	for _, tt := range []struct {
		jti  string
		exp  time.Duration
		want time.Duration
	}{
		{"a", 10 * time.Minute, 13 * time.Minute},
		{"capped", 24 * time.Hour, 18*time.Minute + 10*time.Second},
		{"far", 1 << 60, 18*time.Minute + 10*time.Second},
		{"within the leeway", -2 * time.Minute, time.Minute},
		{"dead", -3 * time.Minute, 0},
		{"fraction", time.Millisecond, 3*time.Minute + time.Second},
	} {
		if err := r.Revoke(t.Context(), tt.jti, c.now().Add(tt.exp)); err != nil {
			t.Fatal(err)
		}
		if got := kept(tt.jti); got != tt.want {
			t.Errorf("%s is kept for %v, want %v", tt.jti, got, tt.want)
		}
	}
	wantError(t, r.Revoke(t.Context(), "", c.now()), ErrNoToken)
}

// If the outcome of an End is unknown, the entry's time counts from the answer, because a token may
// have been made in between.
func TestEndUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		store, c := &hooked{Store: NewMemStore()}, newClock()
		r := registryOf(t, testConfig(t, store), c)
		s, token := login(t, r, "ada")
		asked := 0
		store.end = func(which Which) (int, error, bool) {
			if asked++; asked > 1 {
				return 0, nil, false
			}
			if written {
				must(store.Store.End(t.Context(), which, r.until(c.now())))(t)
			}
			c.add(5 * time.Minute)
			return 0, ErrUnknownOutcome, true
		}
		if err := r.End(t.Context(), "ada", s.ID); err != nil {
			t.Fatal(err)
		}
		wantRefresh(t, r, token, ErrEnded)
		if got := ends(t, store)[entryOf(kindSession, testIssuer, s.ID)]; !got.Equal(r.until(c.now())) {
			t.Errorf("written %v: the entry is kept until %v, want %v", written, got, r.until(c.now()))
		}
	}
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	s, _ := login(t, r, "ada")
	store.end = func(Which) (int, error, bool) { return 0, ErrUnknownOutcome, true }
	wantError(t, r.End(t.Context(), "ada", s.ID), ErrUnknownOutcome)

	// The first try may have ended the session, although the second one did nothing.
	asked := 0
	store.end = func(Which) (int, error, bool) {
		if asked++; asked > 1 {
			return 0, errDown, true
		}
		return 0, ErrUnknownOutcome, true
	}
	err := r.End(t.Context(), "ada", s.ID)
	wantError(t, err, ErrUnknownOutcome)
	wantError(t, err, errDown)
}

// A store that is down gives an error in every call.
func TestStoreDown(t *testing.T) {
	down := errors.New("down")
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	s, token := login(t, r, "ada")
	store.end = func(Which) (int, error, bool) { return 0, down, true }
	store.afterUpdate = func(error) error { return down }
	wantError(t, r.End(t.Context(), "ada", s.ID), down)
	wantRefresh(t, r, token, down)
}
