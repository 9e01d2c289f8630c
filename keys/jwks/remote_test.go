package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/sealjwt/sealjwt/keys"
)

// A Remote fetches a set at the first call, and again after three quarters of its max-age. In
// between the server gets no request.
func TestRemoteAges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []string
		due    time.Duration
	}{
		{"max-age", []string{"Cache-Control", "public, max-age=400"}, 300 * time.Second},
		{"none", nil, 225 * time.Second},
		{"cached on the way", []string{"Cache-Control", "max-age=400", "Age", "200"}, 150 * time.Second},
		{"longer than the half of MaxStale", []string{"Cache-Control", "max-age=86400"}, 30 * time.Minute},
		{"stale", []string{"Cache-Control", "max-age=400", "Age", "1400"}, 30 * time.Second},
		{"shorter than Cooldown", []string{"Cache-Control", "max-age=1"}, 30 * time.Second},
		{"not to be stored", []string{"Cache-Control", "no-store, max-age=400"}, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, k), tt.header...)
				var told FetchResult
				r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = f }})
				if s.count() != 0 {
					t.Error("it was fetched before it was asked for")
				}
				knows(t, r, "", k)
				if !told.Due.Equal(time.Now().Add(tt.due)) {
					t.Errorf("told to be due in %v", time.Until(told.Due))
				}
				first := s.count()
				knows(t, r, k.ID(), k)
				time.Sleep(tt.due - 1)
				knows(t, r, k.ID(), k)
				if s.count() != first {
					t.Errorf("%d requests before it is due, %d of them for the first fetch", s.count(), first)
				}
				time.Sleep(time.Nanosecond)
				knows(t, r, k.ID(), k)
				knows(t, r, "", k)
				if s.count() != first+1 {
					t.Errorf("%d requests when it is due", s.count()-first)
				}
			})
		})
	}
}

// A request names the media types that it accepts, and asks for no compression.
func TestRemoteAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "ETag", `"1"`)
		r := remoteOf(t, s, RemoteConfig{})
		header := func() http.Header { return s.last().Header }
		knows(t, r, "", k)
		if h := header(); h.Get("Accept-Encoding") != "identity" || h.Get("Accept") == "" ||
			h.Get("If-None-Match") != "" || h.Get("Cache-Control") != "" {
			t.Errorf("first: %v", h)
		}
		time.Sleep(5 * time.Minute)
		knows(t, r, "", k)
		if h := header(); h.Get("If-None-Match") != `"1"` || h.Get("Cache-Control") != "" {
			t.Errorf("when due: %v", h)
		}
		time.Sleep(time.Minute)
		knows(t, r, "unknown", k)
		if h := header(); h.Get("If-None-Match") != "" || h.Get("Cache-Control") != "no-cache" {
			t.Errorf("for an unknown kid: %v", h)
		}
		if s.count() != 3 {
			t.Errorf("%d fetches", s.count())
		}
	})
}

// The same set is the same pointer. By it package open knows that a verified token would be
// verified again. This holds after a 304, which also brings a new max-age, and after a 200 with the
// same body.
func TestRemoteSameSet(t *testing.T) {
	for name, header := range map[string][]string{
		"304":       {"ETag", `"1"`, "Cache-Control", "max-age=120"},
		"same body": {"Cache-Control", "max-age=120"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, next := newKey(t, keys.ES256), newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, k), header...)
				var told []FetchResult
				r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) { told = append(told, f) }})
				first := knows(t, r, "", k)
				for range 100 { // this takes hours if each answer renews the age
					time.Sleep(2 * time.Minute)
					if set := knows(t, r, "", k); set != first {
						t.Fatal("another pointer for the same set")
					}
				}
				if s.count() != 101 {
					t.Errorf("%d fetches", s.count())
				}
				for i, f := range told {
					if f.Err != nil || f.Set != first || f.Changed != (i == 0) {
						t.Errorf("fetch %d: %+v", i, f)
					}
				}
				s.serve(jwkSet(t, next), header[0], `"2"`)
				time.Sleep(2 * time.Minute)
				knows(t, r, "", next)
				if f := told[len(told)-1]; !f.Changed {
					t.Error("a change was not told")
				}
			})
		})
	}
}

