package open_test

import (
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// sessionSamples are those of package sessions: of a registry with a session of the canary
// subject, of a feed that the canary key signs, and of what follows it.
func sessionSamples(t testing.TB, c canaryKeys) (samples []sample) {
	t.Helper()
	set := keytest.NewSet(c.es256.key, c.ecdhES.key)
	store := sessions.NewMemStore()
	cfg := sessions.Config{Issuer: issuerID, Store: store, KEK: must(keyring.NewKEK(canaryBytes("KEK of sessions"))), TokenLifetime: time.Minute}
	registry := must(sessions.New(cfg))
	if _, _, err := registry.Start(t.Context(), canarySubject, sessions.Device{Name: canaryDeep}); err != nil {
		t.Fatal(err)
	}
	hub := sessions.FeedConfig{Registry: registry, Signing: set, Public: true}
	feed := must(sessions.NewFeed(hub))
	from := sessions.RemoteConfig{URL: "https://id.example.com/revoked", Issuer: issuerID, Keys: set}
	remote := must(sessions.NewRemote(from))
	tail := must(store.Tail(t.Context(), sessions.Cursor{}, 1))
	_, err := sessions.New(sessions.Config{})
	return []sample{
		sampleOf("", cfg), sampleOf("", registry), sampleOf("", hub), sampleOf("", feed), sampleOf("", from), sampleOf("", remote),
		sampleOf("", remote.Status()), sampleOf("", sessions.News{}), sampleOf[sessions.Store]("", store), sampleOf("", tail), sampleOf("", tail.Last),
		sampleOf("", sessions.Row{}), sampleOf("", sessions.Which{}), sampleOf("", sessions.Ended{}), sampleOf("", sessions.Revocation{}),
		sampleOf("", sessions.ID{}), sampleOf("", sessions.User{}), sampleOf("", sessions.Entry{}), sampleOf("", err.(*sessions.ConfigError)),
		sampleOf("", sessions.Login(nil)), sampleOf("", sessions.RevocationConfig{}),
	}
}
