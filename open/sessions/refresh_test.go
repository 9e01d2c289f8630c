package sessions

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestStartAndRefresh(t *testing.T) {
	c := newClock()
	r := registryOf(t, testConfig(t, NewMemStore()), c)
	s, token := login(t, r, "u-42")
	want := Session{
		ID: s.ID, Subject: "u-42", Device: Device{"Ada's phone", "Mozilla/5.0", "203.0.113.0/24"}, Started: testStart, Seen: testStart,
		Expires: testStart.Add(DefaultAge), NotAfter: testStart.Add(15 * time.Minute),
	}
	if s != want {
		t.Errorf("Start returns %+v, want %+v", s, want)
	}
	if b, err := base64.RawURLEncoding.DecodeString(s.ID); err != nil || len(b) != 16 {
		t.Errorf("the id is %q", s.ID)
	}
	seen := map[string]bool{token: true}
	for i := range 5 {
		c.add(time.Hour)
		next, again := refreshed(t, r, token)
		if token = again; seen[token] {
			t.Fatalf("refresh %d returns an old token", i)
		}
		seen[token] = true
		want.Seen, want.NotAfter = c.now(), c.now().Add(15*time.Minute)
		if next != want {
			t.Errorf("Refresh returns %+v, want %+v", next, want)
		}
	}
}

// A client that lost the answer, or a second tab, gets the same answer again for 10 s. After that
// the token is old.
func TestRefreshAgain(t *testing.T) {
	for _, tt := range []struct {
		later  time.Duration
		repeat bool
	}{
		{0, true}, {time.Second, true}, {10 * time.Second, true}, {10*time.Second + time.Millisecond, false}, {time.Hour, false},
		{-time.Minute, true}, {-time.Minute - time.Millisecond, false}, // another process whose clock is behind
	} {
		c := newClock()
		r := registryOf(t, testConfig(t, NewMemStore()), c)
		_, first := login(t, r, "u-42")
		c.add(time.Hour)
		_, second := refreshed(t, r, first)
		c.add(tt.later)
		if !tt.repeat {
			wantRefresh(t, r, first, ErrReused)
			wantRefresh(t, r, second, ErrEnded)
			wantRefresh(t, r, first, ErrEnded)
			continue
		}
		s, again := refreshed(t, r, first)
		if again != second || !s.Repeated || !s.NotAfter.Equal(c.now().Add(15*time.Minute)) {
			t.Errorf("%v later: Repeated %v, the same token %v, NotAfter %v", tt.later, s.Repeated, again == second, s.NotAfter)
		}
		if s, _ := refreshed(t, r, second); s.Repeated {
			t.Error("the next refresh is said to be repeated")
		}
	}
}

// A token before the last one has no grace, however soon it comes.
func TestRefreshGenerationBeforeLast(t *testing.T) {
	r := registryOf(t, testConfig(t, NewMemStore()), newClock())
	_, first := login(t, r, "u-42")
	_, second := refreshed(t, r, first)
	_, third := refreshed(t, r, second)
	wantRefresh(t, r, first, ErrReused)
	wantRefresh(t, r, third, ErrEnded)
	tail := must(r.cfg.Store.Tail(t.Context(), Cursor{}, 10))(t)
	if len(tail.Revocations) != 1 {
		t.Errorf("%d revocations, want the one of the session", len(tail.Revocations))
	}
}

func TestSessionExpires(t *testing.T) {
	cfg := testConfig(t, NewMemStore())
	cfg.IdleAge, cfg.MaxAge = time.Hour, 150*time.Minute
	c := newClock()
	r := registryOf(t, cfg, c)
	_, idle := login(t, r, "idle")
	_, busy := login(t, r, "busy")
	for range 2 {
		c.add(time.Hour - time.Second)
		_, busy = refreshed(t, r, busy)
	}
	wantRefresh(t, r, idle, ErrEnded)
	if list := must(r.List(t.Context(), "idle"))(t); len(list) != 0 {
		t.Errorf("an expired session is listed: %v", list)
	}
	s := must(r.List(t.Context(), "busy"))(t)[0]
	if want := testStart.Add(cfg.MaxAge); !s.Expires.Equal(want) {
		t.Errorf("it expires at %v, want %v: no refresh goes beyond MaxAge", s.Expires, want)
	}
	c.add(31 * time.Minute)
	wantRefresh(t, r, busy, ErrEnded)
}

// Only a text that the registry wrote is a refresh token.
func TestRefreshForged(t *testing.T) {
	store := NewMemStore()
	cfg := testConfig(t, store)
	r := registryOf(t, cfg, newClock())
	_, token := login(t, r, "u-42")
	stranger := registryOf(t, testConfig(t, NewMemStore()), newClock())
	_, foreign := login(t, stranger, "u-42")
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	for i := range raw {
		bad := append([]byte(nil), raw...)
		bad[i] ^= 1
		s, _, err := r.Refresh(t.Context(), base64.RawURLEncoding.EncodeToString(bad))
		if s.ID != "" || !errors.Is(err, ErrInvalidRefresh) && !(i >= 1 && i < 5 && errors.Is(err, ErrEnded)) {
			t.Errorf("a flipped bit in byte %d: %v", i, err)
		}
	}
	for _, bad := range []string{
		"", token + "A", token[:len(token)-1], token + "=", token + "\n", strings.Repeat("+", len(token)),
		token[:len(token)-1] + "_", // spare bits
	} {
		wantRefresh(t, r, bad, ErrInvalidRefresh)
	}
	wantRefresh(t, r, foreign, ErrEnded)
	if _, _, err := r.Refresh(t.Context(), token); err != nil {
		t.Errorf("the true token: %v", err)
	}
}

// Two issuers have different keys although they have one secret.
func TestKeysOfIssuersDiffer(t *testing.T) {
	secret := make([]byte, 32)
	seen := make(map[string]bool)
	for _, use := range []string{forDocument, forRefresh, forSubject, forDevice} {
		for _, issuer := range []string{"a", "b"} {
			k := string(derive(secret, use, issuer))
			if seen[k] || len(k) != keySize {
				t.Errorf("%s of %s has the key of another", use, issuer)
			}
			seen[k] = true
		}
	}
	if string(derive(secret, "ab", "c")) == string(derive(secret, "a", "bc")) {
		t.Error("the parts of an info run together")
	}
}

// The format of refresh tokens and of the index is a promise, because sessions live for 30 days.
// Another program computed these values.
func TestRefreshGolden(t *testing.T) {
	v := &vault{vaultBody: vaultBody{Issuer: testIssuer, Keys: []storedKey{{ID: "AAECAw", Secret: make([]byte, 32)}}}}
	if err := v.derive(); err != nil {
		t.Fatal(err)
	}
	k := v.current()
	const want = "AQABAgMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHU_iQjQYFvnMnqU4SHQZMeViMSo8F-2n1HgrBasHA8Dg"
	if got := must(k.refresh(ID{}, 1))(t); got != want {
		t.Errorf("the token is %s, want %s", got, want)
	}
	if tok := must(parseRefresh(want))(t); !k.isAuthentic(tok) || tok.generation != 1 || tok.key != "AAECAw" {
		t.Errorf("it reads as %+v", tok)
	}
	if got := fmt.Sprintf("%x", k.index("u-42")); got != "b245afecae9cad4bc30704d2e734c65ae3464acc0c2365eebded1561e5832e73" {
		t.Errorf("the index is %s", got)
	}
}
