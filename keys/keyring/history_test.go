package keyring_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// tightestPolicy returns a policy with the shortest periods that its windows allow.
func tightestPolicy() keyring.Policy {
	p := keyring.Policy{
		TokenLifetime: 15 * time.Minute, Leeway: 10 * time.Second, ClockSkew: 10 * time.Second,
		CacheAge: 10 * time.Minute, PublishLag: 10 * time.Second, SnapshotAge: 2 * time.Minute,
	}
	w := p.Windows()
	p.Sig.Period = max(2*w.SignAhead, w.SignKept) + time.Second
	p.Enc.Period = max(2*w.EncAhead, w.EncKept) + time.Second
	return p
}

// flakyStore is a store that its process reaches in 10 of 90 seconds, so the process's snapshot
// becomes nearly as old as the policy allows.
type flakyStore struct{ keyring.Store }

func (s flakyStore) Load(ctx context.Context) ([]byte, string, error) {
	if time.Now().Unix()%90 >= 10 {
		return nil, "", errors.New("no connection")
	}
	return s.Store.Load(ctx)
}

// publishedSet is the JWK Set of a ring as a client sees it. A set reaches the client PublishLag after
// the ring published it, and the client caches the set for CacheAge. The client does not fetch the set
// again for an unknown kid.
type publishedSet struct {
	ring    *keyring.Ring
	policy  keyring.Policy
	arrived []arrival
	cached  arrival
}

// arrival is a set and the time at which it reached the client.
type arrival struct {
	at  time.Time
	set *keys.PublicSet
}

func (p *publishedSet) publish(t *testing.T) {
	set, err := p.ring.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatalf("publishing: %v", err)
	}
	p.arrived = append(p.arrived, arrival{time.Now().Add(p.policy.PublishLag), set})
}

func (p *publishedSet) PublicKeys(context.Context, string) (*keys.PublicSet, error) {
	if now := time.Now(); p.cached.set == nil || now.Sub(p.cached.at) > p.policy.CacheAge {
		for len(p.arrived) > 1 && !p.arrived[1].at.After(now) {
			p.arrived = p.arrived[1:]
		}
		p.cached = arrival{now, p.arrived[0].set}
	}
	return p.cached.set, nil
}

// snapshotOnly hides a ring's Reload, so that sealers and openers use the snapshot.
type snapshotOnly struct{ keys.PrivateSource }

// Tokens are sealed and opened without pause across 50 rotations of both uses (200 in the long
// form). The processes are as far behind as they may be. Each token is opened at once, and again at
// the end of its life.
func TestHistory(t *testing.T) {
	rotations := 50
	switch {
	case os.Getenv("SEALJWT_LONG") == "1":
		rotations = 200
	case testing.Short():
		rotations = 15
	}
	synctest.Test(t, func(t *testing.T) {
		policy := tightestPolicy()
		type party struct {
			store   keyring.Store
			current *keyring.Ring
			behind  *keyring.Ring
			public  *publishedSet
		}
		newParty := func(kekByte byte, uses ...keys.Use) *party {
			kek, err := keyring.NewKEK([]byte{31: kekByte})
			if err != nil {
				t.Fatal(err)
			}
			p := &party{store: keyring.NewMemStore()}
			if p.current, err = keyring.Create(t.Context(), keyring.Config{Store: p.store, KEK: kek, Policy: policy, Uses: uses}); err != nil {
				t.Fatal(err)
			}
			if p.behind, err = keyring.Open(t.Context(), keyring.Config{Store: flakyStore{p.store}, KEK: kek}); err != nil {
				t.Fatal(err)
			}
			publisher, err := keyring.Open(t.Context(), keyring.Config{Store: flakyStore{p.store}, KEK: kek})
			if err != nil {
				t.Fatal(err)
			}
			p.public = &publishedSet{ring: publisher, policy: policy}
			p.public.publish(t)
			return p
		}
		time.Sleep(time.Until(time.Unix(time.Now().Unix()/90*90+90, 0))) // until the store is reached
		issuer, recipient, both := newParty(1, keys.UseSig), newParty(2, keys.UseEnc), newParty(3)

		const name, audience = "https://id.example.com", "https://api.example.com"
		type flow struct {
			sealers []*seal.Sealer
			openers []*open.Opener
		}
		newFlow := func(sign []keys.PrivateSource, to []keys.PublicSource, verify []keys.PublicSource, decrypt []keys.PrivateSource) (f flow) {
			for _, s := range sign {
				for _, e := range to {
					sealer, err := seal.New(seal.Config{
						Issuer:    name,
						Signing:   s,
						Recipient: seal.Recipient{Audience: audience, Keys: e},
						Limits:    seal.Limits{Lifetime: policy.TokenLifetime},
					})
					if err != nil {
						t.Fatal(err)
					}
					f.sealers = append(f.sealers, sealer)
				}
			}
			for _, v := range verify {
				for _, d := range decrypt {
					opener, err := open.New(open.Config{
						Audience:   audience,
						Trust:      []open.Issuer{{ID: name, Keys: v}},
						Decryption: d,
						Limits:     open.Limits{Leeway: policy.Leeway},
					})
					if err != nil {
						t.Fatal(err)
					}
					f.openers = append(f.openers, opener)
				}
			}
			return f
		}
		private := func(p *party) []keys.PrivateSource {
			return []keys.PrivateSource{snapshotOnly{p.current}, snapshotOnly{p.behind}}
		}
		flows := []flow{
			newFlow(private(issuer), []keys.PublicSource{recipient.public}, []keys.PublicSource{issuer.public}, private(recipient)),
			newFlow(private(both), []keys.PublicSource{both.current, both.behind}, []keys.PublicSource{both.current, both.public}, private(both)),
		}

		type sealed struct {
			token string
			flow  flow
			dies  time.Time
		}
		var (
			alive                     []sealed
			activated                 = make(map[keys.Use]int)
			sealedTokens, opened, bad int
		)
		try := func(s sealed, when string) {
			for range 2 { // two of the four
				o := s.flow.openers[opened%len(s.flow.openers)]
				opened++
				if _, err := o.Open(t.Context(), s.token); err != nil {
					if bad++; bad <= 10 {
						t.Errorf("a token %s, with %v to live: %v", when, time.Until(s.dies), err)
					}
				}
			}
		}
		const pause = 30 * time.Second
		for n := 0; activated[keys.UseSig] < rotations || activated[keys.UseEnc] < rotations; n++ {
			for _, p := range []*party{issuer, recipient, both} {
				for {
					s, err := p.current.Rotate(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if s.Action == keyring.Nothing {
						break
					}
					if s.Action == keyring.Activate {
						activated[s.Use]++
					}
				}
				p.public.publish(t)
				if _, err := p.behind.PrivateKeys(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for i, f := range flows {
				sealer := f.sealers[(n/2)%len(f.sealers)]
				if n%2 != i {
					continue
				}
				token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42"})
				if err != nil {
					t.Fatalf("sealing: %v", err)
				}
				sealedTokens++
				s := sealed{token, f, time.Unix(time.Now().Unix(), 0).Add(policy.TokenLifetime + policy.Leeway)}
				alive = append(alive, s)
				try(s, "just sealed")
			}
			time.Sleep(pause)
			for len(alive) > 0 && time.Until(alive[0].dies) <= pause {
				try(alive[0], "nearly dead")
				alive = alive[1:]
			}
		}
		if bad != 0 {
			t.Errorf("of %d openings of %d tokens %d failed", opened, sealedTokens, bad)
		}
		t.Logf("%d tokens, opened %d times, %v", sealedTokens, opened, activated)
	})
}
