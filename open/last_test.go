package open_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// A token counts for the suites of the keys that it was opened with, in each form, from the cache
// too, and at the time of the call.
func TestLastOpened(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Limits.Cache = 10
	o := newOpener(t, cfg)
	at := clock
	o.SetNow(func() time.Time { return at })
	want := map[keys.Suite]time.Time{}
	check := func(what string) {
		t.Helper()
		if got := o.LastOpened(); !maps.EqualFunc(got, want, time.Time.Equal) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("a new Opener")
	if _, err := o.Open(t.Context(), forgeNested().Token()+"x"); err == nil {
		t.Fatal("a broken token was opened")
	}
	check("a refused token")
	token := forgeNested().Token()
	for range 2 { // the second comes from the cache
		at = at.Add(1500 * time.Millisecond)
		opens(t, o, token)
		want[keys.ES256], want[keys.ECDHES] = at.Truncate(time.Second).UTC(), at.Truncate(time.Second).UTC()
		check("ES256 and ECDH-ES")
	}
	rsa := forgeWith(keys.RS256, keys.RSAOAEP256, keys.A256GCM)
	before := at
	at = at.Add(time.Hour)
	if _, err := o.OpenAt(t.Context(), rsa.Token(), before); err != nil {
		t.Fatal(err)
	}
	want[keys.RS256], want[keys.RSAOAEP256] = at.Truncate(time.Second).UTC(), at.Truncate(time.Second).UTC()
	check("RS256 and RSA-OAEP-256, as of an hour before")
	at = before // the clock was set back
	opens(t, o, token)
	check("a clock that was set back")
}

// A token that Check refuses does not keep a suite alive.
func TestLastOpenedAfterCheck(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Check = func(context.Context, *open.Token) error { return errors.New("ended") }
	o := newOpener(t, cfg)
	if _, err := o.OpenAt(t.Context(), forgeNested().Token(), clock); !errors.Is(err, open.ErrCheck) {
		t.Fatal(err)
	}
	if got := o.LastOpened(); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// Of a selective token the suites of all JWEs count that were for us, and for a gateway the suite
// of the signature alone.
func TestLastOpenedSelective(t *testing.T) {
	t.Parallel()
	token := forgeSelective().Token()
	without := selectiveConfig()
	gateway(&without)
	for _, tt := range []struct {
		cfg  anyOpen
		want []keys.Suite
	}{
		{selectiveConfig(), []keys.Suite{keys.ES256, keys.ECDHES}},
		{without, []keys.Suite{keys.ES256}},
	} {
		o := newOpener(t, tt.cfg)
		if _, err := o.OpenAt(t.Context(), token, clock); err != nil {
			t.Fatal(err)
		}
		wantSuites(t, o, tt.want...)
	}
}

func wantSuites(t *testing.T, o *open.Opener, want ...keys.Suite) {
	t.Helper()
	got := o.LastOpened()
	for _, s := range want {
		if got[s].IsZero() {
			t.Errorf("no time for %v: %v", s, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Every suite has a place, and many goroutines may open tokens and ask at once.
func TestLastOpenedHasEverySuite(t *testing.T) {
	t.Parallel()
	o := newOpener(t, config())
	var all sync.WaitGroup
	for _, s := range keys.Suites() {
		if s >= 32 {
			t.Errorf("%v is number %d, and a set of suites ends at 31", s, s)
		}
		all.Go(func() { o.LastOpened() })
	}
	all.Go(func() { o.OpenAt(context.Background(), forgeNested().Token(), clock) })
	all.Wait()
	if got := new(open.Opener).LastOpened(); len(got) != 0 {
		t.Errorf("of the zero Opener: %v", got)
	}
}