// After a 304 without a max-age the max-age of the 200 counts. If the server sent no ETag, the
// Remote does not ask for a 304.
func TestRemoteNotModified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "ETag", `"1"`, "Cache-Control", "max-age=1200")
		r := remoteOf(t, s, RemoteConfig{})
		knows(t, r, "", k)
		s.fails(http.StatusNotModified)
		time.Sleep(15 * time.Minute)
		knows(t, r, "", k)
		time.Sleep(15*time.Minute - 1)
		knows(t, r, "", k)
		if s.count() != 2 {
			t.Errorf("%d fetches", s.count())
		}
		s.set(func() {
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=80")
				w.WriteHeader(http.StatusNotModified)
			})
		})
		for range 4 { // the first one is due by the old max-age
			time.Sleep(time.Minute)
			knows(t, r, "", k)
		}
		if s.count() != 6 {
			t.Errorf("%d fetches with a shorter max-age", s.count())
		}
		bare := siteOf(nil)
		bare.fails(http.StatusNotModified)
		fails(t, remoteOf(t, bare, RemoteConfig{}), "", ErrFetch)
		hostile := siteOf(jwkSet(t, k), "ETag", fmt.Sprintf(`"%0300d"`, 1))
		r = remoteOf(t, hostile, RemoteConfig{})
		knows(t, r, "", k)
		time.Sleep(10 * time.Minute)
		knows(t, r, "", k)
		if hostile.last().Header.Get("If-None-Match") != "" {
			t.Error("an ETag of 300 characters was kept")
		}
	})
}

// A new set replaces the old one and is never merged with it. After the next fetch the Remote
// refuses a removed key. It refuses every key if the new set is empty.
func TestRemoteReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, a, b))
		r := remoteOf(t, s, RemoteConfig{})
		knows(t, r, a.ID(), a, b)
		s.serve(jwkSet(t, b))
		time.Sleep(5 * time.Minute)
		set := knows(t, r, a.ID(), b)
		if _, err := set.VerificationKey(a.ID(), "ES256"); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("a key that was taken out verifies: %v", err)
		}
		s.serve([]byte(`{"keys":[]}`))
		time.Sleep(5 * time.Minute)
		set = knows(t, r, b.ID())
		if _, err := set.EncryptionKey(); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("an empty set: %v", err)
		}
	})
}

// The Remote reports and skips the keys of a set that it cannot use.
func TestRemoteSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		var set struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := json.Unmarshal(jwkSet(t, k), &set); err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, json.RawMessage(`{"kty":"AKP","kid":"later","alg":"ML-DSA-44","pub":"AA"}`))
		var told []FetchResult
		r := remoteOf(t, siteOf(must(json.Marshal(set))(t)), RemoteConfig{Report: func(f FetchResult) { told = append(told, f) }})
		knows(t, r, k.ID(), k)
		if len(told) != 1 || len(told[0].Set.Skipped()) != 1 || told[0].Set.Skipped()[0].KeyID != "later" {
			t.Errorf("told: %+v", told)
		}
	})
}

