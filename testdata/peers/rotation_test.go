package peers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

const (
	day     = 24 * time.Hour
	forEver = 40 * day // the tests look no further
)

var maxAges = []time.Duration{300 * time.Second, 21600 * time.Second}

// The default policy replaces three signing keys in turn. No client refuses a token, whether it is
// fresh or about to expire. Rotator, signer and publisher are processes of their own. Each has a
// snapshot of its own age.
func TestPlannedRotation(t *testing.T) {
	for _, maxAge := range maxAges {
		t.Run(fmt.Sprintf("max-age %d", int(maxAge.Seconds())), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { plannedRotation(t, maxAge) })
		})
	}
}

func plannedRotation(t *testing.T, maxAge time.Duration) {
	const lifetime = time.Hour // the default policy allows no longer one
	ctx, stop := context.WithCancel(t.Context())
	defer synctest.Wait()
	defer stop()
	store := keyring.NewMemStore()
	rotator := newRing(t, store, keyring.Policy{MaxAge: maxAge})
	signer := sameRing(t, store)
	served := &publisher{ring: sameRing(t, store), maxAge: maxAge}
	verifiers := make(map[string]verifier)
	for _, c := range clients {
		verifiers[c.name] = c.start(ctx, t, served)
	}

	type issued struct {
		token   string
		expires time.Time
	}
	var (
		alive               []issued
		activations, checks int
		changed             time.Time
		start               = time.Now()
	)
	for time.Since(start) < 95*day && !t.Failed() {
		for _, s := range rotateAll(t, rotator) {
			if s.Action == keyring.Activate && s.Use == keys.UseSig {
				activations++
				changed = time.Now()
			}
		}
		alive = append(alive, issued{sign(t, signer, lifetime), time.Now().Add(lifetime).Truncate(time.Second)})
		for !alive[0].expires.After(time.Now()) {
			alive = alive[1:]
		}
		for _, token := range []string{alive[0].token, alive[len(alive)-1].token} {
			for name, verify := range verifiers {
				checks++
				if err := verify(ctx, token); err != nil {
					t.Errorf("%s refuses a token, %v after the last rotation: %v", name, time.Since(changed), err)
				}
			}
		}
		// The looks are close together while something can go wrong. In the first day after a
		// rotation they are so close that one token is always about to expire.
		pause := 3*time.Hour + rand.N(2*time.Hour)
		switch since := time.Since(changed); {
		case since < 3*time.Hour:
			pause = time.Minute + rand.N(time.Minute)
		case since < 26*time.Hour:
			pause = 30*time.Minute + rand.N(25*time.Minute)
		}
		time.Sleep(pause)
	}
	if activations != 3 {
		t.Errorf("%d signing keys became active in 95 days, want 3", activations)
	}
	t.Logf("95 days, %d rotations of the signing key, %d checks, %d fetches, none refused", activations, checks, served.fetches)
}

// scenario is a way to end the active signing key, with the token that is measured then.
type scenario struct {
	column  string
	end     func(t *testing.T, ring *keyring.Ring, kid string)
	traffic bool // tokens of the new key arrive as well
	fresh   bool // the token of the new key is measured, and otherwise that of the old key
}

var scenarios = []scenario{
	{"hasty, new refused", rotateTwice, true, true},
	{"revoked, new refused", revoke, true, true},
	{"revoked, old accepted", revoke, true, false},
	{"revoked, old accepted, idle", revoke, false, false},
}

const legend = `How long a client is wrong after
  hasty    a rotation to a key that it cannot know, without the window
  revoked  an emergency revocation, which activates a brand-new key
about
  new refused   tokens of the new key
  old accepted  tokens that a thief signs with the old key
  idle          the same while no token of the new key comes in
`

func revoke(t *testing.T, ring *keyring.Ring, kid string) {
	if _, err := ring.Revoke(t.Context(), keyring.Revocation{KeyID: kid, Reason: "compromised"}); err != nil {
		t.Error(err)
	}
}

