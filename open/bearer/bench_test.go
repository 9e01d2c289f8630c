package bearer_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

// discard is a ResponseWriter without costs.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(status int)      { panic(fmt.Sprint("status ", status)) }

// cachedRequest returns a request with a token that is in the opener's cache.
func cachedRequest(tb testing.TB, claims map[string]any) (bearer.Opener, string, *http.Request) {
	tb.Helper()
	p := newParties()
	cfg := p.config()
	cfg.Limits.Cache = 1
	opener := must(open.New(cfg))
	token := p.token(tb, claims)
	must(opener.Open(tb.Context(), token))
	return opener, token, request("GET", authorization("Bearer "+token))
}

// BenchmarkRequire measures the way of a cached token to the handler, with the Open in it.
func BenchmarkRequire(b *testing.B) {
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, size := range []int{200, 10 << 10} { // about this many bytes of claims
		const group = "department-reader "
		groups := strings.Fields(strings.Repeat(group, size/len(group)))
		opener, token, r := cachedRequest(b, map[string]any{"scope": "orders:read orders:write", "groups": groups})
		auth := must(bearer.New(bearer.Config{Opener: opener}))
		b.Run(fmt.Sprint("open/", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(opener.Open(b.Context(), token))
			}
		})
		benchServe(b, fmt.Sprint("require/", size), auth.Require(nothing), r)
		benchServe(b, fmt.Sprint("scope/", size), auth.Require(bearer.RequireScope("orders:write")(nothing)), r)
	}
}

func benchServe(b *testing.B, name string, h http.Handler, r *http.Request) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		w := discard{make(http.Header)}
		for b.Loop() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
	})
}

// The allocations for a request with a cached token do not grow with the claims.
func TestAllocations(t *testing.T) {
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	var require, scope [2]float64
	for i, size := range []int{1, 1000} {
		claims := map[string]any{"scope": "orders:read orders:write"}
		for n := range size {
			claims[fmt.Sprint("claim-", n)] = []int{n}
		}
		opener, _, r := cachedRequest(t, claims)
		auth := must(bearer.New(bearer.Config{Opener: opener}))
		count := func(h http.Handler) float64 {
			w := discard{make(http.Header)}
			return testing.AllocsPerRun(100, func() { clear(w.header); h.ServeHTTP(w, r) })
		}
		require[i] = count(auth.Require(nothing))
		scope[i] = count(auth.Require(bearer.RequireScope("orders:write")(nothing)))
	}
	if require[0] != require[1] || scope[0] != scope[1] {
		t.Errorf("allocations with few and with many claims: %v in Require, %v with RequireScope", require, scope)
	}
}
