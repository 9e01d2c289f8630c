package jwks

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// An endpoint hangs, and the Remote has no set that is young enough. One caller at a time waits for
// the endpoint, and the others get the error of the last try at once. Once the last failure is a
// while ago all callers wait again, for the endpoint may be back.
func TestHungEndpoint(t *testing.T) {
	for name, after := range map[string]time.Duration{"never there": 0, "too old": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, k))
				r := remoteOf(t, s, RemoteConfig{})
				if after != 0 {
					knows(t, r, "", k)
					time.Sleep(after)
				}
				s.set(func() { s.delay = time.Hour })
				fails(t, r, k.ID(), ErrFetch, context.DeadlineExceeded)
				var (
					mu   sync.Mutex
					wg   sync.WaitGroup
					held int
				)
				for i := range 600 { // ten in a second, for a minute
					wg.Go(func() {
						start := time.Now()
						fails(t, r, []string{k.ID(), "", "unknown"}[i%3], ErrFetch, context.DeadlineExceeded)
						mu.Lock()
						defer mu.Unlock()
						if time.Since(start) > 0 {
							held++
						}
					})
					time.Sleep(100 * time.Millisecond)
				}
				wg.Wait()
				if held != 12 {
					t.Errorf("%d had to wait, in 12 fetches", held)
				}
				time.Sleep(time.Minute)
				s.set(func() { s.delay = time.Second })
				if waited := waiting(t, r, k.ID()); waited != 50 {
					t.Errorf("%d waited for an answer", waited)
				}
			})
		})
	}
}
