package sessions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Rewrap adds a KEK and drops another one. Every refresh token still works.
func TestRewrap(t *testing.T) {
	store, c := NewMemStore(), newClock()
	cfg := testConfig(t, store)
	r := registryOf(t, cfg, c)
	var tokens []string
	for i := range 10 {
		_, token := login(t, r, fmt.Sprint("user ", i))
		tokens = append(tokens, token)
	}
	next := newKEK(t)
	withNext := cfg
	withNext.KEK = next
	use := func(cfg Config) {
		t.Helper()
		r := registryOf(t, cfg, c)
		for i := range tokens {
			_, tokens[i] = refreshed(t, r, tokens[i])
		}
	}
	if err := r.Rewrap(t.Context(), cfg.KEK, next); err != nil {
		t.Fatal(err)
	}
	use(cfg)
	use(withNext)
	if err := r.Rewrap(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	use(withNext)
	// The process that called Rewrap goes on.
	c.add(time.Minute)
	_, tokens[0] = refreshed(t, r, tokens[0])
	c.add(time.Minute)
	wantRefresh(t, registryOf(t, cfg, c), tokens[0], keyring.ErrUnreadable)
	wantError(t, r.Rewrap(t.Context()), keyring.ErrState)
	wantError(t, r.Rewrap(t.Context(), nil), keyring.ErrKEK)
}

// The answer of a Rewrap is lost. The process goes on, whether the write was made or not.
func TestRewrapUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		store, c := &swapLost{Store: NewMemStore(), written: written}, newClock()
		cfg := testConfig(t, store)
		r := registryOf(t, cfg, c)
		_, token := login(t, r, "ada")
		store.lose = true
		wantError(t, r.Rewrap(t.Context(), newKEK(t)), ErrUnknownOutcome)
		c.add(time.Minute)
		_, token = refreshed(t, r, token)
		if err := r.Rewrap(t.Context(), cfg.KEK); err != nil {
			t.Fatal(err)
		}
		refreshed(t, registryOf(t, cfg, c), token)
	}
}

// swapLost is a store that loses the answer to a swap.
type swapLost struct {
	Store
	lose, written bool
}

func (s *swapLost) SwapKeys(ctx context.Context, prev string, doc []byte) (string, error) {
	if !s.lose {
		return s.Store.SwapKeys(ctx, prev, doc)
	}
	s.lose = false
	if s.written {
		if _, err := s.Store.SwapKeys(ctx, prev, doc); err != nil {
			return "", err
		}
	}
	return "", ErrUnknownOutcome
}

// A session moves to the new key at its next refresh.
func TestRotateKey(t *testing.T) {
	store, c := NewMemStore(), newClock()
	cfg := testConfig(t, store)
	r, other := registryOf(t, cfg, c), registryOf(t, cfg, c)
	idle, idleToken := login(t, r, "ada")
	_, token := login(t, other, "ada")
	if err := r.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, fresh := login(t, r, "ada")
	refreshed(t, other, fresh) // this process has not seen the new key yet
	_, token = refreshed(t, other, token)
	if list := must(r.List(t.Context(), "ada"))(t); len(list) != 3 {
		t.Errorf("%d sessions are listed under two keys", len(list))
	}
	if row := must(store.Get(t.Context(), must(parseID(idle.ID))(t)))(t); row.Key == must(parseRefresh(fresh))(t).key {
		t.Error("both sessions have the new key: the test shows nothing")
	}
	wantError(t, r.RotateKey(t.Context()), ErrTooSoon)
	c.add(cfg.IdleAge + DefaultAge - time.Hour)
	_, token = refreshed(t, r, token)
	wantError(t, r.RotateKey(t.Context()), ErrTooSoon)
	c.add(2 * time.Hour)
	if err := r.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRefresh(t, r, idleToken, ErrEnded)
	wantRefresh(t, r, token, ErrEnded) // the session has reached its MaxAge
}

