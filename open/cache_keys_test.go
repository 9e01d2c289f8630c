package open_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// cachedRing holds an opener with the keys of a ring and a cache, one without a cache, and a token
// that the first has opened. The operator is another process.
type cachedRing struct {
	store          *countingStore
	ring, operator *keyring.Ring
	o, without     *open.Opener
	token          string
	tok            *open.Token
}

func newCachedRing(t *testing.T) *cachedRing {
	t.Helper()
	kek := must(keyring.NewKEK(make([]byte, 32)))
	c := &cachedRing{store: &countingStore{Store: keyring.NewMemStore()}}
	c.ring = must(keyring.Create(t.Context(), keyring.Config{Store: c.store, KEK: kek}))
	c.operator = must(keyring.Open(t.Context(), keyring.Config{Store: c.store.Store, KEK: kek}))
	cfg := anyOpen{SelectiveConfig: open.SelectiveConfig{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: c.ring}}, Decryption: c.ring, Limits: open.Limits{MaxLifetime: 4 * time.Hour}}}
	c.without = newOpener(t, cfg)
	cfg.Limits.Cache = 10
	c.o = newOpener(t, cfg)
	sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     issuerID,
		Signing:    c.ring,
		Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: c.ring}},
		Limits:     seal.Limits{Lifetime: time.Hour},
	}}))
	c.token = must(sealer.Seal(t.Context(), seal.Claims{Subject: "u-42"}))
	c.tok = opens(t, c.o, c.token)
	hits(t, c.o, c.token, c.tok)
	return c
}

// The keys of a ring change. From the moment at which the ring is loaded, a token is accepted or
// refused as without a cache.
func TestCacheRing(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t *testing.T, c *cachedRing){
		"nothing changes": func(t *testing.T, c *cachedRing) {
			before := c.store.loads.Load()
			for range 20 {
				time.Sleep(61 * time.Second)
				hits(t, c.o, c.token, c.tok)
			}
			if loads := c.store.loads.Load() - before; loads != 20 {
				t.Errorf("the ring was loaded %d times in 20 minutes", loads)
			}
		},
		"another key comes": func(t *testing.T, c *cachedRing) {
			if err := newTestKey(keys.ECDHES, "brought-by-the-operator", newP256()).ImportInto(t.Context(), c.operator, keyring.Staged); err != nil {
				t.Fatal(err)
			}
			verifiedAgain(t, c)
		},
		"rotation": func(t *testing.T, c *cachedRing) {
			for _, use := range []keys.Use{keys.UseSig, keys.UseEnc} {
				if _, err := c.operator.RotateNowInsecurely(t.Context(), use); err != nil {
					t.Fatal(err)
				}
				verifiedAgain(t, c)
			}
		},
		"the signing key is revoked": func(t *testing.T, c *cachedRing) {
			revoke(t, c.operator, keyring.Revocation{KeyID: c.tok.SigningKeyID(), Reason: "compromised"})
			hits(t, c.o, c.token, c.tok) // the ring does not know of it yet, and neither does an opener without a cache
			opens(t, c.without, c.token)
			time.Sleep(61 * time.Second)
			refusedAs(t, c.o, c.without, c.token, time.Now(), open.ErrUnknownKey)
		},
		"the signing key is revoked here": func(t *testing.T, c *cachedRing) {
			revoke(t, c.ring, keyring.Revocation{KeyID: c.tok.SigningKeyID(), Reason: "compromised"})
			refusedAs(t, c.o, c.without, c.token, time.Now(), open.ErrUnknownKey)
		},
		"the decryption key is revoked": func(t *testing.T, c *cachedRing) {
			revoke(t, c.operator, keyring.Revocation{KeyID: c.tok.DecryptionKeyID(), Reason: "superseded"})
			verifiedAgain(t, c) // the key opens tokens until the last one has expired
		},
		"the decryption key is erased": func(t *testing.T, c *cachedRing) {
			revoke(t, c.operator, keyring.Revocation{KeyID: c.tok.DecryptionKeyID(), Reason: "compromised", Erase: true})
			time.Sleep(61 * time.Second)
			refusedAs(t, c.o, c.without, c.token, time.Now(), open.ErrUnknownKey)
		},
		"all keys are revoked": func(t *testing.T, c *cachedRing) {
			revoke(t, c.ring, keyring.Revocation{All: true, Reason: "compromised"})
			refusedAs(t, c.o, c.without, c.token, time.Now(), open.ErrUnknownKey)
		},
		"the store is down": func(t *testing.T, c *cachedRing) {
			c.store.down.Store(true)
			time.Sleep(59 * time.Minute)
			hits(t, c.o, c.token, c.tok)
			time.Sleep(2 * time.Minute)
			refusedAs(t, c.o, c.without, c.token, time.Now().Add(-2*time.Minute), keys.ErrStale)
			if _, err := c.o.Open(t.Context(), c.token); !errors.Is(err, open.ErrKeySource) {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { run(t, newCachedRing(t)) })
		})
	}
}

