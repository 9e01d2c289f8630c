package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	idpID = "https://id.example.com"
	apiID = "https://api.example.com"
)

// party has a ring. One process rotates it, another uses it and a third publishes it.
type party struct {
	operator, ring, public *keyring.Ring

	published http.Handler
	down      bool
}

func newParty(t *testing.T, p keyring.Policy) *party {
	t.Helper()
	kek, err := keyring.NewKEK(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	store := keyring.NewMemStore()
	operator, err := keyring.Create(t.Context(), keyring.Config{Store: store, KEK: kek, Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	var rings [2]*keyring.Ring
	for i := range rings {
		if rings[i], err = keyring.Open(t.Context(), keyring.Config{Store: store, KEK: kek}); err != nil {
			t.Fatal(err)
		}
	}
	published, err := jwks.NewHandler(rings[1], jwks.HandlerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &party{operator: operator, ring: rings[0], public: rings[1], published: published}
}

// RoundTrip answers with the published keys of the party.
func (p *party) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.down {
		return nil, errors.New("down")
	}
	w := httptest.NewRecorder()
	p.published.ServeHTTP(w, r)
	return w.Result(), nil
}

// remote returns a Remote for the party's keys.
func (p *party) remote(t *testing.T, maxStale time.Duration) *jwks.Remote {
	t.Helper()
	r, err := jwks.NewRemote(jwks.RemoteConfig{URL: idpID + "/jwks.json", Transport: p, MaxStale: maxStale})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pair returns the sealer of an issuer and the opener of an API. Each knows the other party by its
// URL.
func pair(t *testing.T, idp, api *party, lifetime, maxStale time.Duration, cache int) (*seal.Sealer, *open.Opener) {
	t.Helper()
	sealer, err := seal.New(seal.Config{
		Issuer:    idpID,
		Signing:   idp.ring,
		Recipient: seal.Recipient{Audience: apiID, Keys: api.remote(t, maxStale)},
		Limits:    seal.Limits{Lifetime: lifetime},
	})
	if err != nil {
		t.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   apiID,
		Decryption: api.ring,
		Trust:      []open.Issuer{{ID: idpID, Keys: idp.remote(t, maxStale)}},
		Limits:     open.Limits{Cache: cache},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sealer, opener
}

// Two services never share a private key. Each rotates its ring often, for hours (for two days in
// the long form). No token is refused, whether it is new or about to expire.
func TestBothRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := keyring.Policy{
			TokenLifetime: 5 * time.Minute, Leeway: 5 * time.Second, ClockSkew: 5 * time.Second,
			CacheAge: 5 * time.Minute, MaxAge: time.Minute, PublishLag: 5 * time.Second, SnapshotAge: time.Minute,
			Sig: keyring.UsePolicy{Period: 30 * time.Minute}, Enc: keyring.UsePolicy{Period: 45 * time.Minute},
		}
		idp, api := newParty(t, policy), newParty(t, policy)
		sealer, opener := pair(t, idp, api, policy.TokenLifetime, policy.CacheAge, 100)
		hours := 4
		if os.Getenv("SEALJWT_LONG") == "1" {
			hours = 48
		}
		var alive []string
		rotations := 0
		for range 60 * hours {
			for _, p := range []*party{idp, api} {
				for s, err := p.operator.Rotate(t.Context()); s.Action != keyring.Nothing || err != nil; s, err = p.operator.Rotate(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if s.Action == keyring.Activate {
						rotations++
					}
				}
			}
			token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42"})
			if err != nil {
				t.Fatal(err)
			}
			alive = append(alive, token)
			for _, token := range []string{alive[0], token} {
				if _, err := opener.Open(t.Context(), token); err != nil {
					t.Errorf("refused after %d rotations: %v", rotations, err)
				}
			}
			if len(alive) == 5 {
				alive = alive[1:]
			}
			time.Sleep(time.Minute)
		}
		if rotations < 3*hours {
			t.Errorf("%d rotations", rotations)
		}
	})
}

// An operator revokes a key in an emergency. Every service refuses the tokens of that key within
// max-age: a busy service and an idle one, with and without a cache of verified tokens. Every
// service accepts the tokens of the next key within the cooldown.
func TestEmergencyRevocation(t *testing.T) {
	for name, c := range map[string]struct {
		cache int
		every time.Duration
	}{
		"busy": {0, time.Second}, "busy, with a cache": {100, time.Second}, "idle": {0, 5 * time.Minute}, "idle, with a cache": {100, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp, api := newParty(t, keyring.Policy{}), newParty(t, keyring.Policy{})
				sealer, opener := pair(t, idp, api, time.Hour, 0, c.cache)
				stop := runs(idp)
				defer stop()
				time.Sleep(10 * time.Second)
				old := sealed(t, sealer)
				if _, err := opener.Open(t.Context(), old); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				set, err := idp.ring.PrivateKeys(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				k, err := set.SigningKey()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := idp.operator.Revoke(t.Context(), keyring.Revocation{KeyID: k.ID(), Reason: "stolen"}); err != nil {
					t.Fatal(err)
				}
				revoked := time.Now()
				for err = nil; err == nil; _, err = opener.Open(t.Context(), old) {
					if time.Since(revoked) > 300*time.Second {
						t.Fatalf("accepted %v after the revocation", time.Since(revoked))
					}
					time.Sleep(c.every)
				}
				if !errors.Is(err, open.ErrUnknownKey) {
					t.Errorf("refused with %v", err)
				}
				t.Logf("refused after %v", time.Since(revoked))
			})
		})
	}
}

func TestSuccessorOfRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, api := newParty(t, keyring.Policy{}), newParty(t, keyring.Policy{})
		sealer, opener := pair(t, idp, api, time.Hour, 0, 0)
		stop := runs(idp)
		defer stop()
		if _, err := opener.Open(t.Context(), sealed(t, sealer)); err != nil {
			t.Fatal(err)
		}
		if _, err := idp.operator.Revoke(t.Context(), keyring.Revocation{All: true, Reason: "stolen"}); err != nil {
			t.Fatal(err)
		}
		revoked := time.Now()
		time.Sleep(3 * time.Second)
		token := sealed(t, sealer)
		err := errors.New("not tried")
		for ; err != nil && time.Since(revoked) < time.Minute; _, err = opener.Open(t.Context(), token) {
			time.Sleep(time.Second)
		}
		if took := time.Since(revoked); err != nil || took > jwks.DefaultCooldown+time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// The issuer is unreachable. Its tokens open for an hour, and after that none opens.
func TestIssuerUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, api := newParty(t, keyring.Policy{}), newParty(t, keyring.Policy{})
		sealer, opener := pair(t, idp, api, time.Hour, 0, 100)
		if _, err := opener.Open(t.Context(), sealed(t, sealer)); err != nil {
			t.Fatal(err)
		}
		idp.down = true
		begun := time.Now()
		for time.Since(begun) < time.Hour {
			if _, err := opener.Open(t.Context(), sealed(t, sealer)); err != nil {
				t.Fatalf("after %v: %v", time.Since(begun), err)
			}
			time.Sleep(time.Minute)
		}
		api.down = true
		time.Sleep(time.Nanosecond)
		token := sealed(t, sealer)
		if _, err := opener.Open(t.Context(), token); !errors.Is(err, open.ErrKeySource) || !errors.Is(err, keys.ErrStale) {
			t.Errorf("after an hour: %v", err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42"}); !errors.Is(err, keys.ErrStale) {
			t.Errorf("an hour after the recipient went: %v", err)
		}
	})
}

// runs starts Run for the rings of a party, as services do that must hear of a revocation at once.
func runs(p *party) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { p.ring.Run(ctx, nil) })
	wg.Go(func() { p.public.Run(ctx, nil) })
	return func() { cancel(); wg.Wait() }
}

func sealed(t *testing.T, s *seal.Sealer) string {
	t.Helper()
	token, err := s.Seal(t.Context(), seal.Claims{Subject: "u-42"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}
