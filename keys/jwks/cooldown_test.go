package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Clients choose the kid of a token. Ten thousand unknown kids, over minutes, cause one fetch in
// each cooldown. Callers with a known kid do not notice, whether the endpoint answers or not.
func TestRandomKids(t *testing.T) {
	for name, down := range map[string]bool{"up": false, "down": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, k))
				r := remoteOf(t, s, RemoteConfig{})
				knows(t, r, k.ID(), k)
				if down {
					s.fails(500)
				}
				start := time.Now()
				var wg sync.WaitGroup
				for i := range 10_000 {
					wg.Go(func() {
						set, err := r.PublicKeys(t.Context(), fmt.Sprintf("random-%d", i))
						tried := time.Since(start) >= DefaultCooldown
						if down && tried && (!errors.Is(err, ErrFetch) || errors.Is(err, keys.ErrStale)) {
							t.Errorf("down: %v", err)
						}
						if !down && (err != nil || set == nil) {
							t.Errorf("up: %v", err)
						}
					})
					if i%100 == 0 {
						knows(t, r, k.ID(), k)
						time.Sleep(3 * time.Second)
					}
				}
				wg.Wait()
				elapsed := time.Since(start)
				if most := 1 + int(elapsed/DefaultCooldown); s.count() > most || s.count() < most/2 {
					t.Errorf("%d fetches in %v, want at most %d", s.count(), elapsed, most)
				}
				if s.last().Header.Get("Cache-Control") != "no-cache" {
					t.Error("caches on the way were not told to ask")
				}
			})
		})
	}
}

// The first token that a new key signs makes the Remote find that key, once the cooldown is over.
func TestNewKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, old), "Cache-Control", "max-age=3600")
		r := remoteOf(t, s, RemoteConfig{})
		knows(t, r, old.ID(), old)
		s.serve(jwkSet(t, fresh))
		time.Sleep(DefaultCooldown - time.Nanosecond)
		knows(t, r, fresh.ID(), old)
		time.Sleep(time.Nanosecond)
		knows(t, r, fresh.ID(), fresh)
		if s.count() != 2 {
			t.Errorf("%d fetches", s.count())
		}
	})
}

// Many callers at once cause one fetch. Only the callers that need its answer wait for it.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, fresh := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		s.delay = time.Second
		r := remoteOf(t, s, RemoteConfig{})
		// There is no set: all callers wait.
		if waited := waiting(t, r, k.ID()); waited != 50 || s.count() != 1 {
			t.Errorf("first: %d waited, %d fetches", waited, s.count())
		}
		// A fetch is due: one caller waits.
		time.Sleep(4 * time.Minute)
		if waited := waiting(t, r, k.ID()); waited != 1 || s.count() != 2 {
			t.Errorf("due: %d waited, %d fetches", waited, s.count())
		}
		// The set lacks the key that the callers need: all of them wait, and get it.
		s.serve(jwkSet(t, fresh))
		time.Sleep(time.Minute)
		if waited := waiting(t, r, fresh.ID()); waited != 50 || s.count() != 3 {
			t.Errorf("unknown: %d waited, %d fetches", waited, s.count())
		}
		knows(t, r, fresh.ID(), fresh)
		// The set is too old: all callers wait.
		time.Sleep(2 * time.Hour)
		if waited := waiting(t, r, fresh.ID()); waited != 50 || s.count() != 4 {
			t.Errorf("stale: %d waited, %d fetches", waited, s.count())
		}
	})
}

// While a fetch takes longer than the cooldown, no second one begins.
func TestSlowFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(jwkSet(t))
		s.delay = 4 * time.Second
		r := remoteOf(t, s, RemoteConfig{Cooldown: time.Second})
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			r.PublicKeys(ctx, "")
			cancel()
		}
		if s.count() != 1 {
			t.Errorf("%d fetches at a time", s.count())
		}
		time.Sleep(s.delay)
	})
}

