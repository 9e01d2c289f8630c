package open_test

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
)

// hastyPolicy returns a policy with which a key follows another as soon as the windows permit.
func hastyPolicy() keyring.Policy {
	p := keyring.Policy{
		TokenLifetime: time.Minute, Leeway: 5 * time.Second, ClockSkew: 5 * time.Second,
		CacheAge: time.Minute, MaxAge: time.Minute, PublishLag: 5 * time.Second, SnapshotAge: 40 * time.Second,
	}
	w := p.Windows()
	p.Sig.Period = max(2*w.SignAhead, w.SignKept) + time.Second
	p.Enc.Period = max(2*w.EncAhead, w.EncKept) + time.Second
	return p
}

// seldom is a store that can be reached for 5 of every 35 seconds, so its snapshots are nearly as
// old as they may be.
type seldom struct{ keyring.Store }

func (s seldom) Load(ctx context.Context) ([]byte, string, error) {
	if time.Now().Unix()%35 >= 5 {
		return nil, "", errors.New("no connection")
	}
	return s.Store.Load(ctx)
}

// withoutReload is a source that cannot reload.
type withoutReload struct{ keys.PrivateSource }

// While a ring rotates, no token without kid is refused: neither by an opener whose ring is up to
// date nor by one whose snapshot is as old as it may be. One sender uses a new key at once. The
// other keeps the old one as long as a cache may. Each token is opened when it is sealed and at the
// end of its life. With SEALJWT_LONG=1 there are 200 tokens a second.
func TestRotationWithoutKeyID(t *testing.T) {
	t.Parallel()
	perSecond, rotations := 1, 6
	if os.Getenv("SEALJWT_LONG") != "" {
		perSecond, rotations = 200, 3
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Unix(time.Now().Unix()/35*35+35, 0))) // until the store can be reached
		policy := hastyPolicy()
		kek := must(keyring.NewKEK(make([]byte, 32)))
		store := keyring.NewMemStore()
		current := must(keyring.Create(t.Context(), keyring.Config{Store: store, KEK: kek, Policy: policy, Uses: []keys.Use{keys.UseEnc}}))
		behind := must(keyring.Open(t.Context(), keyring.Config{Store: seldom{store}, KEK: kek}))
		var openers []*open.Opener
		for _, ring := range []*keyring.Ring{current, behind} {
			cfg := config()
			cfg.Allow(open.KeyID)
			cfg.Decryption = withoutReload{ring}
			cfg.Limits = open.Limits{Leeway: policy.Leeway}
			openers = append(openers, newOpener(t, cfg))
		}
		s := &senders{ring: current, age: policy.PublishLag + policy.CacheAge}
		type sealed struct {
			token string
			dies  time.Time
		}
		var alive []sealed
		calls, opened, bad, activated := 0, 0, 0, 0
		try := func(token, when string) {
			calls++
			for i, o := range openers {
				if perSecond > 1 && i != calls%len(openers) {
					continue // the two take turns
				}
				opened++
				if _, err := o.Open(t.Context(), token); err != nil {
					if bad++; bad <= 10 {
						t.Errorf("after %d rotations a token %s, opener %d: %v", activated, when, i, detail(err))
					}
				}
			}
		}
		for activated < rotations {
			for {
				step, err := current.Rotate(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if step.Action == keyring.Activate {
					activated++
				}
				if step.Action == keyring.Nothing {
					break
				}
			}
			if _, err := behind.PrivateKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.publish(t)
			for i := range perSecond {
				token := s.seal(i+int(time.Now().Unix()), policy.TokenLifetime)
				try(token, "just sealed")
				alive = append(alive, sealed{token, time.Now().Add(policy.TokenLifetime + policy.Leeway - time.Second)})
			}
			for len(alive) > 0 && !alive[0].dies.After(time.Now()) {
				try(alive[0].token, "nearly dead")
				alive = alive[1:]
			}
			time.Sleep(time.Second)
		}
		if bad != 0 || opened < 100 {
			t.Errorf("of %d openings %d failed", opened, bad)
		}
		t.Logf("%d openings of tokens without kid in %d rotations, %d refused", opened, activated, bad)
	})
}

// senders seal to the published keys of a ring: one to the newest set, and the other to a set that
// is as old as a cache may be.
type senders struct {
	ring *keyring.Ring
	age  time.Duration
	sets []publishedSet
}

type publishedSet struct {
	at time.Time
	to *ecdh.PublicKey
}

func (s *senders) publish(t *testing.T) {
	set := must(s.ring.PublicKeys(t.Context(), ""))
	s.sets = append(s.sets, publishedSet{time.Now(), must(set.EncryptionKey()).Public().(*ecdh.PublicKey)})
	for len(s.sets) > 1 && time.Since(s.sets[1].at) >= s.age {
		s.sets = s.sets[1:]
	}
}

// seal makes a token without kid. The senders take turns.
func (s *senders) seal(n int, lifetime time.Duration) string { return s.forge(n, lifetime).Token() }

func (s *senders) forge(n int, lifetime time.Duration) *forgery {
	set := s.sets[0]
	if n%2 == 0 {
		set = s.sets[len(s.sets)-1]
	}
	f := forgeNested()
	noKid(f)
	f.Secret = must(f.Ephemeral.ECDH(set.to))
	now := time.Now()
	f.Claims.Set("iat", fmt.Sprint(now.Unix()))
	f.Claims.Set("exp", fmt.Sprint(now.Add(lifetime).Unix()))
	return f
}
