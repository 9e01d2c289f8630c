package cli

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

var servingAt = regexp.MustCompile(`(?m)^\{.*"msg":"serving","url":"((https?://127\.0\.0\.1:\d+)/[^"]+)"\}$`)

// cmdServed puts the URL of a server in the background into a variable: served VARIABLE FILE. FILE
// has the server's stderr.
func cmdServed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: served variable file")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(args[1]))
		if match := servingAt.FindSubmatch(text); match != nil {
			ts.Setenv(args[0], string(match[1]))
			return
		}
	}
	ts.Fatalf("nothing is served: %s", ts.ReadFile(args[1]))
}

// cmdLogged waits until the log of a server in the background has a text: logged FILE TEXT.
func cmdLogged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: logged file text")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(ts.ReadFile(args[0]), args[1]) {
			return
		}
	}
	ts.Fatalf("the log has no %q: %s", args[1], ts.ReadFile(args[0]))
}

// cmdSite starts a server with faulty answers, which also serves files of the script at /file/NAME:
// site VARIABLE [CERT]. With a file for its certificate it speaks TLS.
func cmdSite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: site variable [cert]")
	}
	s := httptest.NewUnstartedServer(siteMux(ts.Getenv("WORK")))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if len(args) == 1 {
		s.Start()
	} else {
		s.StartTLS()
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
	}
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

func siteMux(work string) *http.ServeMux {
	mux := http.NewServeMux()
	says := func(path, kind, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, body)
		})
	}
	says("/html", "text/html", "<title>please log in</title>")
	says("/garbage", "application/json", "{\x1b[2J")
	says("/empty", "application/json", `{"keys":[]}`)
	says("/long", "application/json", strings.Repeat(" ", jwks.DefaultMaxBytes+1))
	says("/.well-known/openid-configuration", "application/json", `{"issuer":"https://evil.example.com","jwks_uri":"https://evil.example.com/jwks"}`)
	mux.HandleFunc("/slow/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.Handle("/away", http.RedirectHandler("https://evil.example.com/jwks", http.StatusFound))
	mux.Handle("/around", http.RedirectHandler("/around", http.StatusFound))
	mux.HandleFunc("/file/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=60")
		http.ServeFile(w, r, filepath.Join(work, filepath.Base(r.URL.Path)))
	})
	mux.HandleFunc("/plain/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		http.ServeFile(w, r, filepath.Join(work, filepath.Base(r.URL.Path)))
	})
	says("/app/.well-known/openid-configuration", "text/html", "<title>the app</title>")
	metadata := func(path, issuer, kind string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			base := "http://" + r.Host
			w.Header().Set("Content-Type", kind)
			json.NewEncoder(w).Encode(map[string]string{"issuer": base + issuer, "jwks_uri": base + "/file/id.jwks"})
		})
	}
	metadata("/tenant/.well-known/openid-configuration", "/tenant", "application/json")
	metadata("/.well-known/oauth-authorization-server/app", "/app", "application/json")
	metadata("/plain/.well-known/openid-configuration", "/plain", "text/plain")
	return mux
}

// cmdAged makes the copy of a URL in the cache older: aged DURATION URL.
func cmdAged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: aged duration url")
	}
	by, err := time.ParseDuration(args[0])
	ts.Check(err)
	path := copyOf(ts, args[1])
	var c jwks.CacheEntry
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(path)), &c))
	c.Fetched = c.Fetched.Add(-by)
	data, err := json.Marshal(c)
	ts.Check(err)
	ts.Check(os.WriteFile(path, data, 0o600))
}

// copyOf returns the file in the cache with the copy of a URL.
func copyOf(ts *testscript.TestScript, url string) string {
	list, err := filepath.Glob(filepath.Join(ts.Getenv("HOME"), ".cache", "sealjwt", "jwks", "*.json"))
	ts.Check(err)
	for _, path := range list {
		if bytes.Contains([]byte(ts.ReadFile(path)), fmt.Appendf(nil, `"url":%q`, url)) {
			return path
		}
	}
	ts.Fatalf("no copy of %s among %q", url, list)
	return ""
}

// cmdCopyOf puts the path of the copy of a URL into a variable: copyof VARIABLE URL.
func cmdCopyOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: copyof variable url")
	}
	ts.Setenv(args[0], copyOf(ts, args[1]))
}

// cmdNewCert makes a certificate for 127.0.0.1 and its key: newcert CERT KEY.
func cmdNewCert(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: newcert cert key")
	}
	cert, key, err := consoletest.NewCertificate()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), key, 0o600))
}
