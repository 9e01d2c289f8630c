package jwks

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// edgesOf is a CDN with several edges. Each edge keeps a set for ttl, and a request reaches any of
// them. origin returns the issuer's set at a time.
type edgesOf struct {
	origin    func(edge int) []byte
	ttl       time.Duration
	cache     string // the Cache-Control of the issuer
	heeds     bool   // an edge asks the issuer if a request says no-cache
	rand      *rand.Rand
	bodies    [8][]byte
	generated [8]time.Time
}

func (c *edgesOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := c.rand.IntN(len(c.bodies))
	past := c.heeds && r.Header.Get("Cache-Control") == "no-cache"
	if c.bodies[i] == nil || time.Since(c.generated[i]) > c.ttl || past {
		c.bodies[i], c.generated[i] = c.origin(i), time.Now()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", c.cache)
	w.Header().Set("Age", fmt.Sprint(int(time.Since(c.generated[i]).Seconds())))
	tag := fmt.Sprintf(`"%x"`, c.bodies[i][len(c.bodies[i])/2:][:8])
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(c.bodies[i])
}

// A busy service asks a CDN with eight edges for a day (for a week in the long form). The issuer's
// servers write the same keys in two orders. No call is refused and no fetch fails, though each
// edge is behind the others in turn.
func TestManyEdges(t *testing.T) {
	days := 1
	if os.Getenv("SEALJWT_LONG") == "1" {
		days = 7
	}
	for name, c := range map[string]*edgesOf{
		"within max-age":   {ttl: 5 * time.Minute, cache: "max-age=300"},
		"within s-maxage":  {ttl: time.Hour, cache: "max-age=60, s-maxage=3600"},
		"heeds no-cache":   {ttl: 2 * time.Hour, cache: "max-age=300", heeds: true},
		"a bit beyond":     {ttl: 50 * time.Minute, cache: "max-age=300"},
		"a day, said so":   {ttl: 24 * time.Hour, cache: "max-age=300, s-maxage=86400"},
		"a day, of itself": {ttl: 24 * time.Hour, cache: "public"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, l := newKey(t, keys.ES256), newKey(t, keys.ES256)
				spelled := [][]byte{jwkSet(t, k, l), jwkSet(t, l, k)}
				c.rand = rand.New(rand.NewPCG(1, 2))
				c.origin = func(edge int) []byte { return spelled[edge%2] }
				s := new(site)
				s.is(c)
				fetches, failed := 0, 0
				r := remoteOf(t, s, RemoteConfig{Report: func(f FetchResult) {
					if fetches++; f.Err != nil {
						failed++
					}
				}})
				refused := 0
				for start := time.Now(); time.Since(start) < time.Duration(days)*24*time.Hour; time.Sleep(20 * time.Second) {
					if _, err := r.PublicKeys(t.Context(), k.ID()); err != nil {
						refused++
					}
				}
				t.Logf("%d fetches in %d requests", fetches, s.count())
				if refused != 0 || failed != 0 {
					t.Errorf("%d calls were refused, %d of %d fetches failed", refused, failed, fetches)
				}
			})
		})
	}
}