// One thief has the table alone, and another one can write to it.
func TestRowsSwapped(t *testing.T) {
	for name, change := range map[string]func(row, other *Row){
		"sealed of another":      func(row, other *Row) { row.Sealed = other.Sealed },
		"user of another":        func(row, other *Row) { row.User = other.User },
		"user and sealed":        func(row, other *Row) { row.User, row.Sealed = other.User, other.Sealed },
		"all but the id":         func(row, other *Row) { id := row.ID; *row = *other; row.ID = id },
		"the whole row":          func(row, other *Row) { *row = *other },
		"entry of another":       func(row, other *Row) { row.Entry = other.Entry },
		"generation set back":    func(row, _ *Row) { row.Generation-- },
		"generation set forward": func(row, _ *Row) { row.Generation++ },
		"turned later":           func(row, _ *Row) { row.Turned = row.Turned.Add(time.Hour) },
		"expires later":          func(row, _ *Row) { row.Expires = row.Expires.Add(time.Hour) },
		"started later":          func(row, _ *Row) { row.Started = row.Started.Add(time.Hour) },
		"seen later":             func(row, _ *Row) { row.Seen = row.Seen.Add(time.Hour) },
		"a flipped bit":          func(row, _ *Row) { row.Sealed[20] ^= 1 },
		"nothing sealed":         func(row, _ *Row) { row.Sealed = nil },
	} {
		t.Run(name, func(t *testing.T) {
			mem := NewMemStore()
			store := &hooked{Store: mem}
			r := registryOf(t, testConfig(t, store), newClock())
			s, token := login(t, r, "ada")
			_, token = refreshed(t, r, token)
			o, _ := login(t, r, "eve")
			other := must(mem.Get(t.Context(), must(parseID(o.ID))(t)))(t)
			id := must(parseID(s.ID))(t)
			store.afterGet = func(row *Row) {
				if row.ID == id {
					change(row, &other)
				}
			}
			wantRefresh(t, r, token, ErrDamaged)
			row := must(mem.Get(t.Context(), id))(t)
			version := row.Version
			change(&row, &other)
			row.ID, row.Version = id, version
			if err := mem.Update(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			for _, subject := range []string{"ada", "eve"} {
				if list, err := r.List(t.Context(), subject); err == nil && len(list) > 0 && list[len(list)-1].ID == s.ID {
					t.Errorf("List of %s returns %+v", subject, list)
				}
			}
		})
	}
}

// If the entry of a row was swapped, an End of that row appends the true entry.
func TestEndSwappedEntry(t *testing.T) {
	store := NewMemStore()
	r := registryOf(t, testConfig(t, store), newClock())
	s, _ := login(t, r, "ada")
	row := must(store.Get(t.Context(), must(parseID(s.ID))(t)))(t)
	row.Entry[0] ^= 1
	if err := store.Update(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if err := r.End(t.Context(), "ada", s.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := ends(t, store)[entryOf(kindSession, testIssuer, s.ID)]; !ok {
		t.Error("the session's tokens are not revoked")
	}
}

func TestDocumentDamaged(t *testing.T) {
	store := NewMemStore()
	cfg := testConfig(t, store)
	login(t, registryOf(t, cfg, newClock()), "ada")
	doc, _, err := store.LoadKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := NewMemStore()
	otherCfg := cfg
	otherCfg.Store = other
	login(t, registryOf(t, otherCfg, newClock()), "ada")
	var a, b sealedVault
	otherDoc, _, _ := other.LoadKeys(t.Context())
	if json.Unmarshal(doc, &a) != nil || json.Unmarshal(otherDoc, &b) != nil {
		t.Fatal("the documents cannot be read")
	}
	body := bytes.Clone(a.Body)
	body[0] ^= 1
	for name, bad := range map[string]any{
		"no object": "x", "another version": sealedVault{2, a.Root, a.Body}, "root of another": sealedVault{1, b.Root, a.Body},
		"body of another": sealedVault{1, a.Root, b.Body}, "a flipped bit": sealedVault{1, a.Root, body}, "no body": sealedVault{1, a.Root, nil},
	} {
		store := NewMemStore()
		must(store.SwapKeys(t.Context(), "", must(json.Marshal(bad))(t)))(t)
		cfg := cfg
		cfg.Store = store
		_, _, err := registryOf(t, cfg, newClock()).Start(t.Context(), "ada", Device{})
		if err == nil || !strings.Contains(fmt.Sprint(err), ErrDamaged.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	foreign := cfg
	foreign.Issuer = "https://other.example"
	_, _, err = registryOf(t, foreign, newClock()).Start(t.Context(), "ada", Device{})
	wantError(t, err, ErrDamaged)
}
