package jwks

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// served returns the set that a handler serves now.
func served(t *testing.T, h http.Handler) *keys.PublicSet {
	t.Helper()
	w := ask(h, "GET")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return must(keys.ParsePublicSet(w.Body.Bytes()))(t)
}

// Another process rotates the ring and changes its policy. The handler follows without a restart,
// at the first request of the next minute. So does the ETag.
func TestHandlerFollowsTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := keyring.NewMemStore()
		operator := newRing(t, store, keyring.Policy{})
		ring := must(keyring.Open(t.Context(), keyring.Config{Store: store, KEK: rawKEK(t)}))(t)
		h := must(NewHandler(ring, HandlerConfig{MaxAge: time.Hour}))(t)
		hasHeader(t, ask(h, "GET"), "Cache-Control", "public, max-age=300, must-revalidate") // the max-age of the ring counts
		before := must(ring.PrivateKeys(t.Context()))(t)
		old := must(before.SigningKey())(t)
		etag := ask(h, "GET").Header().Get("ETag")

		must(operator.Revoke(t.Context(), keyring.Revocation{KeyID: old.ID(), Reason: "stolen"}))(t)
		if err := operator.UpdatePolicy(t.Context(), func(p *keyring.Policy) { p.MaxAge = 90 * time.Second }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w := ask(h, "GET", "If-None-Match", etag)
		if w.Code != 200 {
			t.Fatalf("after the revocation: %d", w.Code)
		}
		hasHeader(t, w, "Cache-Control", "public, max-age=90, must-revalidate")
		if _, err := served(t, h).VerificationKey(old.ID(), old.Suite().Alg()); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("the revoked key is still served: %v", err)
		}
		knows(t, served(t, h), "", must(operator.PublicKeys(t.Context(), ""))(t).Keys()...)
	})
}

// While the store is down, the handler serves the ring up to the age that the policy allows, and
// not a nanosecond longer. It serves the ring again as soon as the store can be read.
func TestHandlerStaleRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &badStore{Store: keyring.NewMemStore()}
		ring := newRing(t, store, keyring.Policy{})
		var told error
		h := must(NewHandler(ring, HandlerConfig{OnError: func(err error) { told = err }}))(t)
		down := errors.New("down")
		store.be(func(context.Context) error { return down })
		time.Sleep(time.Hour)
		served(t, h)
		if told != nil {
			t.Errorf("OnError was told %v", told)
		}
		time.Sleep(time.Nanosecond)
		w := ask(h, "GET")
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("after an hour: %d", w.Code)
		}
		hasHeader(t, w, "Cache-Control", "no-store")
		if !errors.Is(told, keys.ErrStale) || !errors.Is(told, down) {
			t.Errorf("OnError was told %v", told)
		}
		store.be(nil)
		time.Sleep(5 * time.Second) // the ring has a cooldown of its own
		served(t, h)
	})
}

// A store that hangs delays one request by a tenth of a second and no other request, whether or not
// it heeds contexts. It holds one goroutine.
func TestHandlerStoreHangs(t *testing.T) {
	for name, heeds := range map[string]bool{"until the context is over": true, "for good": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, release := &badStore{Store: keyring.NewMemStore()}, make(chan struct{})
				var loads atomic.Int32
				ring := newRing(t, store, keyring.Policy{})
				h := must(NewHandler(ring, HandlerConfig{}))(t)
				store.be(func(ctx context.Context) error {
					loads.Add(1)
					if !heeds {
						ctx = context.Background()
					}
					select {
					case <-release:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				})
				time.Sleep(time.Minute)
				var (
					mu    sync.Mutex
					slow  int
					wg    sync.WaitGroup
					start = time.Now()
				)
				for range 100 {
					wg.Go(func() {
						served(t, h)
						mu.Lock()
						defer mu.Unlock()
						switch took := time.Since(start); {
						case took > reloadWait:
							t.Errorf("a request took %v", took)
						case took > 0:
							slow++
						}
					})
				}
				wg.Wait()
				if slow != 1 || loads.Load() != 1 {
					t.Errorf("%d requests waited, %d loads", slow, loads.Load())
				}
				// Requests that need the store do not wait longer either.
				time.Sleep(time.Hour)
				start = time.Now()
				if w := ask(h, "GET"); w.Code != http.StatusServiceUnavailable || time.Since(start) > reloadWait {
					t.Errorf("stale: %d after %v", w.Code, time.Since(start))
				}
				close(release)
				synctest.Wait()
				served(t, h)
			})
		})
	}
}

// A client that hangs up does not end the reload that it started.
func TestHandlerReloadOutlivesItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &badStore{Store: keyring.NewMemStore()}
		ring := newRing(t, store, keyring.Policy{})
		h := must(NewHandler(ring, HandlerConfig{}))(t).(*handler)
		store.be(func(ctx context.Context) error {
			select {
			case <-time.After(3 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		h.reload(ctx, true)
		if took := time.Since(start); took != 0 {
			t.Errorf("one that has gone waited for %v", took)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if _, _, due, err := ring.Published(); due || err != nil {
			t.Errorf("the ring was not reloaded: due %v, %v", due, err)
		}
	})
}

// Requests that need a reload wait for the one that is under way. The handler does not reload a
// fresh snapshot.
func TestHandlerWaitsForWhatItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &badStore{Store: keyring.NewMemStore()}
		ring := &askedRing{Ring: newRing(t, store, keyring.Policy{})}
		h := must(NewHandler(ring, HandlerConfig{}))(t)
		served(t, h)
		if ring.asked.Load() != 0 {
			t.Error("a fresh ring was reloaded")
		}
		store.be(func(context.Context) error { time.Sleep(reloadWait / 2); return nil })
		time.Sleep(2 * time.Hour)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { served(t, h) })
		}
		wg.Wait()
		if n := ring.asked.Load(); n != 1 {
			t.Errorf("%d reloads", n)
		}
	})
}

// askedRing counts the calls of a ring.
type askedRing struct {
	*keyring.Ring
	asked atomic.Int32
}

func (r *askedRing) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	r.asked.Add(1)
	return r.Ring.PublicKeys(ctx, kid)
}

// The handler treats a type that embeds a ring like a ring.
func TestHandlerWrappedRing(t *testing.T) {
	ring := newRing(t, keyring.NewMemStore(), keyring.Policy{MaxAge: time.Minute})
	wrapped := struct{ *keyring.Ring }{ring}
	hasHeader(t, ask(must(NewHandler(wrapped, HandlerConfig{}))(t), "GET"), "Cache-Control", "public, max-age=60, must-revalidate")
}

// The handler waits ten seconds at most for a source that is not a ring, and no longer than the
// client.
func TestHandlerSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := sourceFunc(func(ctx context.Context, _ string) (*keys.PublicSet, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		start := time.Now()
		if w := ask(must(NewHandler(slow, HandlerConfig{}))(t), "GET"); w.Code != http.StatusServiceUnavailable || time.Since(start) != sourceTimeout {
			t.Errorf("%d after %v", w.Code, time.Since(start))
		}
	})
}
