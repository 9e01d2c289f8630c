//go:build unix

package keycache

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

func newRemoteKeys(t *testing.T, cache *Cache, url string) *Keys {
	t.Helper()
	r, err := cache.Keys(url, Fetch{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The error says that the copy in the cache is too old, as long as there is no other set.
func TestTooOldUntilFetched(t *testing.T) {
	cache, _, _ := newCache(t)
	held := jwks.CacheEntry{URL: copiedURL, Fetched: time.Now().Add(-2 * time.Hour), Body: []byte(`{"keys":[]}`)}
	cache.keep(held)
	r := newRemoteKeys(t, cache, copiedURL)
	down := &jwks.FetchError{Reason: jwks.ReasonUnreachable, URL: copiedURL}
	if err := r.explain(down); !strings.Contains(err.Error(), "the copy in the cache is 2h") {
		t.Errorf("before: %v", err)
	}
	held.Fetched = time.Now()
	r.report(jwks.FetchResult{Cached: held})
	if err := r.explain(down); strings.Contains(err.Error(), "in the cache") {
		t.Errorf("after it was fetched: %v", err)
	}
}

// Discover asks two places, and each can have the wrong type.
func TestAllowableOfTwo(t *testing.T) {
	missing := &jwks.FetchError{Reason: jwks.ReasonStatus, Status: 404}
	wrong := &jwks.FetchError{Reason: jwks.ReasonContentType, ContentType: "text/plain"}
	for _, err := range []error{wrong, errors.Join(missing, wrong), errors.Join(wrong, missing), fmt.Errorf("so: %w", errors.Join(missing, wrong))} {
		if _, text := describe(Fetch{}.explainFetch(err)); !strings.HasSuffix(text, ": add --allow-content-type text/plain") {
			t.Error(text)
		}
	}
	if kind := allowable(errors.Join(missing, nil)); kind != "" {
		t.Error(kind)
	}
}

// The Reason of a FetchError decides the advice. The scripts cover the reasons that a server can
// cause.
func TestFetchAdvice(t *testing.T) {
	for reason, want := range map[jwks.Reason]struct {
		code int
		ends string
	}{
		jwks.ReasonUnresolved: {console.ExitIO, ": unresolved: check the host"},
		jwks.ReasonNotTLS:     {console.ExitIO, ": not-tls: check the port"},
		jwks.ReasonConnection: {console.ExitIO, ": connection: check the URL and the network"},
		jwks.ReasonPrivateKey: {console.ExitPolicy, ": private-key"},
	} {
		err := fmt.Errorf("%w: last read 2h ago: %w", keys.ErrStale, &jwks.FetchError{Reason: reason, URL: copiedURL})
		if code, text := describe(Fetch{}.explainFetch(err)); code != want.code || !strings.HasSuffix(text, want.ends) {
			t.Errorf("%s: exit code %d: %s", reason, code, text)
		}
	}
}

// Keys from a URL are too old. The error does not blame the ring.
func TestStaleURL(t *testing.T) {
	cache, _ := newRun(t.TempDir())
	stale := newRemoteKeys(t, cache, copiedURL+"?key=hunter2").explain(fmt.Errorf("%w: last read 2h ago", keys.ErrStale))
	code, text := describe(stale)
	if code != console.ExitIO || !strings.HasSuffix(text, ": see whether it can be fetched: sealjwt jwks fetch "+copiedURL) {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// A first set that is long stale is used. The user is warned once.
func TestWarnOnceOfALateSet(t *testing.T) {
	cache, errs := newRun(t.TempDir())
	r := newRemoteKeys(t, cache, copiedURL)
	for range 3 {
		r.report(jwks.FetchResult{Stale: 2 * time.Hour, Cached: jwks.CacheEntry{URL: copiedURL, Fetched: time.Now()}})
	}
	if n := strings.Count(errs.String(), "should have renewed"); n != 1 {
		t.Errorf("said %d times: %s", n, errs)
	}
}

// describe calls Describe of a console that repeats no flags.
func describe(err error) (code int, text string) {
	return console.New("sealjwt", nil, nil, nil).Describe(err)
}
