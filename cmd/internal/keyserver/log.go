package keyserver

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// accessLog returns a handler that serves requests with mux, counts the answers, and writes a line
// for each. The line has the path in the pattern that matched, or "other" if none did. It never has
// the path, the query or the headers that the client sent, in which tokens end up by mistake.
func accessLog(log *slog.Logger, counted *answers, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := &countedAnswer{ResponseWriter: w}
		mux.ServeHTTP(answer, r)
		counted.add(ourPath(r.Pattern), answer.status)
		log.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("method", knownMethod(r.Method)),
			slog.String("path", ourPath(r.Pattern)),
			slog.Int("status", answer.status),
			slog.Float64("duration_ms", float64(time.Since(began).Microseconds())/1000),
			slog.Int64("bytes", answer.bytes),
		)
	})
}

// ourPath returns the path in a pattern of the mux, and "other" for a request that no pattern
// matches.
func ourPath(pattern string) string {
	if pattern == "" {
		return "other"
	}
	return pattern[strings.LastIndexByte(pattern, ' ')+1:]
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodTrace,
}

func knownMethod(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "other"
}

// countedAnswer keeps the status of an answer and counts its bytes.
type countedAnswer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *countedAnswer) WriteHeader(status int) {
	if c.status == 0 || c.status < 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *countedAnswer) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

func (c *countedAnswer) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// errorLog returns the log of the errors of an http.Server.
func errorLog(to *slog.Logger) *log.Logger { return log.New(serverErrors{to}, "", 0) }

// serverErrors logs the errors of an http.Server as warnings. A connection that the client closes
// before its TLS handshake is not one: probes and load balancers do so every few seconds.
type serverErrors struct{ to *slog.Logger }

var brokenOff = regexp.MustCompile(`^http: TLS handshake error from \S+: (EOF|read tcp .*: connection reset by peer)$`)

func (s serverErrors) Write(text []byte) (int, error) {
	level, message := slog.LevelWarn, strings.TrimSpace(string(text))
	if brokenOff.MatchString(message) {
		level = slog.LevelDebug
	}
	s.to.Log(context.Background(), level, message)
	return len(text), nil
}
