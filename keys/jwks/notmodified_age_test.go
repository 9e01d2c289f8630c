package jwks

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// confirming serves a set with some header lines, and answers any condition with a 304 and other
// header lines.
func confirming(body []byte, header, confirmed map[string]string) *site {
	s := new(site)
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		says, status := header, http.StatusOK
		if r.Header.Get("If-None-Match") != "" {
			says, status = confirmed, http.StatusNotModified
		}
		for name, value := range says {
			w.Header().Set(name, value)
		}
		if w.WriteHeader(status); status == http.StatusOK {
			w.Write(body)
		}
	})
	return s
}

// If a 304 has no field about caches, the field of the 200 counts. This holds for each field.
func TestNotModifiedAge(t *testing.T) {
	for name, tt := range map[string]struct {
		header, confirmed map[string]string
		stale             bool
	}{
		"nothing, and stale": {map[string]string{"Cache-Control": "max-age=300"}, map[string]string{"Age": "80000"}, true},
		"nothing, and fresh": {map[string]string{"Cache-Control": "max-age=300, s-maxage=86400"}, map[string]string{"Age": "80000"}, false},
		"nothing at all":     {nil, map[string]string{"Age": "80000"}, false},
		"the other field": {
			map[string]string{"Cache-Control": "no-cache", "CDN-Cache-Control": "max-age=86400"},
			map[string]string{"Cache-Control": "no-cache", "Age": "80000"}, false,
		},
		"less": {
			map[string]string{"Cache-Control": "max-age=86400"},
			map[string]string{"Cache-Control": "max-age=300", "Age": "80000"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				s := confirming(jwkSet(t, k), tt.header, tt.confirmed)
				r := remoteOf(t, s, RemoteConfig{})
				knows(t, r, "", k)
				confirmsOnly(s)
				for range 4 {
					time.Sleep(30 * time.Minute)
					r.PublicKeys(t.Context(), "")
				}
				if tt.stale {
					fails(t, r, "", keys.ErrStale)
				} else {
					knows(t, r, "", k)
				}
			})
		})
	}
}

// confirmsOnly makes a site fail requests without a condition.
func confirmsOnly(s *site) {
	whole := s.handler
	s.set(func() {
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") == "" {
				w.WriteHeader(500)
				return
			}
			whole.ServeHTTP(w, r)
		})
	})
}

// A 304 confirms a CacheEntry. The issuer may have permitted a longer time, but the max-age of the
// CacheEntry counts.
func TestNotModifiedAgeOfCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := confirming(jwkSet(t, k), nil, map[string]string{"Age": "80000"})
		confirmsOnly(s)
		c := CacheEntry{URL: siteURL, Fetched: time.Now(), MaxAge: 5 * time.Minute, ETag: `"1"`, Body: jwkSet(t, k)}
		r := remoteOf(t, s, RemoteConfig{Cached: c})
		for range 4 {
			time.Sleep(30 * time.Minute)
			r.PublicKeys(t.Context(), "")
		}
		fails(t, r, "", keys.ErrStale)
	})
}

// An issuer permits its CDN to keep the set for a day, and its clients to keep it not at all.
func TestKeptByCDN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "Cache-Control", "no-cache", "CDN-Cache-Control", "max-age=86400", "Age", "7200")
		r := remoteOf(t, s, RemoteConfig{})
		for range 24 {
			knows(t, r, "", k)
			time.Sleep(5 * time.Minute)
		}
		if s.count() != 24 {
			t.Errorf("%d fetches", s.count())
		}
	})
}