// The Remote keeps its set through an outage of MaxStale, with one try in each cooldown. After that
// it returns an error. No other answer makes this time shorter or longer.
func TestRemoteOutage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(*testing.T, *site)
		want  error
	}{
		{"down", func(_ *testing.T, s *site) { s.set(func() { s.err = errors.New("down") }) }, ErrFetch},
		{"500", func(_ *testing.T, s *site) { s.fails(500) }, ErrFetch},
		{"404", func(_ *testing.T, s *site) { s.fails(404) }, ErrFetch},
		{"slow", func(_ *testing.T, s *site) { s.set(func() { s.delay = time.Hour }) }, context.DeadlineExceeded},
		{"garbage", func(_ *testing.T, s *site) { s.serve([]byte("garbage")) }, keys.ErrMalformed},
		{"no set", func(_ *testing.T, s *site) { s.serve([]byte(`{"error":"login required"}`)) }, keys.ErrMalformed},
		{"a single JWK", func(t *testing.T, s *site) {
			var set struct{ Keys []json.RawMessage }
			if err := json.Unmarshal(jwkSet(t, newKey(t, keys.ES256)), &set); err != nil {
				t.Fatal(err)
			}
			s.serve(set.Keys[0])
		}, keys.ErrMalformed},
		{"PEM", func(_ *testing.T, s *site) {
			s.serve([]byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"))
		}, keys.ErrMalformed},
		{"private keys", func(_ *testing.T, s *site) {
			s.serve([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"leaked",
				"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
		}, keys.ErrPrivateKey},
		{"a page", func(t *testing.T, s *site) { s.serve(jwkSet(t), "Content-Type", "text/html") }, ErrFetch},
		{"compressed", func(t *testing.T, s *site) { s.serve(jwkSet(t), "Content-Encoding", "gzip") }, ErrFetch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t, keys.ES256)
				s := siteOf(jwkSet(t, k))
				r := remoteOf(t, s, RemoteConfig{})
				knows(t, r, k.ID(), k)
				begun := time.Now()
				tt.begin(t, s)
				for time.Since(begun) < DefaultMaxStale {
					knows(t, r, k.ID(), k)
					time.Sleep(time.Second)
				}
				time.Sleep(DefaultMaxStale - time.Since(begun))
				if most := 1 + int(DefaultMaxStale/DefaultCooldown); s.count() > most || s.count() < 50 {
					t.Errorf("%d fetches in an hour, want about %d", s.count(), most)
				}
				time.Sleep(time.Nanosecond)
				err := fails(t, r, k.ID(), keys.ErrStale, ErrFetch, tt.want)
				fails(t, r, "", keys.ErrStale, tt.want)
				t.Log(err)
				s.set(func() { s.err, s.delay = nil, 0 })
				s.serve(jwkSet(t, k))
				time.Sleep(DefaultCooldown / 6)
				knows(t, r, k.ID(), k)
				knows(t, r, "unknown", k) // the failure is forgotten
			})
		})
	}
}

// The Remote never got a set. The error says why, and the Remote tries every few seconds, however
// many callers there are.
func TestRemoteNeverThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		s.fails(503)
		r := remoteOf(t, s, RemoteConfig{})
		start := time.Now()
		for time.Since(start) < time.Minute {
			if err := fails(t, r, k.ID(), ErrFetch); errors.Is(err, keys.ErrStale) {
				t.Fatal("never fetched, and stale")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if s.count() != 12 {
			t.Errorf("%d fetches in a minute", s.count())
		}
		s.serve(jwkSet(t, k))
		time.Sleep(5 * time.Second)
		knows(t, r, k.ID(), k)
	})
}

// shiftMonotonic moves the monotonic clock of at against its wall clock. time.Now shows such a time
// after an operator set the wall clock or the machine slept.
func shiftMonotonic(t testing.TB, at time.Time, d time.Duration) time.Time {
	t.Helper()
	field, ok := reflect.TypeFor[time.Time]().FieldByName("ext")
	if !ok || field.Type.Kind() != reflect.Int64 {
		t.Skip("time.Time is built in another way now")
	}
	shifted := at
	*(*int64)(unsafe.Add(unsafe.Pointer(&shifted), field.Offset)) += int64(d)
	if shifted.Sub(at) != d || !shifted.Round(0).Equal(at.Round(0)) {
		t.Skip("time.Time is built in another way now")
	}
	return shifted
}

// If the clock is set ahead, or the machine slept, the held set is too old. If the clock is set
// back, the held set ages all the same.
func TestRemoteClocks(t *testing.T) {
	for name, c := range map[string]struct {
		wall, monotonic time.Duration
		stale           bool
	}{
		"both":                   {time.Hour, time.Hour, false},
		"later":                  {time.Hour + 1, time.Hour + 1, true},
		"wall clock set back":    {-24 * time.Hour, 2 * time.Hour, true},
		"wall clock set forward": {24 * time.Hour, time.Minute, true},
	} {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		start := time.Now()
		now := start
		r := must(newRemote(RemoteConfig{URL: siteURL, Transport: s}, func() time.Time { return now }))(t)
		knows(t, r, "", k)
		s.fails(500)
		now = shiftMonotonic(t, start.Add(c.wall), c.monotonic-c.wall)
		if _, err := r.PublicKeys(t.Context(), k.ID()); errors.Is(err, keys.ErrStale) != c.stale {
			t.Errorf("%s: %v", name, err)
		}
	}
}
