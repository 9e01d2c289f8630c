package jwks

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A panic in code that the caller configured ends the fetch and not the process. The error tells of
// the panic and hides its value.
func TestTransportPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s, down := siteOf(jwkSet(t, k)), true
		var told []error
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if down {
				panic(canary)
			}
			return s.RoundTrip(r)
		})
		r := must(NewRemote(RemoteConfig{
			URL: siteURL, Transport: transport, Report: func(f FetchResult) { told = append(told, f.Err) },
		}))(t)
		err := fails(t, r, "", ErrFetch, errFetchPanic)
		if strings.Contains(fmt.Sprint(err), canary) || len(told) != 1 || !errors.Is(told[0], errFetchPanic) {
			t.Errorf("%v, told %v", err, told)
		}
		down = false
		time.Sleep(5 * time.Second)
		knows(t, r, "", k)
		down = true
		time.Sleep(10 * time.Minute)
		knows(t, r, k.ID(), k)
	})
}

// The Remote uses the set although Report panicked about it.
func TestReportPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k))
		s.fails(500)
		r := remoteOf(t, s, RemoteConfig{Report: func(FetchResult) { panic(canary) }})
		err := fails(t, r, "", ErrFetch, errReportPanic)
		if text := fmt.Sprint(err); strings.Contains(text, canary) || !strings.Contains(text, "500") {
			t.Error(err)
		}
		s.serve(jwkSet(t, k))
		time.Sleep(5 * time.Second)
		knows(t, r, k.ID(), k)
		fails(t, r, "unknown", ErrFetch, errReportPanic)
		if _, err := r.Refresh(t.Context()); !errors.Is(err, errReportPanic) {
			t.Errorf("Refresh: %v", err)
		}
	})
}

// NewRemote calls Report about a CacheEntry, so a panic of Report is the caller's own.
func TestReportPanicsAboutCopy(t *testing.T) {
	defer func() {
		if recover() != canary {
			t.Error("the panic was swallowed")
		}
	}()
	NewRemote(RemoteConfig{URL: siteURL, Cached: CacheEntry{Body: []byte{}}, Report: func(FetchResult) { panic(canary) }})
}
