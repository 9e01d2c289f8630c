package open_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// tokens makes n good tokens. life returns the lifetime of each.
func tokens(n int, life func(i int) time.Duration) []string {
	var all []string
	for i := range n {
		f := forgeWith(keys.EdDSA, keys.ECDHES, keys.A256GCM)
		f.Claims.Set("jti", quoted(fmt.Sprint("id-", i)))
		f.Claims.Set("exp", seconds(int64(life(i)/time.Second)))
		all = append(all, f.Token())
	}
	return all
}

func tenMinutes(int) time.Duration { return 10 * time.Minute }

// cached returns the number of entries.
func cached(t testing.TB, o *open.Opener) (n int) {
	t.Helper()
	for _, count := range o.CacheShards(t.Errorf) {
		n += count
	}
	return n
}

// The cache never has more entries than its limit. A full cache still accepts new ones.
func TestCacheBound(t *testing.T) {
	t.Parallel()
	all := tokens(40, tenMinutes)
	for _, bound := range []int{1, 2, 3, 5, 16, 31, 40, 1000} {
		cfg := config()
		cfg.Limits.Cache = bound
		o := newCaching(t, cfg)
		most := 0
		for range 4 * len(all) {
			token := all[rand.IntN(len(all))]
			tok := opens(t, o, token)
			hits(t, o, token, tok) // the last token is in the cache
			most = max(most, cached(t, o))
		}
		if most > bound || most < min(bound, len(all)/2) {
			t.Errorf("%d entries, and the bound is %d", most, bound)
		}
	}
}

// All shards together have as many entries as the limit allows, and no fewer when all are full.
func TestCacheBoundOfShards(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Limits.Cache = 515 // the two shards get different limits
	o := newCaching(t, cfg)
	for _, token := range tokens(700, tenMinutes) {
		opens(t, o, token)
	}
	if counts := o.CacheShards(t.Errorf); len(counts) != 2 || counts[0] != 258 || counts[1] != 257 {
		t.Errorf("%d entries", counts)
	}
}

// A token that is used stays while others come and go.
func TestCacheSecondChance(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Limits.Cache = 10
	o := newCaching(t, cfg)
	all := tokens(60, tenMinutes)
	used := opens(t, o, all[0])
	for _, token := range all[1:] {
		hits(t, o, all[0], used)
		opens(t, o, token)
	}
	hits(t, o, all[0], used)
	if n := cached(t, o); n != 10 {
		t.Errorf("%d entries", n)
	}
}

// The cache evicts the oldest entry that was not used again.
func TestCacheEvictsTheOldest(t *testing.T) {
	t.Parallel()
	const bound = 10
	cfg := config()
	cfg.Limits.Cache = bound
	o := newCaching(t, cfg)
	all := tokens(2*bound-1, tenMinutes)
	for _, token := range all {
		opens(t, o, token)
	}
	for i, token := range all {
		if o.Remembers(token) != (i >= len(all)-bound) {
			t.Errorf("token %d: kept is %v", i, o.Remembers(token))
		}
	}
}

// If all entries are in use, the cache evicts one all the same, and does not search the whole cache
// for it.
func TestCacheEvictsAtOnce(t *testing.T) {
	t.Parallel()
	const bound, looks = 20, 8
	cfg := config()
	cfg.Limits.Cache = bound
	o := newCaching(t, cfg)
	all := tokens(bound+1, tenMinutes)
	for _, token := range all[:bound] {
		hits(t, o, token, opens(t, o, token))
	}
	opens(t, o, all[bound])
	for i, token := range all {
		if o.Remembers(token) != (i != looks) {
			t.Errorf("token %d: kept is %v", i, o.Remembers(token))
		}
	}
}

// Expired tokens leave the cache, even if no client sends them again.
func TestCacheDropsTheDead(t *testing.T) {
	t.Parallel()
	const short, long = 32, 16
	o := newCaching(t, config())
	all := tokens(short+long, func(i int) time.Duration {
		if i < short {
			return time.Minute
		}
		return 10 * time.Minute
	})
	for _, token := range all[:short] {
		opens(t, o, token)
	}
	if n := cached(t, o); n != short {
		t.Fatalf("%d entries", n)
	}
	o.SetNow(func() time.Time { return clock.Add(3 * time.Minute) })
	for i, token := range all[short:] {
		opens(t, o, token)
		if n := cached(t, o); n > max(i+1, short-7*i) {
			t.Errorf("%d entries after %d new ones", n, i+1)
		}
	}
	for _, token := range all[:short] {
		if o.Remembers(token) {
			t.Fatal("a dead token is still there")
		}
	}
	if n := cached(t, o); n != long {
		t.Errorf("%d entries, and %d are alive", n, long)
	}
}

// Many clients send the same few tokens to a cache that is too small for them, while keys and time
// change. The race detector watches.
func TestCacheConcurrently(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Limits.Cache = 8
	sets := []*keys.Set{cfg.Decryption.(*keys.Set), privateSet(keysFor(managementSuites)...)}
	source := &turning{sets: sets}
	cfg.Decryption = source
	o := newCaching(t, cfg)
	all := tokens(12, tenMinutes)
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			for range 150 {
				i := r.IntN(len(all))
				tok, err := o.OpenAt(t.Context(), all[i], clock.Add(time.Duration(r.IntN(2))*time.Second))
				if err != nil || tok.ID() != fmt.Sprint("id-", i) {
					t.Errorf("%v, %v", tok, err)
					return
				}
				if r.IntN(10) == 0 {
					source.turn()
				}
				if _, err := o.OpenAt(t.Context(), all[i], clock.Add(time.Hour)); err == nil {
					t.Error("a dead token is accepted")
				}
			}
		})
	}
	group.Wait()
	if n := cached(t, o); n > 8 {
		t.Errorf("%d entries", n)
	}
}

// Every shard of a large cache has its share of the limit.
func TestCacheShards(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ bound, shards int }{{1, 1}, {511, 1}, {512, 2}, {1000, 2}, {4095, 8}, {4096, 16}, {1 << 40, 16}} {
		cfg := config()
		cfg.Limits.Cache = tt.bound
		if n := len(newCaching(t, cfg).CacheShards(t.Errorf)); n != tt.shards {
			t.Errorf("%d shards for %d entries", n, tt.bound)
		}
	}
}
