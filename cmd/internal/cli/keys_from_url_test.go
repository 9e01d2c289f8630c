package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
)

// newApp returns the App of a run, and its stderr.
func newApp() (*App, *bytes.Buffer) {
	errs := new(bytes.Buffer)
	return &App{Console: console.New("sealjwt", nil, nil, errs)}, errs
}

// The keys of an issuer at a URL are too old. The error does not blame the ring that opens the
// token.
func TestOpenWithStaleURL(t *testing.T) {
	newHome(t)
	token, _ := runOK(t, `{"iss":"https://id.example.com","aud":"https://api.example.com"}`, "seal")
	a, errs := newApp()
	cfg, err := a.openConfig(t.Context(), openFlags{trustFlags: trustFlags{issuer: "https://id.example.com"}, audience: "https://api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	stale := &console.Failure{Err: fmt.Errorf("%w: last read 2h ago", keys.ErrStale), Code: console.ExitIO, Advice: "see whether it can be fetched"}
	cfg.Trust[0].Keys = failingKeys{stale}
	opened := a.openToken(t.Context(), cfg, strings.TrimSpace(token), openFlags{})
	if code, text := describe(opened); code != console.ExitIO || !strings.HasSuffix(text, ": see whether it can be fetched") {
		t.Errorf("exit code %d: %s", code, text)
	}
	if code, text := describe(keys.ErrStale); code != console.ExitKey || !strings.Contains(text, "make the ring readable again") || errs.Len() > 0 {
		t.Errorf("of a ring: exit code %d: %s %s", code, text, errs)
	}
}

// failingKeys is a source whose keys cannot be fetched.
type failingKeys struct{ err error }

func (f failingKeys) PublicKeys(context.Context, string) (*keys.PublicSet, error) { return nil, f.err }

// A first set that is long stale is used. The user is warned once.
func TestWarnOfLateSet(t *testing.T) {
	newHome(t)
	exported, _ := runOK(t, "", "keys", "export")
	late := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=300")
		w.Header().Set("Age", map[bool]string{true: "40000", false: "3000"}[late])
		io.WriteString(w, exported)
	}))
	defer s.Close()
	_, said := runOK(t, `{"iss":"a","aud":"b"}`, "seal", "--to", s.URL+"/late")
	if want := "sealjwt: warning: " + s.URL + "/late: a cache on the way should have renewed these keys 11h1m40s ago: they are used for 1h0m at most\n"; said != want {
		t.Errorf("said %q, want %q", said, want)
	}
	late = false
	if _, said := runOK(t, `{"iss":"a","aud":"b"}`, "seal", "--to", s.URL+"/a-bit-late"); said != "" {
		t.Errorf("said %q", said)
	}
}
