package open_test

import (
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
)

// A token that is too old, or not valid yet, is refused as without a cache.
func TestCacheTimes(t *testing.T) {
	t.Parallel()
	f := forgeNested()
	f.Claims.Set("nbf", seconds(-5))
	noIssue := forgeNested()
	noIssue.Claims.Remove("iat")
	short := config()
	short.Limits.MaxLifetime = 15 * time.Minute
	for _, tt := range []struct {
		name  string
		cfg   anyOpen
		token string
		at    time.Duration
		want  error
	}{
		{"the last moment", config(), f.Token(), 660*time.Second - 1, nil},
		{"expired", config(), f.Token(), 660 * time.Second, open.ErrExpired},
		{"expired long ago", config(), f.Token(), 1e6 * time.Hour, open.ErrExpired},
		{"before nbf", config(), f.Token(), -66 * time.Second, open.ErrNotYetValid},
		{"before iat", config(), forgeNested().Token(), -71 * time.Second, open.ErrNotYetValid},
		{"too long from then on", short, noIssue.Token(), -301 * time.Second, open.ErrLifetime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, without := newCaching(t, tt.cfg), newOpener(t, tt.cfg)
			tok := opens(t, o, tt.token)
			at := clock.Add(tt.at)
			if tt.want == nil {
				if again, err := o.OpenAt(t.Context(), tt.token, at); again != tok || err != nil {
					t.Errorf("not from the cache: %v", err)
				}
				return
			}
			refusedAs(t, o, without, tt.token, at, tt.want)
			if o.Remembers(tt.token) {
				t.Error("it is still there")
			}
			// By its own time the token is valid, and it is verified again.
			if again := opens(t, o, tt.token); again == tok {
				t.Error("it came from the cache")
			}
		})
	}
}

// A caller that opens an old token by the clock of its time leaves no entry.
func TestCacheOfOldTokens(t *testing.T) {
	t.Parallel()
	o := newCaching(t, config())
	token := forgeNested().Token()
	o.SetNow(func() time.Time { return clock.Add(660 * time.Second) })
	for range 2 {
		if _, err := o.OpenAt(t.Context(), token, clock); err != nil {
			t.Fatal(err)
		}
	}
	if o.Remembers(token) {
		t.Error("a dead token is kept")
	}
	o.SetNow(func() time.Time { return clock.Add(660*time.Second - 1) }) // it is valid within the leeway
	hits(t, o, token, opens(t, o, token))
}
