package jwks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

func reasonOf(err error) Reason {
	if e, ok := errors.AsType[*FetchError](err); ok {
		return e.Reason
	}
	return ""
}

// answers returns a transport that calls a handler.
func answers(h http.HandlerFunc) http.RoundTripper { return &site{handler: h} }

// dials returns a transport whose connections fail with err.
func dials(err error) http.RoundTripper {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
}

// breaks returns a transport that connects and then fails with err.
func breaks(err error) http.RoundTripper {
	return roundTrip(func(*http.Request) (*http.Response, error) { return nil, err })
}

// A program reads from the Reason why a fetch failed. TestFetchTLS covers the reasons that need a
// server.
func TestFetchReason(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, tt := range []struct {
		reason    Reason
		transport http.RoundTripper
		also      error // errors.Is must find it too
	}{
		{ReasonUnresolved, dials(&net.DNSError{Err: "no such host", Name: "id.example.com", IsNotFound: true}), nil},
		{ReasonUnreachable, dials(refused), nil},
		{ReasonUnreachable, breaks(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused}), nil},
		{ReasonUnreachable, dials(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("not a public address")}), nil},
		{ReasonConnection, breaks(reset), nil},
		{ReasonConnection, breaks(errors.New("EOF")), nil},
		{ReasonNotLoopback, breaks(&net.OpError{Op: "dial", Net: "tcp", Err: errNotLoopback}), nil},
		{ReasonTimeout, &site{delay: time.Minute}, context.DeadlineExceeded},
		{ReasonRedirect, answers(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example.com", http.StatusFound)
		}), nil},
		{ReasonStatus, answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil},
		{ReasonContentType, siteOf(jwkSet(t), "Content-Type", "text/html"), nil},
		{ReasonCompressed, siteOf(jwkSet(t), "Content-Encoding", "br"), nil},
		{ReasonTooLarge, siteOf(make([]byte, DefaultMaxBytes+1)), nil},
		{ReasonNotJWKSet, siteOf([]byte("garbage")), keys.ErrMalformed},
		{ReasonPrivateKey, siteOf([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)), keys.ErrPrivateKey},
		{ReasonStale, siteOf(jwkSet(t), "Cache-Control", "max-age=60", "Age", "100000"), nil},
		{ReasonPanic, roundTrip(func(*http.Request) (*http.Response, error) { panic(canary) }), nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told error
			r := must(NewRemote(RemoteConfig{
				URL: siteURL + "?query", Transport: tt.transport, Report: func(f FetchResult) { told = f.Err },
			}))(t)
			err := fails(t, r, "", ErrFetch)
			if tt.also != nil && !errors.Is(err, tt.also) {
				t.Errorf("%s: %v is not a %v", tt.reason, err, tt.also)
			}
			for _, err := range []error{err, told} {
				got, ok := errors.AsType[*FetchError](err)
				if !ok || got.Reason != tt.reason || got.URL != siteURL {
					t.Errorf("%s: %+v, %v", tt.reason, got, err)
				} else if want := map[bool]int{true: http.StatusTeapot}[tt.reason == ReasonStatus]; got.Status != want {
					t.Errorf("%s: status %d, want %d", tt.reason, got.Status, want)
				}
			}
		})
	}
}

// Refresh alone returns an error for an older set.
func TestFetchReasonOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "Cache-Control", "max-age=300", "Age", "0")
		r := remoteOf(t, s, RemoteConfig{})
		knows(t, r, "", k)
		s.serve(jwkSet(t, other), "Cache-Control", "max-age=300", "Age", "100")
		_, err := r.Refresh(t.Context())
		if got, ok := errors.AsType[*FetchError](err); !ok || got.Reason != ReasonOlder {
			t.Errorf("%+v, %v", got, err)
		}
		// The set is too old, and the error still has the reason.
		time.Sleep(DefaultMaxStale + time.Second)
		s.fails(http.StatusBadGateway)
		err = fails(t, r, "", keys.ErrStale, ErrFetch)
		if got, ok := errors.AsType[*FetchError](err); !ok || got.Reason != ReasonStatus || got.Status != http.StatusBadGateway {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// The errors of Discover have reasons too. A URL that the issuer names is not the caller's mistake.
func TestDiscoverReason(t *testing.T) {
	const issuer = "https://id.example.com"
	s := new(site)
	s.fails(http.StatusNotFound)
	_, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: s})
	if got, ok := errors.AsType[*FetchError](err); !ok || got.Reason != ReasonStatus || got.Status != 404 || !strings.HasPrefix(got.URL, issuer) {
		t.Errorf("no metadata: %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = Discover(ctx, issuer, DiscoverConfig{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	})})
	if got, ok := errors.AsType[*FetchError](err); !ok || got.Reason != ReasonCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %+v, %v", got, err)
	}
	for name, tt := range map[string]struct {
		issuer, jwksURI string
		metadata        bool
	}{
		"the caller's URL":              {"http://id.example.com", issuer, false},
		"the issuer's URL":              {issuer, "http://id.example.com/jwks", true},
		"the issuer's URL, here":        {issuer, "https://localhost/jwks", true},
		"the issuer's URL, in disguise": {issuer, "https://127.1/jwks", true},
	} {
		s.serve([]byte(metadata(tt.issuer, tt.jwksURI)))
		if _, err := Discover(t.Context(), tt.issuer, DiscoverConfig{Transport: s}); !errors.Is(err, ErrURL) || errors.Is(err, ErrMetadata) != tt.metadata {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A program may make a FetchError for its own tests.
func TestFetchErrorMade(t *testing.T) {
	err := error(&FetchError{Reason: ReasonTimeout, URL: siteURL})
	if text := fmt.Sprint(err); text != "jwks: fetching failed: "+siteURL+": timeout" || !errors.Is(err, ErrFetch) {
		t.Errorf("%s", text)
	}
	if errors.Is(new(FetchError), keys.ErrStale) || new(FetchError).Error() == "" {
		t.Error("the zero value")
	}
}
