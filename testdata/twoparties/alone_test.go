package twoparties

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/twoparties/party"
)

// testOrder starts an API before the issuer can say where its keys are. The API waits for it.
func testOrder(t *testing.T, b programs) {
	var asked atomic.Int32
	var issuer *httptest.Server
	issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 5 { // the API asks for two paths in turn
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		party.Answer(w, http.StatusOK, map[string]string{"issuer": issuer.URL, "jwks_uri": issuer.URL + "/jwks.json"})
	}))
	defer issuer.Close()
	p := &processes{client: &http.Client{}}
	b.run(t, p, "api", "-listen", addresses(t, 1)[0], "-ring", t.TempDir(), "-issuer", issuer.URL)
}

// testNoToken checks the issuer's answers. While the API's keys cannot be fetched, it says that a
// login may be tried again. If its own ring forbids the token, it does not say that.
func testNoToken(t *testing.T, b programs) {
	api, err := (&party.Party{Folder: t.TempDir()}).Ring(t.Context(), keys.UseEnc)
	if err != nil {
		t.Fatal(err)
	}
	var up atomic.Bool
	set, err := jwks.NewHandler(api, jwks.HandlerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		set.ServeHTTP(w, r)
	}))
	defer server.Close()
	at, folder := addresses(t, 1)[0], t.TempDir()
	p := &processes{issuer: "http://" + at, client: &http.Client{}}
	b.run(t, p, "issuer", "-listen", at, "-ring", folder, "-policy", "10s", "-api", server.URL)

	p.untilLogin(t, http.StatusServiceUnavailable, 0)
	up.Store(true)
	p.untilLogin(t, http.StatusOK, http.StatusServiceUnavailable)
	ring, err := openRing(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.UpdatePolicy(t.Context(), func(p *keyring.Policy) { p.TokenLifetime /= 2 }); err != nil {
		t.Fatal(err)
	}
	p.untilLogin(t, http.StatusInternalServerError, http.StatusOK)
}

// untilLogin waits for a login with this status. Before that a login has the status before.
func (p *processes) untilLogin(t *testing.T, status, before int) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		got := http.StatusOK
		_, err := p.login("ada", "lovelace")
		if e, ok := errors.AsType[*notServed](err); ok {
			got = e.status
		} else if err != nil {
			t.Fatal(err)
		}
		if got == status {
			return
		}
		if got != before || time.Since(begun) > time.Minute {
			t.Fatalf("a login has the status %d instead of %d", got, status)
		}
	}
}
