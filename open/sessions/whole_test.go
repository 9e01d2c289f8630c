package sessions

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/seal"
)

// TestWhole goes from a login over a refresh to the end, with the registry, its store, the hub
// and a verifier.
func TestWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		store := NewMemStore()
		registry := must(New(Config{Issuer: testIssuer, Store: store, KEK: newKEK(t), TokenLifetime: testLifetime + time.Minute}))(t)
		p.feed = must(NewFeed(FeedConfig{Registry: registry, Signing: p.ring, Public: true}))(t)
		p.via.serve(p.feed)
		r := p.remote()
		o := p.opener(r.Check)
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(5 * time.Second)
		sealed := func(s Session) string {
			t.Helper()
			return must(p.sealer.Seal(t.Context(), seal.Claims{Subject: s.Subject, Session: seal.Session{ID: s.ID, NotAfter: s.NotAfter}}))(t)
		}
		_, refresh := login(t, registry, "ada")
		laptop, _ := login(t, registry, "ada")
		phone, refresh := refreshed(t, registry, refresh)
		first, second := sealed(phone), sealed(laptop)
		expect(t, o, first, "the phone", nil)
		expect(t, o, second, "the laptop", nil)
		if err := registry.End(t.Context(), "ada", phone.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		expect(t, o, first, "the phone, after its end", ErrEnded)
		expect(t, o, second, "the laptop, after the end of the phone", nil)
		wantRefresh(t, registry, refresh, ErrEnded)

		// One token is revoked, and its session lives on.
		third := sealed(laptop)
		jti := must(p.opener(nil).Open(t.Context(), third))(t)
		if err := registry.Revoke(t.Context(), jti.ID(), jti.ExpiresAt()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		expect(t, o, third, "the revoked token", ErrEnded)
		expect(t, o, second, "the other token of the session", nil)

		// A log-out everywhere, and a login in the next moment.
		if n, err := registry.EndAll(t.Context(), "ada"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		again, _ := login(t, registry, "ada")
		time.Sleep(100 * time.Millisecond)
		expect(t, o, second, "the laptop, after the end of all", ErrEnded)
		expect(t, o, sealed(again), "the new login", nil)
		if err := r.Check(t.Context(), nil); errors.Is(err, bearer.ErrUnavailable) {
			t.Error(err)
		}
	})
}
