package jwks

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// server starts a real server on a socket of this machine.
func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func jwkSetHandler(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Write(body)
	}
}

// canary stands in everything that a hostile server sends, and must stand in no error.
const canary = "canary"

// fetchFails fetches once and returns the error, which must hold no text of the server.
func fetchFails(t *testing.T, c RemoteConfig, want ...error) error {
	t.Helper()
	err := fails(t, must(NewRemote(c))(t), "", append(want, ErrFetch)...)
	if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "query") {
		t.Errorf("error %v", err)
	}
	return err
}

func TestFetch(t *testing.T) {
	k := newKey(t, keys.ES256)
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			t.Error("the connection is kept")
		}
		jwkSetHandler(jwkSet(t, k))(w, r)
	})
	knows(t, must(NewRemote(RemoteConfig{URL: s.URL + "/jwks.json?query"}))(t), "", k)
}

// roundTrip is a function that serves as a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// closed notes that a body was closed.
type closed struct {
	io.ReadCloser
	is bool
}

func (c *closed) Close() error {
	c.is = true
	return c.ReadCloser.Close()
}

// No answer leaves a connection open.
func TestFetchCloses(t *testing.T) {
	for _, status := range []int{200, 304, 500} {
		s := siteOf(jwkSet(t))
		if status != 200 {
			s.fails(status)
		}
		var body *closed
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			res, err := s.RoundTrip(r)
			body = &closed{ReadCloser: res.Body}
			res.Body = body
			return res, err
		})
		must(NewRemote(RemoteConfig{URL: siteURL, Transport: transport}))(t).PublicKeys(t.Context(), "")
		if !body.is {
			t.Errorf("%d: the body was not closed", status)
		}
	}
}

// A hostile server sends other things instead of a set. They cost little memory and time, and no
// log shows them.
func TestFetchHostile(t *testing.T) {
	flood := bytes.Repeat([]byte(canary), 1<<13)
	var sent atomic.Int64
	pour := func(w io.Writer) {
		for sent.Load() < 1<<30 {
			n, err := w.Write(flood)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	for _, tt := range []struct {
		name, says string
		serve      http.HandlerFunc
	}{
		{"1 GB", "longer than 1048576 bytes", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			pour(w)
		}},
		{"1 GB, announced", "longer than 1048576 bytes", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000000000")
			pour(w)
		}},
		{"1 GB with a 500", "500 Internal Server Error", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			pour(w)
		}},
		{"gzip bomb", "compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			pour(gzip.NewWriter(w))
		}},
		{"1 GB of header", "not HTTP", func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				defer c.Close()
				c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: "))
				pour(c)
			}
		}},
		{"no HTTP", "not HTTP", func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				c.Write([]byte(canary + "\r\n\r\n"))
				c.Close()
			}
		}},
		{"half an answer", "connection broke", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte(canary))
		}},
		{"garbage", "malformed", jwkSetHandler([]byte(canary))},
		{"strange names", "malformed", jwkSetHandler([]byte(`{"canary":1,"canary":2}`))},
		{"a page", "Content-Type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; "+canary)
			w.Write(jwkSet(t))
		}},
		{"no type", "Content-Type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			w.Write(jwkSet(t))
		}},
		{"a status of its own", "the answer is 299", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }},
		{"nothing", "the answer is 204 No Content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent.Store(0)
			var before, after runtime.MemStats
			s := server(t, tt.serve)
			runtime.ReadMemStats(&before)
			start := time.Now()
			err := fetchFails(t, RemoteConfig{URL: s.URL + "/jwks.json?query"})
			if took := time.Since(start); took > DefaultTimeout/2 {
				t.Errorf("it took %v", took)
			}
			runtime.ReadMemStats(&after)
			// This figure includes the memory of the server.
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
			if n := sent.Load(); n > 64<<20 {
				t.Errorf("%d bytes were sent", n)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

// A custom transport may decompress all the same. The size of the decompressed text is bounded.
func TestFetchDecompressed(t *testing.T) {
	s := siteOf(append(bytes.Repeat([]byte{' '}, DefaultMaxBytes), jwkSet(t)...), "Content-Length", "100")
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(bytes.Repeat([]byte{' '}, DefaultMaxBytes))
		w.Write(jwkSet(t))
	})
	err := fails(t, remoteOf(t, s, RemoteConfig{}), "", ErrFetch)
	if !strings.Contains(err.Error(), "longer") {
		t.Error(err)
	}
	k := newKey(t, keys.ES256)
	body := jwkSet(t, k)
	knows(t, remoteOf(t, siteOf(body), RemoteConfig{MaxBytes: int64(len(body))}), "", k)
	fails(t, remoteOf(t, siteOf(body), RemoteConfig{MaxBytes: int64(len(body)) - 1}), "", ErrFetch)
}

// The timeout covers the whole answer: for a server that never answers and for a server that always
// sends one more byte.
func TestFetchSlow(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			w.Write([]byte{' '})
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, h := range map[string]http.HandlerFunc{"drips": drip, "silent": silent} {
		t.Run(name, func(t *testing.T) {
			s := server(t, h)
			start := time.Now()
			err := fetchFails(t, RemoteConfig{URL: s.URL, Timeout: 100 * time.Millisecond}, context.DeadlineExceeded)
			if took := time.Since(start); took < 100*time.Millisecond || took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if !strings.Contains(err.Error(), "within 100ms") {
				t.Error(err)
			}
		})
	}
}

