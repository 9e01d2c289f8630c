package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// After an emergency a cache on the way may still hold the revoked key, so the command asks past
// caches.
func TestFetchAsksPastCaches(t *testing.T) {
	newHome(t)
	exported, _ := runOK(t, "", "keys", "export")
	var asked []http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, exported)
	}))
	defer s.Close()
	for range 2 {
		runOK(t, "", "jwks", "fetch", s.URL+"/jwks")
	}
	if len(asked) != 2 {
		t.Fatalf("asked %d times", len(asked))
	}
	for _, header := range asked {
		if header.Get("Cache-Control") != "no-cache" || header.Get("If-None-Match") != "" {
			t.Errorf("asked with %v", header)
		}
	}
}

// A CDN that is behind has no news of the keys. Its set does not replace the set that an earlier
// run has kept.
func TestFetchFromACacheThatIsBehind(t *testing.T) {
	newHome(t)
	later, _ := runOK(t, "", "keys", "export")
	older, _ := runOK(t, "", "keys", "export", "--use", "sig")
	set, age := later, "0"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Age", age)
		io.WriteString(w, set)
	}))
	defer s.Close()
	const claims = `{"iss":"a","aud":"b"}`
	sealTo := []string{"seal", "--to", s.URL + "/jwks"}
	fetch := []string{"jwks", "fetch", s.URL + "/jwks"}

	age = "100000" // and there is no copy yet
	for _, args := range [][]string{fetch, sealTo} {
		refused(t, args, claims, "should have renewed")
	}
	age = "0"
	runOK(t, "", fetch...)
	for _, age = range []string{"1000", "30"} {
		set = older
		refused(t, fetch, "", "an older set")
		runOK(t, claims, sealTo...) // this needs the key that the older set lacks
	}
}

// The command reports a copy that it cannot use, because then nothing protects the next fetch from
// an older set.
func TestFetchPassesACopyOver(t *testing.T) {
	newHome(t)
	exported, _ := runOK(t, "", "keys", "export")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, exported)
	}))
	defer s.Close()
	base := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", base)
	folder := filepath.Join(base, "sealjwt", "jwks")
	text, err := json.Marshal(jwks.CacheEntry{URL: s.URL, Fetched: time.Now().Add(time.Hour), Body: []byte(exported)})
	if err := errors.Join(err, os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, copyName(s.URL)), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sealjwt: warning: the copy of " + s.URL + " in the cache is passed over: ", ""} {
		if _, said := runOK(t, "", "jwks", "fetch", s.URL); !strings.HasPrefix(said, want) || want == "" && said != "" {
			t.Errorf("said %q, want %q", said, want)
		}
	}
}

// copyName returns the name of the file in the cache for a URL.
func copyName(url string) string { return fmt.Sprintf("%x.json", sha256.Sum256([]byte(url))) }

func refused(t *testing.T, args []string, in, why string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(in), &out, &errs)
	if code != console.ExitIO || out.Len() > 0 || !strings.Contains(errs.String(), why) ||
		!strings.HasSuffix(errs.String(), ": try again later, or tell the issuer, who can purge it\n") {
		t.Errorf("%v: exit code %d: %s", args, code, errs.String())
	}
}

// Plain HTTP may not leave this machine. The error says what to do. The address is refused before a
// packet is sent to it.
func TestFetchLeavesThisMachine(t *testing.T) {
	transport := http.DefaultTransport.(*http.Transport)
	before := transport.Proxy
	defer func() { transport.Proxy = before }()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "192.0.2.1:80"})
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"jwks", "fetch", "http://127.0.0.1/jwks"}, strings.NewReader(""), &out, &errs)
	if code != console.ExitIO || !strings.HasSuffix(errs.String(), "use https\n") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// The Remote decides when a set is fetched again. The command only counts the time from now.
func TestFetchedRefreshAfter(t *testing.T) {
	set, err := keys.ParsePublicSet([]byte(`{"keys":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, c := range []struct {
		late, due time.Duration
		want      int64
	}{
		{0, 7 * time.Second, 7},
		{0, 7*time.Second - time.Millisecond, 7}, // the command needs a moment to get here
		{700 * time.Second, 30 * time.Second, 30},
		{0, -time.Second, 0},
	} {
		copied := jwks.CacheEntry{URL: "https://id.example.com/jwks", Fetched: now.Add(-c.late), MaxAge: time.Minute}
		got := newFetched(jwks.FetchResult{Set: set, Cached: copied, Due: now.Add(c.due)}, now)
		if got.RefreshAfter != c.want || got.MaxAge != 60 {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