// rotateTwice replaces the active key by a key that was never published before.
func rotateTwice(t *testing.T, ring *keyring.Ring, _ string) {
	for range 2 {
		step, err := ring.RotateNowInsecurely(t.Context(), keys.UseSig)
		if err != nil || step.Action != keyring.Activate {
			t.Errorf("%v, %v", step, err)
		}
	}
}

// TestEmergency measures the worst case: the client fetched just before, and a token with an
// unknown kid has just used up the fetch that it allows for one. The test fails if the behaviour of
// a client changes, so that a maintainer corrects the figures in the documentation.
func TestEmergency(t *testing.T) {
	const tolerance = 2 * time.Minute
	minutes := func(ms ...time.Duration) []time.Duration {
		for i := range ms {
			ms[i] *= time.Minute
		}
		return ms
	}
	never := []time.Duration{0, 0, 0, forEver}
	want := map[string][2][]time.Duration{ // by max-age, in the order of scenarios
		"go-oidc": {never, never},
		"jwkset":  {minutes(5, 5, 5, 60), minutes(5, 5, 5, 60)},
		"jwx":     {minutes(15, 15, 15, 15), minutes(360, 360, 360, 360)},
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%s%-8s %7s", legend, "client", "max-age")
	for _, s := range scenarios {
		fmt.Fprintf(&table, "  %s", s.column)
	}
	for _, c := range clients {
		for a, maxAge := range maxAges {
			fmt.Fprintf(&table, "\n%-8s %7v", c.name, maxAge.Seconds())
			for i, s := range scenarios {
				var lasted time.Duration
				t.Run(fmt.Sprintf("%s/%v/%s", c.name, maxAge, s.column), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { lasted = emergency(t, c, maxAge, s) })
					if w := want[c.name][a][i]; (lasted - w).Abs() > tolerance {
						t.Errorf("%v, want %v", lasted, w)
					}
				})
				text := lasted.Round(time.Second).String()
				if lasted >= forEver {
					text = "> 40 days"
				}
				fmt.Fprintf(&table, "  %-*s", len(s.column), text)
			}
		}
	}
	t.Log(table.String())
}

func emergency(t *testing.T, c client, maxAge time.Duration, s scenario) (lasted time.Duration) {
	ctx, stop := context.WithCancel(t.Context())
	defer synctest.Wait()
	defer stop()
	ring := newRing(t, keyring.NewMemStore(), keyring.Policy{MaxAge: maxAge})
	served := &publisher{ring: ring, maxAge: maxAge}
	verify := c.start(ctx, t, served)
	old := sign(t, ring, 2*forEver)
	if err := verify(ctx, old); err != nil {
		t.Fatal(err)
	}
	kid := activeSigningKey(t, ring)

	// First all clients learn the successor, and then the client has just fetched.
	time.Sleep(26 * time.Hour)
	for fetches, i := served.fetches, 0; served.fetches == fetches && c.name != "go-oidc" && i < 7*3600; i++ {
		time.Sleep(time.Second)
	}
	verify(ctx, stranger(t))
	if err := verify(ctx, old); err != nil {
		t.Fatal(err)
	}
	s.end(t, ring, kid)

	start, fresh := time.Now(), sign(t, ring, 2*forEver)
	over := func() bool {
		var newErr error
		if s.traffic {
			newErr = verify(ctx, fresh)
		}
		if s.fresh {
			return newErr == nil
		}
		return verify(ctx, old) != nil
	}
	for !over() {
		if lasted = time.Since(start); lasted >= forEver {
			return forEver
		}
		step := 10 * time.Second
		if lasted > 7*time.Hour {
			step = time.Hour
		}
		time.Sleep(step)
	}
	return time.Since(start)
}

func activeSigningKey(t *testing.T, ring *keyring.Ring) string {
	t.Helper()
	set, err := ring.PrivateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k, err := set.SigningKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.ID()
}
