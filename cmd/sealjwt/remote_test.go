package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

func newRemoteKeys(t *testing.T, a *app, url string) *remoteKeys {
	t.Helper()
	r, err := a.remoteKeys(url, fetchFlags{timeout: lifetime(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// That the copy in the cache is too old is said as long as there is no other.
func TestTooOldUntilFetched(t *testing.T) {
	a, _, _ := newCache(t)
	held := jwks.CacheEntry{URL: copiedURL, Fetched: time.Now().Add(-2 * time.Hour), Body: []byte(`{"keys":[]}`)}
	a.keep(held)
	r := newRemoteKeys(t, a, copiedURL)
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

// Keys from a URL that are too old are no fault of the ring, in whatever they end up.
func TestStaleURL(t *testing.T) {
	newHome(t)
	token, _ := runOK(t, `{"iss":"https://id.example.com","aud":"https://api.example.com"}`, "seal")
	a, errs := newRun()
	stale := newRemoteKeys(t, a, copiedURL+"?key=hunter2").explain(fmt.Errorf("%w: last read 2h ago", keys.ErrStale))
	cfg, err := a.openConfig(t.Context(), openFlags{trustFlags: trustFlags{issuer: "https://id.example.com"}, audience: "https://api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Trust[0].Keys = failingKeys{stale}
	opened := a.openToken(t.Context(), cfg, strings.TrimSpace(token), openFlags{})
	for name, err := range map[string]error{"seal": stale, "open": opened} {
		code, text := describe(err)
		if code != exitIO || !strings.HasSuffix(text, ": see whether it can be fetched: sealjwt jwks fetch "+copiedURL) {
			t.Errorf("%s: exit code %d: %s", name, code, text)
		}
	}
	if code, text := describe(keys.ErrStale); code != exitKey || !strings.Contains(text, "make the ring readable again") || errs.Len() > 0 {
		t.Errorf("of a ring: exit code %d: %s %s", code, text, errs)
	}
}

// Either of two places can have the wrong type.
func TestAllowableOfTwo(t *testing.T) {
	missing := &jwks.FetchError{Reason: jwks.ReasonStatus, Status: 404}
	wrong := &jwks.FetchError{Reason: jwks.ReasonContentType, ContentType: "text/plain"}
	for _, err := range []error{wrong, errors.Join(missing, wrong), errors.Join(wrong, missing), fmt.Errorf("so: %w", errors.Join(missing, wrong))} {
		if _, text := describe(fetchFlags{}.explainFetch(err)); !strings.HasSuffix(text, ": add --allow-content-type text/plain") {
			t.Error(text)
		}
	}
	if kind := allowable(errors.Join(missing, nil)); kind != "" {
		t.Error(kind)
	}
}

// failingKeys are keys that are not to be had.
type failingKeys struct{ err error }

func (f failingKeys) PublicKeys(context.Context, string) (*keys.PublicSet, error) { return nil, f.err }

// The advice goes by the reason of a FetchError; the scripts look at those that a server
// brings about.
func TestFetchAdvice(t *testing.T) {
	for reason, want := range map[jwks.Reason]struct {
		code int
		ends string
	}{
		jwks.ReasonUnresolved: {exitIO, ": unresolved: check the host"},
		jwks.ReasonNotTLS:     {exitIO, ": not-tls: check the port"},
		jwks.ReasonConnection: {exitIO, ": connection: check the URL and the network"},
		jwks.ReasonPrivateKey: {exitPolicy, ": private-key"},
	} {
		err := fmt.Errorf("%w: last read 2h ago: %w", keys.ErrStale, &jwks.FetchError{Reason: reason, URL: copiedURL})
		if code, text := describe(fetchFlags{}.explainFetch(err)); code != want.code || !strings.HasSuffix(text, want.ends) {
			t.Errorf("%s: exit code %d: %s", reason, code, text)
		}
	}
}
