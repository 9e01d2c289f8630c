package peers

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// compareAllocations counts allocations. Other processes do not change this figure.
func compareAllocations(t *testing.T) string {
	all, token := contenders(t, newBenchKeys(t, benchSuites[0]), 512, true)
	table := newTable("", "allocations", "above the floor")
	var floor [2]float64
	for i, c := range all {
		count := [2]float64{allocations(t, func() error { _, err := c.seal(); return err }),
			allocations(t, func() error { _, err := c.open(token); return err })}
		if i == 0 {
			floor = count
		}
		table.row(c.name, fmt.Sprintf("%.0f / %.0f", count[0], count[1]), fmt.Sprintf("%+.0f / %+.0f", count[0]-floor[0], count[1]-floor[1]))
	}
	return table.String()
}

func allocations(t *testing.T, run func() error) float64 {
	return testing.AllocsPerRun(200, func() {
		if err := run(); err != nil {
			t.Fatal(err)
		}
	})
}

// compareSelective seals all custom claims to each of several recipients, and opens the token as
// one of them.
func compareSelective(t *testing.T) string {
	counts := []int{1, 4, 16}
	var sealers, openers []racer
	for _, n := range counts {
		c := selectiveAmong(t, n)
		token, err := c.seal()
		if err != nil {
			t.Fatal(err)
		}
		sealers = append(sealers, racer{c.name, func() error { _, err := c.seal(); return err }})
		openers = append(openers, racer{c.name, func() error { _, err := c.open(token); return err }})
	}
	sealed, opened := race(t, cpuTime, sealers...), race(t, cpuTime, openers...)
	table := newTable("recipients", "seal", "open, as one of them", "µs")
	for i, n := range counts {
		table.row(fmt.Sprint(n), sealed[i].String(), opened[i].String(), fmt.Sprintf("%.0f / %.0f", micros(sealed[i].each), micros(opened[i].each)))
	}
	return table.String()
}

// selectiveAmong is the selective form with n recipients. The recipient in the middle opens the
// token.
func selectiveAmong(t *testing.T, n int) contender {
	t.Helper()
	_, signing := benchKey(t, keys.ES256.Alg(), benchSigningKid)
	cfg := seal.SelectiveConfig{Issuer: issuer, Signing: signing, Limits: seal.Limits{Lifetime: benchLifetime, MaxSize: benchMaxSize}}
	var own *keys.Set
	for i := range n {
		_, set := benchKey(t, keys.ECDHES.Alg(), fmt.Sprintf("sealing-key-%04d", i))
		cfg.Recipients = append(cfg.Recipients, seal.SelectiveRecipient{Audience: fmt.Sprintf("%s/%d", audience, i), Keys: set, ReadsAll: true})
		if i == n/2 {
			own = set
		}
	}
	sealer, err := seal.NewSelective(cfg)
	if err != nil {
		t.Fatal(err)
	}
	opener, err := open.NewSelective(open.SelectiveConfig{
		Audience:   cfg.Recipients[n/2].Audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: signing}},
		Decryption: own,
		Require:    []string{"email"},
		Limits:     open.Limits{MaxSize: benchMaxSize},
	})
	if err != nil {
		t.Fatal(err)
	}
	return contender{fmt.Sprint(n), sealing(t.Context(), sealer, profileOf(t, 512)), opening(t.Context(), opener)}
}

// compareLookups finds keys by kid, in an order that defeats caches.
func compareLookups(t *testing.T) string {
	counts := []int{1, 100, 10_000}
	var verification, decryption []racer
	const batch = 10_000
	for _, n := range counts {
		kids := make([]string, batch)
		for i := range kids {
			kids[i] = fmt.Sprintf("the-kid-of-%05d", rand.IntN(n))
		}
		issuers, recipients := setOf(t, keys.ES256, n), setOf(t, keys.ECDHES, n)
		public, err := issuers.PublicKeys(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint(n)
		verification = append(verification, lookups(name, kids, func(kid string) bool {
			_, err := public.VerificationKey(kid, keys.ES256.Alg())
			return err == nil
		}))
		decryption = append(decryption, lookups(name, kids, func(kid string) bool {
			return len(recipients.DecryptionKeys(keys.Header{KeyID: []byte(kid)})) == 1
		}))
	}
	verify, decrypt := race(t, cpuTime, verification...), race(t, cpuTime, decryption...)
	table := newTable("keys", "verification key", "decryption key", "ns")
	for i, n := range counts {
		table.row(fmt.Sprint(n), verify[i].String(), decrypt[i].String(),
			fmt.Sprintf("%.0f / %.0f", 1e3*micros(verify[i].each)/batch, 1e3*micros(decrypt[i].each)/batch))
	}
	return table.String()
}

func lookups(name string, kids []string, find func(kid string) bool) racer {
	return racer{name, func() error {
		for _, kid := range kids {
			if !find(kid) {
				return fmt.Errorf("no key %s", kid)
			}
		}
		return nil
	}}
}

func setOf(t *testing.T, suite keys.Suite, n int) *keys.Set {
	t.Helper()
	all := make([]*keys.Key, 0, n)
	for i := range n {
		_, k := parsedKey(t, suite.Alg(), fmt.Sprintf("the-kid-of-%05d", i))
		all = append(all, k)
	}
	return keytest.NewSet(all...)
}

// compareCores lets one goroutine do the work of as many goroutines as there are cores. The library
// can keep the processor time the same. The machine decides how much sooner the work is done.
func compareCores(t *testing.T) string {
	c := ours(t, newBenchKeys(t, benchSuites[0]), profileOf(t, 512))
	token, err := c.seal()
	if err != nil {
		t.Fatal(err)
	}
	cores := runtime.GOMAXPROCS(0)
	table := newTable("", fmt.Sprintf("throughput with %d goroutines ÷ one", cores), "processor time ÷ one")
	for _, work := range []racer{
		{"seal", func() error { _, err := c.seal(); return err }},
		{"open", func() error { _, err := c.open(token); return err }},
	} {
		const each = 8
		one, all := spread("one", 1, cores*each, work.run), spread("all", cores, each, work.run)
		wall, cpu := race(t, wallTime, one, all), race(t, cpuTime, one, all)
		table.row(work.name, fmt.Sprintf("%.2f [%.2f–%.2f]", 1/wall[1].median, 1/wall[1].high, 1/wall[1].low), cpu[1].String())
	}
	return table.String()
}

// spread returns a racer that runs work on several goroutines, each times on each.
func spread(name string, goroutines, each int, work func() error) racer {
	return racer{name, func() error {
		errs := make([]error, goroutines)
		var group sync.WaitGroup
		for g := range goroutines {
			group.Go(func() {
				for i := 0; i < each && errs[g] == nil; i++ {
					errs[g] = work()
				}
			})
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}}
}
