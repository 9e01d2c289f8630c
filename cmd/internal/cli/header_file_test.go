//go:build unix

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// hunter2 is the secret of the tests. No error shows it.
const hunter2 = "hunter2"

// guarded is a server that records the Authorization of each request.
type guarded struct {
	*httptest.Server
	mux  *http.ServeMux
	seen []string
}

func newGuarded(t *testing.T, demands bool) *guarded {
	t.Helper()
	g := &guarded{mux: http.NewServeMux()}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.seen = append(g.seen, r.Header.Get("Authorization"))
		if demands && r.Header.Get("Authorization") != "Bearer "+hunter2 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		g.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *guarded) says(path, body string) {
	g.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, body)
	})
}

// The lines go to the origin that the user typed, with each request. No other origin gets them.
func TestHeaderFile(t *testing.T) {
	newHome(t)
	home := os.Getenv("HOME")
	exported, _ := runOK(t, "", "keys", "export")
	api, other := newGuarded(t, true), newGuarded(t, false)
	for _, g := range []*guarded{api, other} {
		g.says("/jwks", exported)
		g.says("/own/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, g.URL+"/own", g.URL+"/jwks"))
		g.says("/.well-known/oauth-authorization-server/late", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, g.URL+"/late", g.URL+"/jwks"))
	}
	api.says("/away/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, api.URL+"/away", other.URL+"/jwks"))
	other.says("/away/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, other.URL+"/away", api.URL+"/jwks"))
	api.mux.Handle("/moved", http.RedirectHandler("/jwks", http.StatusFound))
	api.mux.Handle("/left", http.RedirectHandler(other.URL+"/jwks", http.StatusFound))
	header := filepath.Join(home, "header")
	if err := os.WriteFile(header, []byte("Authorization: Bearer "+hunter2+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token, _ := runOK(t, `{"iss":"a","aud":"b"}`, "seal")
	const claims = `{"iss":"a","aud":"b"}`
	for name, tt := range map[string]struct {
		args       []string
		in         string
		code       int
		api, other int // requests: those to api have the lines, those to other do not
		says       string
	}{
		"a set":               {[]string{"jwks", "fetch", api.URL + "/jwks"}, "", console.ExitDone, 1, 0, ""},
		"a set that moved":    {[]string{"jwks", "fetch", api.URL + "/moved"}, "", console.ExitDone, 2, 0, ""},
		"a redirect away":     {[]string{"jwks", "fetch", api.URL + "/left"}, "", console.ExitIO, 1, 0, "redirects to another host"},
		"an issuer":           {[]string{"jwks", "fetch", "--issuer", api.URL + "/own"}, "", console.ExitDone, 2, 0, ""},
		"an issuer, RFC 8414": {[]string{"jwks", "fetch", "--issuer", api.URL + "/late"}, "", console.ExitDone, 3, 0, ""},
		"keys elsewhere":      {[]string{"jwks", "fetch", "--issuer", api.URL + "/away"}, "", console.ExitDone, 1, 1, ""},
		"open":                {[]string{"open", "--trust", api.URL + "/jwks", "--iss", "a", "--aud", "b"}, token, console.ExitDone, 1, 0, ""},
		"seal":                {[]string{"seal", "--to", api.URL + "/jwks"}, claims, console.ExitDone, 1, 0, ""},
		"seal to one origin": {[]string{"seal", "--selective", "--allow-readable", "aud", "--to", "x=" + api.URL + "/jwks", "--to", "y=" + api.URL + "/jwks"},
			claims, console.ExitKey, 1, 0, "same key"},
		"seal to two origins": {[]string{"seal", "--selective", "--to", "x=" + api.URL + "/jwks", "--to", "y=" + other.URL + "/jwks"}, claims,
			console.ExitUsage, 0, 0, "--header-file is for one origin, and here are " + api.URL + " and " + other.URL},
		"no URL":         {[]string{"open", "--iss", "a", "--aud", "b"}, token, console.ExitUsage, 0, 0, "--header-file is for keys at a URL"},
		"by plain http":  {[]string{"jwks", "fetch", "http://id.example.com/jwks"}, "", console.ExitUsage, 0, 0, "must be https"},
		"by http, --iss": {[]string{"jwks", "fetch", "--issuer", "http://id.example.com"}, "", console.ExitUsage, 0, 0, "must be https"},
	} {
		api.seen, other.seen = nil, nil
		if err := os.RemoveAll(filepath.Join(home, ".cache")); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := run(t.Context(), append(tt.args, "--header-file", header), strings.NewReader(tt.in), &out, &errs)
		if code != tt.code || !strings.Contains(errs.String(), tt.says) || strings.Contains(errs.String()+out.String(), hunter2) {
			t.Errorf("%s: exit code %d: %s", name, code, errs.String())
		}
		if len(api.seen) != tt.api || len(other.seen) != tt.other {
			t.Errorf("%s: %d and %d requests, want %d and %d", name, len(api.seen), len(other.seen), tt.api, tt.other)
		}
		for _, seen := range api.seen {
			if seen != "Bearer "+hunter2 {
				t.Errorf("%s: the origin got %q", name, seen)
			}
		}
		for _, seen := range other.seen {
			if seen != "" {
				t.Errorf("%s: another origin got %q", name, seen)
			}
		}
	}
}

// A server asks for a token. The advice of the error helps.
func TestHeaderFileAdvice(t *testing.T) {
	newHome(t)
	home := os.Getenv("HOME")
	api, other := newGuarded(t, true), newGuarded(t, false)
	other.says("/away/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, other.URL+"/away", api.URL+"/jwks"))
	header := filepath.Join(home, "header")
	if err := os.WriteFile(header, []byte("Authorization: Bearer of-another"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		": check the URL; if the server asks for a bearer token, write Authorization: Bearer and the token into a file, for --header-file FILE\n": {api.URL + "/jwks"},
		": check the URL, and the lines of --header-file\n": {"--header-file", header, api.URL + "/jwks"},
		": --header-file goes to " + other.URL + " alone; if you trust this server too: sealjwt jwks fetch --header-file FILE " + api.URL + "/jwks\n": {
			"--header-file", header, "--issuer", other.URL + "/away"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"jwks", "fetch"}, args...), strings.NewReader(""), &out, &errs)
		if code != console.ExitIO || !strings.HasSuffix(errs.String(), says) || strings.Contains(errs.String(), "of-another") {
			t.Errorf("exit code %d: %s, want an end %s", code, errs.String(), says)
		}
	}
}

// The file is a secret. The command reads it like one, before it sends a request, and once.
func TestHeaderFileIsASecret(t *testing.T) {
	newHome(t)
	home := os.Getenv("HOME")
	exported, _ := runOK(t, "", "keys", "export")
	api := newGuarded(t, true)
	api.says("/jwks", exported)
	write := func(text string, mode os.FileMode) func(string) error {
		return func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode))
		}
	}
	const good = "Authorization: Bearer " + hunter2
	for name, tt := range map[string]struct {
		put  func(path string) error
		code int
		says string
	}{
		"closed":           {write(good, 0o600), console.ExitDone, ""},
		"closed, CRLF":     {write(good+"\r\n", 0o400), console.ExitDone, ""},
		"a mark":           {write("\ufeff"+good+"\n", 0o600), console.ExitDone, ""},
		"two line feeds":   {write(good+"\n\n", 0o600), console.ExitUsage, "line 2 is not a header line"},
		"read by a group":  {write(good, 0o640), console.ExitDone, ""}, // as a key file
		"read by all":      {write(good, 0o644), console.ExitKey, "is open to others (mode 0644): chmod 600 "},
		"written by all":   {write(good, 0o602), console.ExitKey, "is open to others (mode 0602): chmod 600 "},
		"not there":        {func(string) error { return nil }, console.ExitIO, "cannot read "},
		"a folder":         {func(path string) error { return os.Mkdir(path, 0o700) }, console.ExitIO, ""},
		"empty":            {write("", 0o600), console.ExitUsage, "line 1 is not a header line"},
		"the bare token":   {write(hunter2, 0o600), console.ExitUsage, "line 1 is not a header line: write Authorization: Bearer and the token"},
		"too long":         {write(good+strings.Repeat("2", 16<<10), 0o600), console.ExitIO, "too long"},
		"a pipe":           {feed(good), console.ExitDone, ""},
		"a pipe, not HTTP": {feed(hunter2), console.ExitUsage, "line 1 is not a header line"},
	} {
		api.seen = nil
		path := filepath.Join(home, strings.ReplaceAll(name, " ", "-"))
		if err := tt.put(path); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"jwks", "fetch", "--header-file", path, api.URL + "/jwks"}, strings.NewReader(""), &out, &errs)
		if code != tt.code || !strings.Contains(errs.String(), tt.says) || strings.Contains(errs.String()+out.String(), hunter2) {
			t.Errorf("%s: exit code %d: %s", name, code, errs.String())
		}
		if (len(api.seen) != 0) != (tt.code == console.ExitDone) {
			t.Errorf("%s: %d requests", name, len(api.seen))
		}
	}
}

// feed makes a pipe. A process writes into it once.
func feed(text string) func(path string) error {
	return func(path string) error {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return err
		}
		go func() {
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				io.WriteString(f, text)
				f.Close()
			}
		}()
		return nil
	}
}
