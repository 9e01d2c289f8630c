package jwks

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// notModified answers every condition with a 304, and other requests with a body.
func notModified(body []byte, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Write(body)
	}
}

// A 304 with the ETag of another set does not confirm ours: the Remote fetches the other set. A
// weak ETag equals the strong one.
func TestNotModifiedOther(t *testing.T) {
	for tag, fetches := range map[string]int{`"1"`: 1, `W/"1"`: 1, "": 1, `"2"`: 2, `W/"2"`: 2} {
		synctest.Test(t, func(t *testing.T) {
			k, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
			s := siteOf(jwkSet(t, k), "ETag", `"1"`)
			var told FetchResult
			r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f }})
			knows(t, r, "", k)
			s.set(func() { s.handler = notModified(jwkSet(t, next), tag) })
			time.Sleep(10 * time.Minute)
			if set := must(r.PublicKeys(t.Context(), ""))(t); set != told.Set || told.Changed != (fetches == 2) {
				t.Errorf("%s: changed %v", tag, told.Changed)
			}
			if s.count() != 1+fetches {
				t.Errorf("%s: %d fetches", tag, s.count()-1)
			}
			if s.requests[1].Header.Get("If-None-Match") != `"1"` {
				t.Errorf("%s: asked with %v", tag, s.requests[1].Header)
			}
		})
	}
}

// Both requests share the timeout of one. A server that answers 304 again and again gets nowhere.
func TestNotModifiedBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(jwkSet(t), "ETag", `"1"`)
		var told error
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f.Err }})
		knows(t, r, "")
		s.set(func() { s.handler, s.delay = notModified(jwkSet(t), `"2"`), 4*time.Second })
		time.Sleep(10 * time.Minute)
		start := time.Now()
		knows(t, r, "")
		if took := time.Since(start); took != DefaultTimeout || !errors.Is(told, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, told)
		}
		s.set(func() {
			s.delay = 0
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("ETag", `"2"`)
				w.WriteHeader(http.StatusNotModified)
			})
		})
		before := s.count()
		time.Sleep(10 * time.Minute)
		knows(t, r, "")
		if s.count() != before+2 || !errors.Is(told, ErrFetch) {
			t.Errorf("%d fetches: %v", s.count()-before, told)
		}
	})
}
