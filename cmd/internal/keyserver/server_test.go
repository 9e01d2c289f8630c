package keyserver

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
)

// The server cuts off a client that sends slowly, reads slowly or sends endlessly.
func TestServerLimits(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler), nil, "/jwks", http.NotFoundHandler())
	for name, c := range map[string]struct{ got, want time.Duration }{
		"header": {s.server.ReadHeaderTimeout, 5 * time.Second},
		"read":   {s.server.ReadTimeout, 10 * time.Second},
		"write":  {s.server.WriteTimeout, 30 * time.Second},
		"idle":   {s.server.IdleTimeout, time.Minute},
		"stop":   {s.within, 10 * time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if s.server.MaxHeaderBytes != 16<<10 {
		t.Errorf("%d bytes of header", s.server.MaxHeaderBytes)
	}
}

// OPTIONS * is answered and logged like every request, on both servers.
func TestOptionsOfTheServer(t *testing.T) {
	log := new(consoletest.Lines)
	logger := slog.New(slog.NewJSONHandler(log, nil))
	s := New(logger, nil, "/jwks", http.NotFoundHandler())
	public, inner := listen(t), listen(t)
	go s.server.Serve(public)
	defer s.server.Close()
	defer ServeMetrics(inner, logger, func(context.Context) []metrics.Family { return nil })()
	for _, at := range []net.Addr{public.Addr(), inner.Addr()} {
		conn, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: status %d", at, answer.StatusCode)
		}
	}
	if !strings.Contains(log.String(), `"method":"OPTIONS","path":"other","status":400`) {
		t.Errorf("the log is %s", log)
	}
}

// Every server of this project decides on OPTIONS * itself.
func TestNoServerAnswersOptions(t *testing.T) {
	servers := 0
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		n := bytes.Count(text, []byte("&http.Server{"))
		servers += n
		if bytes.Count(text, []byte("DisableGeneralOptionsHandler: true,")) != n {
			t.Errorf("%s has a server without DisableGeneralOptionsHandler", path)
		}
		return err
	})
	if err != nil || servers < 3 {
		t.Errorf("%d servers, %v", servers, err)
	}
}

// /healthz has the status of the JWK Set.
func TestHealth(t *testing.T) {
	status := http.StatusOK
	set := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || r.Header.Get("If-None-Match") != "" {
			t.Errorf("asked with %s %v", r.Method, r.Header)
		}
		w.WriteHeader(status)
	})
	for _, want := range []int{200, 503} {
		status = want
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/healthz", nil)
		r.Header.Set("If-None-Match", "*")
		health(set).ServeHTTP(w, r)
		if w.Code != want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("status %d, want %d; %v", w.Code, want, w.Header())
		}
	}
}

// A server that stops finishes its present requests, and accepts no new ones.
func TestServeStopsGracefully(t *testing.T) {
	listener := listen(t)
	began, goOn := make(chan bool), make(chan bool)
	errs := new(consoletest.Lines)
	s := New(slog.New(slog.NewJSONHandler(errs, nil)), nil, "/jwks", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-goOn
		io.WriteString(w, "all of it")
	}))
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan string, 1)
	go func() { ended <- s.Run(ctx, console.New("sealjwt", nil, nil, errs), listener) }()
	go func() {
		res, err := http.Get("http://" + listener.Addr().String() + "/jwks")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answered <- string(body)
	}()
	<-began
	stop()
	for { // until new requests are refused
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	close(goOn)
	if body := <-answered; body != "all of it" {
		t.Errorf("the answer is %q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A server that stops cuts off a request that does not end.
func TestServeCutsOff(t *testing.T) {
	listener := listen(t)
	counted := &countedListener{Listener: listener}
	began, goOn := make(chan bool), make(chan bool)
	defer close(goOn)
	errs := new(consoletest.Lines)
	s := New(slog.New(slog.NewJSONHandler(errs, nil)), nil, "/jwks", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(began)
		<-goOn
	}))
	s.within = 0
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, console.New("sealjwt", nil, nil, errs), counted) }()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if counted.open.Load() != 0 {
		t.Errorf("%d connections are left", counted.open.Load())
	}
	if !strings.Contains(errs.String(), "some requests took longer than ") || !strings.HasSuffix(errs.String(), "sealjwt: stopped\n") {
		t.Errorf("said: %s", errs)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// countedListener counts the open connections.
type countedListener struct {
	net.Listener
	open atomic.Int64
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.open.Add(1)
		c = &countedConn{Conn: c, open: &l.open}
	}
	return c, err
}

type countedConn struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}
