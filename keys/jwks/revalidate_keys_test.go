package jwks

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// dayEdge returns a cache that may keep a set for a day, and that ignores no-cache.
func dayEdge(body []byte, age string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("CDN-Cache-Control", "max-age=86400")
		w.Header().Set("Age", age)
		w.Write(body)
	})
}

func (s *site) is(h http.Handler) { s.set(func() { s.handler = h }) }

// Servers that write the same keys in another order have one set. An older answer with the same
// keys is not an older set, however long it goes on.
func TestSameKeysOtherwiseSpelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := newKey(t, keys.ES256), newKey(t, keys.ECDHES)
		s := new(site)
		s.is(dayEdge(jwkSet(t, k, l), "100"))
		var told []error
		var kept CacheEntry
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told, kept = append(told, f.Err), f.Cached }})
		set := knows(t, r, "", k, l)
		s.is(dayEdge(jwkSet(t, l, k), "20000"))
		for range 10 {
			time.Sleep(30 * time.Minute)
			if knows(t, r, "", k, l) != set {
				t.Error("taken for another set")
			}
		}
		if err := errors.Join(told...); err != nil || len(told) != 11 {
			t.Errorf("told %d times, %v", len(told), err)
		}
		if string(kept.Body) != string(jwkSet(t, k, l)) {
			t.Errorf("kept as %s", kept.Body)
		}
	})
}

// Two sets are the same if each key and the key to encrypt to are the same.
func TestSameKeys(t *testing.T) {
	k, l, enc, other := newKey(t, keys.ES256), newKey(t, keys.ES256), newKey(t, keys.ECDHES), newKey(t, keys.ECDHES)
	// Each key is published by itself, because a set of ours publishes one key to encrypt to.
	publish := func(ks ...*keys.Key) *keys.PublicSet {
		all := []string{}
		for _, k := range ks {
			one := strings.TrimPrefix(string(jwkSet(t, k)), `{"keys":[`)
			all = append(all, strings.TrimSuffix(one, "]}"))
		}
		return must(keys.ParsePublicSet([]byte(`{"keys":[` + strings.Join(all, ",") + "]}")))(t)
	}
	set := publish(k, l, enc, other)
	for name, tt := range map[string]struct {
		set  []*keys.Key
		same bool
	}{
		"as it is":           {[]*keys.Key{k, l, enc, other}, true},
		"another order":      {[]*keys.Key{enc, l, other, k}, true},
		"one less":           {[]*keys.Key{k, enc, other}, false},
		"one more":           {[]*keys.Key{k, l, newKey(t, keys.ES256), enc, other}, false},
		"another":            {[]*keys.Key{k, newKey(t, keys.ES256), enc, other}, false},
		"encrypted to other": {[]*keys.Key{k, l, other, enc}, false},
	} {
		if sameKeys(set, publish(tt.set...)) != tt.same {
			t.Errorf("%s: same is %v", name, !tt.same)
		}
	}
	if !sameKeys(publish(), publish()) {
		t.Error("two sets without keys differ")
	}
	// A sealer may use a key without alg for another suite.
	open := must(keys.ParsePublicSet([]byte(strings.Replace(string(jwkSet(t, enc)), `"alg":"ECDH-ES",`, "", 1))))(t)
	if sameKeys(publish(enc), open) || !sameKeys(open, open.ForUse(keys.UseEnc)) {
		t.Error("a key that says no alg is the same as one that does")
	}
}

// The only answer is an older set, which the issuer permits caches to keep. The Remote refuses it
// for MaxStale and then accepts it. Otherwise every token would be refused for as long as the
// caches keep that set.
func TestNothingButOlder(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			k, l := newKey(t, keys.ES256), newKey(t, keys.ES256)
			s := new(site)
			s.is(dayEdge(jwkSet(t, k, l), "100"))
			var told FetchResult
			cfg := RemoteConfig{Report: func(f FetchResult) { told = f }}
			r := remoteOf(t, s, cfg)
			knows(t, r, "", k, l)
			if restarts {
				cfg.Cached = told.Cached
				r = remoteOf(t, s, cfg)
			}
			s.is(dayEdge(jwkSet(t, k), "20000"))
			time.Sleep(time.Hour)
			if knows(t, r, "", k, l); !errors.Is(told.Err, errOlder) {
				t.Errorf("told %v", told.Err)
			}
			time.Sleep(10 * time.Minute)
			if knows(t, r, "", k); told.Err != nil {
				t.Errorf("told %v", told.Err)
			}
		})
	}
}

// The second answer is younger and not acceptable. The first answer still counts.
func TestFirstCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := new(site)
		s.is(dayEdge(jwkSet(t, k), "0"))
		var told FetchResult
		r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f }})
		knows(t, r, "", k)
		time.Sleep(226 * time.Second)
		s.is(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			dayEdge(jwkSet(t, k), "300").ServeHTTP(w, r)
			s.is(dayEdge(jwkSet(t, other), "250"))
		}))
		if knows(t, r, "", k); told.Err != nil || s.count() != 3 {
			t.Errorf("told %v after %d requests", told.Err, s.count())
		}
	})
}

// After the clock was set back, a stale answer does not give a CacheEntry a time in the future. The
// next process would refuse such an entry.
func TestStaleAfterClockSetBack(t *testing.T) {
	k := newKey(t, keys.ES256)
	start := time.Now()
	now := start
	s := new(site)
	s.answers(edge{body: jwkSet(t, k)})
	var told FetchResult
	c := must(RemoteConfig{URL: siteURL, Transport: s, Report: func(f FetchResult) { told = f }}.withDefaults())(t)
	r := must(newRemote(c, func() time.Time { return now }))(t)
	knows(t, r, "", k)
	now = shiftMonotonic(t, start.Add(-55*time.Minute), time.Hour) // it is 5 minutes later
	s.answers(edge{body: jwkSet(t, k), age: 1000})
	knows(t, r, "", k)
	fetched, generated, due := told.Cached.Fetched.Sub(now.Round(0)), told.Cached.Generated.Sub(now.Round(0)), told.Due.Sub(now.Round(0))
	if fetched != -5*time.Minute || generated != -5*time.Minute || due != 30*time.Second {
		t.Errorf("fetched in %v, generated in %v, due in %v: %v", fetched, generated, due, told.Err)
	}
}

// A CacheEntry that is ahead of the clock by a moment counts like one of now.
func TestCopyAheadABit(t *testing.T) {
	k := newKey(t, keys.ES256)
	now := time.Now()
	c := RemoteConfig{URL: siteURL, MaxStale: time.Hour, Cached: CacheEntry{URL: siteURL, Body: jwkSet(t, k), Fetched: now.Round(0).Add(clockTolerance - 1)}}
	if h, err := c.restore(now); err != nil || h.age(now) != 0 {
		t.Errorf("%v, %v", h, err)
	}
}