// waiting calls r fifty times at once and counts the calls that had to wait. Every call must return
// a set.
func waiting(t *testing.T, r *Remote, kid string) (waited int) {
	t.Helper()
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	start := time.Now()
	for range 50 {
		wg.Go(func() {
			_, err := r.PublicKeys(t.Context(), kid)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if time.Since(start) > 0 {
				waited++
			}
		})
	}
	wg.Wait()
	return waited
}

// The caller that started the fetch goes away. The other callers get the answer. No caller waits
// longer than its context.
func TestCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		s.delay = 3 * time.Second
		r := remoteOf(t, s, RemoteConfig{})
		start := time.Now()
		var wg sync.WaitGroup
		first, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := r.PublicKeys(first, k.ID()); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("the first: %v after %v", err, time.Since(start))
			}
		})
		synctest.Wait()
		wg.Go(func() {
			short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, err := r.PublicKeys(short, k.ID()); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
				t.Errorf("one in a hurry: %v after %v", err, time.Since(start))
			}
		})
		wg.Go(func() {
			knows(t, r, k.ID(), k)
			if time.Since(start) != 3*time.Second {
				t.Errorf("one with time: after %v", time.Since(start))
			}
		})
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		if s.count() != 1 {
			t.Errorf("%d fetches", s.count())
		}
	})
}

// Clients that hang up as soon as they have sent an unknown kid cause no more fetches than others,
// and end no fetch.
func TestCallersHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		s.delay = time.Second
		r := remoteOf(t, s, RemoteConfig{})
		knows(t, r, "", k)
		var told []error
		r.cfg.Report = func(f FetchResult) { told = append(told, f.Err) }
		start := time.Now()
		for i := range 1000 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			r.PublicKeys(ctx, fmt.Sprint("random-", i))
			cancel()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if most := 2 + int(time.Since(start)/DefaultCooldown); s.count() > most || s.count() < 3 {
			t.Errorf("%d fetches, want at most %d", s.count(), most)
		}
		if err := errors.Join(told...); err != nil || len(told) == 0 {
			t.Errorf("fetches were ended: %v", err)
		}
		// A call whose context is already over starts no fetch, and still gets the present set.
		time.Sleep(time.Hour / 2)
		before := s.count()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if set, err := r.PublicKeys(over, k.ID()); err != nil || set == nil {
			t.Errorf("what is there: %v", err)
		}
		if _, err := r.PublicKeys(over, "unknown"); !errors.Is(err, context.Canceled) {
			t.Errorf("what is not: %v", err)
		}
		if s.count() != before {
			t.Error("it was fetched for a caller that had gone")
		}
	})
}

// All of this happens at once, for the race detector: known and unknown kids, an endpoint that
// comes and goes, callers that leave.
func TestRemoteConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, a))
		s.delay = 20 * time.Millisecond
		r := remoteOf(t, s, RemoteConfig{Cooldown: 100 * time.Millisecond, MaxStale: time.Second, Timeout: 50 * time.Millisecond})
		h := must(NewHandler(r, HandlerConfig{}))(t)
		sets := [][]byte{jwkSet(t, a), jwkSet(t, b), jwkSet(t, a, b), []byte("garbage")}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for j := range 500 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(j%7)*10*time.Millisecond)
					switch (i + j) % 4 {
					case 0:
						r.PublicKeys(ctx, a.ID())
					case 1:
						r.PublicKeys(ctx, fmt.Sprint(j))
					case 2:
						if w := ask(h, "GET"); w.Code != 200 && w.Code != http.StatusServiceUnavailable {
							t.Error(w.Code)
						}
					case 3:
						s.serve(sets[j%len(sets)], "ETag", fmt.Sprintf(`"%d"`, j%len(sets)))
					}
					cancel()
					time.Sleep(time.Duration(j%5) * time.Millisecond)
				}
			})
		}
		wg.Wait()
		s.serve(sets[2])
		time.Sleep(time.Second)
		knows(t, r, "", a, b)
	})
}
