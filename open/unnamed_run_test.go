package open_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
)

// secondsPolicy has the shortest windows in which a token of two seconds can live, because its
// times are whole seconds. A decryption key follows another as soon as a policy permits. The period
// of a signing key is two windows longer, so the issuer never publishes more than three keys. Any
// of these may have signed a token without kid.
func secondsPolicy() keyring.Policy {
	p := keyring.Policy{
		TokenLifetime: 2 * time.Second, Leeway: time.Second, ClockSkew: 200 * time.Millisecond,
		CacheAge: time.Second, MaxAge: time.Second, PublishLag: 100 * time.Millisecond, SnapshotAge: 2 * time.Second,
	}
	w := p.Windows()
	p.Sig.Period = 2*w.SignKept + 2*w.SignAhead
	p.Enc.Period = max(2*w.EncAhead, w.EncKept) + time.Millisecond
	return p
}

// Two processes run the rings of an issuer and of a recipient for a minute and rotate them. Senders
// make 200 tokens a second without any kid. A third process opens each when it is sealed and at the
// end of its life, and cannot reload a ring for it. No token is refused.
func TestRotationWithoutKeyIDInRealTime(t *testing.T) {
	if os.Getenv("SEALJWT_LONG") == "" {
		t.Skip("set SEALJWT_LONG=1 to rotate for a minute; TestRotationWithoutKeyID does it by a clock of its own")
	}
	const perSecond, lasts = 200, time.Minute
	policy := secondsPolicy()
	issuer, recipient := newRunning(t, policy, keys.UseSig), newRunning(t, policy, keys.UseEnc)
	cfg := config()
	cfg.Allow(open.KeyID)
	cfg.Trust[0].Keys = &cachedKeys{PublicSource: issuer.open(t), age: policy.CacheAge}
	cfg.Decryption = withoutReload{recipient.open(t)}
	cfg.Limits = open.Limits{Leeway: policy.Leeway}
	o := newOpener(t, cfg)
	if err := o.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	signing := issuer.open(t)
	s := &senders{ring: recipient.open(t), age: policy.PublishLag + policy.CacheAge}

	var fresh, old, late, refusals int
	try := func(token string, dies time.Time, count *int, when string) {
		switch _, err := o.Open(t.Context(), token); {
		case err == nil:
			*count++
		case !time.Now().Before(dies): // this machine took longer than the token lives
			late++
		default:
			if refusals++; refusals <= 10 {
				t.Errorf("a token %s: %v", when, detail(err))
			}
		}
	}
	type sealed struct {
		token string
		dies  time.Time
	}
	var alive []sealed
	began := time.Now()
	for n := range perSecond * int(lasts/time.Second) {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / perSecond)))
		s.publish(t)
		set := must(signing.PrivateKeys(t.Context()))
		k := must(set.SigningKey())
		dies := time.Unix(time.Now().Unix(), 0).Add(policy.TokenLifetime + policy.Leeway) // it may be a second later
		token := s.sealSigned(n, policy.TokenLifetime, k)
		try(token, dies, &fresh, "just sealed")
		alive = append(alive, sealed{token, dies})
		for len(alive) > 0 && time.Until(alive[0].dies) < 300*time.Millisecond {
			try(alive[0].token, alive[0].dies, &old, "nearly dead")
			alive = alive[1:]
		}
	}
	took := time.Since(began)
	t.Logf("in %v %d tokens without kid, %.0f a second, while %d signing and %d decryption keys became active: "+
		"%d opened when they were sealed, %d at the end of their life, %d too late for that, %d refused",
		took.Round(time.Second), fresh, float64(fresh)/took.Seconds(), issuer.activated.Load(), recipient.activated.Load(), fresh, old, late, refusals)
	if refusals > 0 || issuer.activated.Load() < 2 || recipient.activated.Load() < 4 {
		t.Error("refused, or too few rotations to tell")
	}
}

// running is a ring that two processes run.
type running struct {
	cfg       keyring.Config
	activated atomic.Int64
}

func newRunning(t *testing.T, policy keyring.Policy, use keys.Use) *running {
	r := &running{cfg: keyring.Config{Store: keyring.NewMemStore(), KEK: must(keyring.NewKEK(make([]byte, 32))), Policy: policy, Uses: []keys.Use{use}}}
	first := must(keyring.Create(t.Context(), r.cfg))
	for _, ring := range []*keyring.Ring{first, r.open(t)} {
		go ring.Run(t.Context(), func(step keyring.Step, err error) {
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if step.Action == keyring.Activate {
				r.activated.Add(1)
			}
		})
	}
	return r
}

// open opens the ring in another process.
func (r *running) open(t *testing.T) *keyring.Ring {
	return must(keyring.Open(t.Context(), keyring.Config{Store: r.cfg.Store, KEK: r.cfg.KEK}))
}

// cachedKeys returns a set until it is as old as a cache may be.
type cachedKeys struct {
	keys.PublicSource
	age time.Duration
	at  time.Time
	set *keys.PublicSet
}

func (c *cachedKeys) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	if c.set != nil && time.Since(c.at) < c.age {
		return c.set, nil
	}
	set, err := c.PublicSource.PublicKeys(ctx, kid)
	c.set, c.at = set, time.Now()
	return set, err
}

// sealSigned does the same as seal, with another signing key and without its kid.
func (s *senders) sealSigned(n int, lifetime time.Duration, k *keys.Key) string {
	f := s.forge(n, lifetime)
	noInnerKid(f)
	f.Sign = func(input []byte) []byte { return must(k.Sign(context.Background(), input)) }
	return f.Token()
}