func revoke(t *testing.T, r *keyring.Ring, v keyring.Revocation) {
	t.Helper()
	if _, err := r.Revoke(t.Context(), v); err != nil {
		t.Fatal(err)
	}
}

// verifiedAgain checks a change that does not concern the keys of the token.
func verifiedAgain(t *testing.T, c *cachedRing) {
	t.Helper()
	time.Sleep(61 * time.Second)
	again := opens(t, c.o, c.token)
	if again == c.tok {
		t.Error("the ring has changed, and the token came from the cache")
	}
	hits(t, c.o, c.token, again)
	c.tok = again
}

// Every hit asks both sources for the same kid. Their answers count as without a cache.
func TestCacheSources(t *testing.T) {
	t.Parallel()
	ours, theirs := privateSet(keysFor(managementSuites)...), publicSet(keysFor(signingSuites)...)
	stranger, noKeys := publicSet(newTestKey(keys.ES256, "stranger", newP256())), keytest.NewSet()
	unreachable := errors.New("unreachable")
	f := forgeNested()
	for _, form := range []struct {
		name  string
		cfg   anyOpen
		token string
	}{{"nested ", config(), f.Token()}, {"selective ", selectiveConfig(), forgeSelective().Token()}} {
		for _, tt := range []struct {
			name string
			bend func(private, public *keySource)
			want error
		}{
			{"private error", func(private, public *keySource) { private.err = unreachable }, open.ErrKeySource},
			{"public error", func(private, public *keySource) { public.err = unreachable }, open.ErrKeySource},
			{"other decryption keys", func(private, public *keySource) { private.set = noKeys }, open.ErrUnknownKey},
			{"other trusted keys", func(private, public *keySource) { public.public = stranger }, open.ErrUnknownKey},
			{"the same keys in a new set", func(private, public *keySource) { private.set = privateSet(keysFor(managementSuites)...) }, nil},
			{"the same trusted keys in a new set", func(private, public *keySource) { public.public = publicSet(keysFor(signingSuites)...) }, nil},
		} {
			t.Run(form.name+tt.name, func(t *testing.T) {
				t.Parallel()
				private, public := &keySource{set: ours}, &keySource{public: theirs}
				cfg := form.cfg
				cfg.Decryption, cfg.Trust = private, []open.Issuer{{ID: issuerID, Keys: public}}
				o, without := newCaching(t, cfg), newOpener(t, cfg)
				tok := opens(t, o, form.token)
				private.asked, public.asked = nil, nil
				type mark struct{}
				ctx := context.WithValue(t.Context(), mark{}, true)
				if again, err := o.Open(ctx, form.token); again != tok || err != nil {
					t.Fatalf("no hit: %v", err)
				}
				if len(private.asked) != 1 || len(public.asked) != 1 || public.asked[0] != f.Signer.Kid || private.ctx != ctx || public.ctx != ctx {
					t.Errorf("the sources were asked for %q and %q, or not in this context", private.asked, public.asked)
				}
				tt.bend(private, public)
				if tt.want != nil {
					refusedAs(t, o, without, form.token, clock, tt.want)
				} else if again := opens(t, o, form.token); again == tok {
					t.Error("the set is another, and the token came from the cache")
				} else {
					hits(t, o, form.token, again)
				}
				// A set comes back. It is the set that verified the token, or it is not.
				private.set, private.err, public.public, public.err = ours, nil, theirs, nil
				opens(t, o, form.token)
			})
		}
	}
}

// A set that its source no longer returns is freed with its private keys, although it has opened
// tokens that are still in the cache. After that no source matches it.
func TestCacheKeepsNoKeys(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(private, public *keySource) (gone func() bool){
		"private": func(private, public *keySource) func() bool {
			set := weak.Make(private.set)
			private.set = nil
			return func() bool { return set.Value() == nil }
		},
		"public": func(private, public *keySource) func() bool {
			set := weak.Make(public.public)
			public.public = nil
			return func() bool { return set.Value() == nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, public := &keySource{set: privateSet(testKeyFor(keys.ECDHES))}, &keySource{public: publicSet(testKeyFor(keys.ES256))}
			cfg := config()
			cfg.Decryption, cfg.Trust = private, []open.Issuer{{ID: issuerID, Keys: public}}
			o := newCaching(t, cfg)
			token := forgeNested().Token()
			tok := opens(t, o, token)
			hits(t, o, token, tok)
			gone := lose(private, public)
			for i := 0; !gone(); i++ {
				if i == 100 {
					t.Fatal("the cache, or the token, keeps the set")
				}
				runtime.GC()
			}
			if again, err := o.Open(t.Context(), token); again != nil || !errors.Is(err, open.ErrKeySource) {
				t.Errorf("opened without keys: %v, %v", again != nil, err)
			}
			runtime.KeepAlive(tok)
		})
	}
}

// turning is a source that returns two sets in turn.
type turning struct {
	sets []*keys.Set
	at   atomic.Int64
}

func (s *turning) turn() { s.at.Add(1) }

func (s *turning) PrivateKeys(context.Context) (*keys.Set, error) {
	return s.sets[int(s.at.Load())%len(s.sets)], nil
}
