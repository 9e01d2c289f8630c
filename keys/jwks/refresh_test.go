package jwks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// refreshed fails unless Refresh returns these keys.
func refreshed(t *testing.T, r *Remote, want ...*keys.Key) {
	t.Helper()
	knows(t, sourceFunc(func(ctx context.Context, _ string) (*keys.PublicSet, error) { return r.Refresh(ctx) }), "", want...)
}

// Refresh asks the server at once, whatever the age of the set, and past any cache. From then on
// all callers have the answer, and the cooldown runs.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stolen, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, stolen), "ETag", `"1"`, "Cache-Control", "max-age=86400")
		r := remoteOf(t, s, RemoteConfig{})
		refreshed(t, r, stolen) // the first fetch serves Refresh as well
		knows(t, r, stolen.ID(), stolen)
		s.serve(jwkSet(t, next), "ETag", `"1"`)
		refreshed(t, r, next)
		if h := s.last().Header; s.count() != 2 || h.Get("Cache-Control") != "no-cache" || h.Get("If-None-Match") != "" {
			t.Errorf("%d fetches, the last with %v", s.count(), h)
		}
		knows(t, r, stolen.ID(), next)
		time.Sleep(DefaultCooldown - 1)
		knows(t, r, "unknown", next)
		if s.count() != 2 {
			t.Error("the cooldown does not hold strangers")
		}
	})
}

// Refresh returns the error of a failed fetch, and the Remote keeps its set.
func TestRefreshFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		s.fails(503)
		r := remoteOf(t, s, RemoteConfig{})
		refresh := func(ctx context.Context, want ...error) {
			t.Helper()
			set, err := r.Refresh(ctx)
			for _, w := range want {
				if !errors.Is(err, w) || set != nil {
					t.Errorf("set %v, error %v, want %v", set, err, w)
				}
			}
			if errors.Is(err, keys.ErrStale) != (want[0] == keys.ErrStale) {
				t.Errorf("stale: %v", err)
			}
		}
		refresh(t.Context(), ErrFetch)
		s.serve(jwkSet(t, k))
		refreshed(t, r, k)
		s.serve([]byte("garbage"))
		refresh(t.Context(), ErrFetch, keys.ErrMalformed)
		knows(t, r, k.ID(), k)

		over, cancel := context.WithCancel(t.Context())
		cancel()
		before := s.count()
		refresh(over, context.Canceled)
		if s.count() != before {
			t.Error("it was fetched for a caller that had gone")
		}
		s.set(func() { s.delay = time.Second })
		short, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		refresh(short, context.DeadlineExceeded)
		time.Sleep(2 * time.Hour)
		refresh(t.Context(), keys.ErrStale, ErrFetch)
	})
}

// The fetch that is under way may have begun before the emergency. A caller of Refresh does not
// accept its answer. Many such callers share one fetch that begins after it.
func TestRefreshDuringFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stolen, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, stolen))
		s.delay = 2 * time.Second
		r := remoteOf(t, s, RemoteConfig{})
		var wg sync.WaitGroup
		wg.Go(func() { r.PublicKeys(t.Context(), "") })
		time.Sleep(time.Second) // the request is on its way, and will be answered with the old set
		s.serve(jwkSet(t, next))
		for range 50 {
			wg.Go(func() { refreshed(t, r, next) })
		}
		wg.Wait()
		if s.count() != 2 {
			t.Errorf("%d fetches", s.count())
		}
	})
}

// The fetch of another caller begins and ends just before ours. Ours still goes past caches.
func TestRefreshAfterOtherFetch(t *testing.T) {
	k := newKey(t, keys.ES256)
	s := siteOf(jwkSet(t, k))
	other := func() {}
	r := must(newRemote(RemoteConfig{URL: siteURL, Transport: s}, func() time.Time {
		first := other
		other = func() {}
		first()
		return time.Now()
	}))(t)
	other = func() { knows(t, r, "", k) }
	refreshed(t, r, k)
	if told := s.last().Header.Get("Cache-Control"); told != "no-cache" || s.count() != 2 {
		t.Errorf("%d fetches, the last told caches %q", s.count(), told)
	}
}
