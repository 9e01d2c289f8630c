// Package keyserver serves a JWK Set over HTTP, with a certificate that is read again when it was
// renewed, and a log without secrets.
package keyserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// HealthPath is the path at which others ask whether the set can be served.
const HealthPath = "/healthz"

const (
	// stopWithin is how long requests at work may take after a signal to stop.
	stopWithin       = 10 * time.Second
	maxRequestHeader = 16 << 10
)

// Server serves a JWK Set at a path, and at HealthPath whether the set can be served.
type Server struct {
	server  *http.Server
	answers *answers
	within  time.Duration // stopWithin, except in tests
}

// New returns a server of the set at a path, with TLS unless cert is nil.
func New(logger *slog.Logger, cert *Certificate, path string, set http.Handler) *Server {
	mux := http.NewServeMux()
	mux.Handle(path, set)
	mux.Handle("GET "+HealthPath, health(set))
	counted := newAnswers(path)
	s := limited(accessLog(logger, counted, mux), logger)
	if cert != nil {
		cert.log = logger
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get}
	}
	return &Server{s, counted, stopWithin}
}

// Run serves until ctx is done. Then it waits for the requests at work, and cuts them off after
// stopWithin.
func (s *Server) Run(ctx context.Context, c *console.Console, listener net.Listener) error {
	ended := make(chan error, 1)
	go func() {
		if s.server.TLSConfig != nil {
			ended <- s.server.ServeTLS(listener, "", "")
			return
		}
		ended <- s.server.Serve(listener)
	}()
	select {
	case err := <-ended:
		return &console.Failure{Err: err, Code: console.ExitIO}
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.within)
	defer cancel()
	err := s.server.Shutdown(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		c.Say("warning: some requests took longer than %s, and were cut off", console.Duration(s.within))
		err = s.server.Close()
	}
	c.Say("stopped")
	return err
}

// health answers 200 if the JWK Set can be served, and 503 if not. It asks the handler of the set,
// so that the ring is reloaded when that is due.
func health(set http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := http.NewRequestWithContext(r.Context(), http.MethodHead, "/", nil)
		answer := &statusOnly{header: make(http.Header), status: http.StatusOK}
		if err == nil {
			set.ServeHTTP(answer, asked)
		}
		w.Header().Set("Cache-Control", "no-store")
		if err != nil || answer.status != http.StatusOK {
			http.Error(w, "the JWK Set is not available", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ok\n")
	})
}

// statusOnly is an answer that keeps only its status.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