// A Remote follows redirects only to the same host.
func TestFetchRedirects(t *testing.T) {
	k := newKey(t, keys.ES256)
	var elsewhere atomic.Int32
	other := server(t, func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Add(1)
		jwkSetHandler(jwkSet(t, k))(w, r)
	})
	var target string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if hop, ok := strings.CutPrefix(r.URL.Path, "/hop/"); ok && hop != "" {
			http.Redirect(w, r, "/hop/"+hop[1:], http.StatusFound)
			return
		}
		if r.URL.Path == "/start" {
			http.Redirect(w, r, target, http.StatusFound)
			return
		}
		jwkSetHandler(jwkSet(t, k))(w, r)
	})
	for to, want := range map[string]error{
		other.URL + "/canary":                           errLeavesHost,
		"https" + strings.TrimPrefix(s.URL, "http"):     errLeavesHost,
		strings.Replace(s.URL, "127.0.0.1", "[::1]", 1): errLeavesHost,
		strings.Replace(s.URL, "://", "://canary@", 1):  errLeavesHost,
		"ftp://canary/":                                 errLeavesHost,
		"/start":                                        errRedirects,
		"/hop/123":                                      errRedirects,
	} {
		target = to
		fetchFails(t, RemoteConfig{URL: s.URL + "/start"}, want)
	}
	for _, path := range []string{"/hop/", "/hop/1", "/hop/123"} {
		knows(t, must(NewRemote(RemoteConfig{URL: s.URL + path}))(t), "", k)
	}
	fetchFails(t, RemoteConfig{URL: s.URL + "/hop/1234"}, errRedirects)
	if elsewhere.Load() != 0 {
		t.Error("another host was asked")
	}
}

// The TLS settings of the client's transport count, and a wrong certificate is an error.
func TestFetchTLS(t *testing.T) {
	k := newKey(t, keys.ES256)
	start := func(c *tls.Config) *httptest.Server {
		s := httptest.NewUnstartedServer(jwkSetHandler(jwkSet(t, k)))
		s.TLS, s.Config.ErrorLog = c, log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	s := start(nil)
	knows(t, must(NewRemote(RemoteConfig{URL: s.URL, Transport: s.Client().Transport}))(t), "", k)

	err := fetchFails(t, RemoteConfig{URL: s.URL})
	if !strings.Contains(err.Error(), "certificate is refused") || reasonOf(err) != ReasonCertificate {
		t.Errorf("an unknown authority: %v", err)
	}
	transport := s.Client().Transport.(*http.Transport)
	transport.DialTLSContext = nil
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}
	err = fetchFails(t, RemoteConfig{URL: "https://id.example.net/jwks.json?query", Transport: transport})
	if !strings.Contains(err.Error(), "certificate is refused") || !strings.Contains(err.Error(), "id.example.net") {
		t.Errorf("another name: %v", err)
	}

	plain := server(t, jwkSetHandler(jwkSet(t, k)))
	err = fetchFails(t, RemoteConfig{URL: "https" + strings.TrimPrefix(plain.URL, "http")})
	if !strings.Contains(err.Error(), "does not speak TLS") || reasonOf(err) != ReasonNotTLS {
		t.Errorf("no TLS: %v", err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		if c, err := other.Accept(); err == nil {
			c.Write([]byte("SSH-2.0-canary\r\n"))
			c.Close()
		}
	}()
	err = fetchFails(t, RemoteConfig{URL: "https://" + other.Addr().String()})
	if !strings.Contains(err.Error(), "does not speak TLS") || reasonOf(err) != ReasonNotTLS {
		t.Errorf("no TLS and no HTTP: %v", err)
	}
	old := start(&tls.Config{MaxVersion: tls.VersionTLS11})
	err = fetchFails(t, RemoteConfig{URL: old.URL, Transport: old.Client().Transport})
	if reasonOf(err) != ReasonConnection {
		t.Errorf("an old TLS: %v", err)
	}
}

func TestFetchNoServer(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	err := fetchFails(t, RemoteConfig{URL: s.URL + "/jwks.json?query"})
	if !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	refusing := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "id.example.com", IsNotFound: true}
	}}
	err = fetchFails(t, RemoteConfig{URL: siteURL, Transport: refusing})
	if !strings.Contains(err.Error(), "cannot be resolved") {
		t.Error(err)
	}
	if errors.Is(err, keys.ErrStale) {
		t.Error("stale, and never fetched")
	}
}

// A Remote sends no cookies of its client and keeps no cookies of the server.
func TestFetchNoCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t, keys.ES256)
		s := siteOf(jwkSet(t, k), "Set-Cookie", "a=b", "Cache-Control", "max-age=0")
		r := remoteOf(t, s, RemoteConfig{Cooldown: time.Nanosecond})
		for range 3 {
			knows(t, r, "", k)
			time.Sleep(time.Millisecond) // in the bubble: coarse ticks would show no difference
		}
		if s.last().Header.Get("Cookie") != "" || r.get.client.Jar != nil || s.count() < 2 {
			t.Error("a cookie was kept")
		}
	})
}
