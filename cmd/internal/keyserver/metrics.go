package keyserver

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
)

// MetricsPath is the path of the metrics, at an address of their own.
const MetricsPath = "/metrics"

// answers counts the answers of a server.
type answers struct {
	mu sync.Mutex
	of map[answer]int64
}

type answer struct {
	path   string
	status int
}

// newAnswers begins with a count of 0 for the answers on which alarms are set: an alarm on a
// series that does not exist never rings.
func newAnswers(path string) *answers {
	return &answers{of: map[answer]int64{
		{path, http.StatusOK}: 0, {path, http.StatusServiceUnavailable}: 0, {HealthPath, http.StatusServiceUnavailable}: 0,
	}}
}

func (a *answers) add(path string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[answer{path, cmp.Or(status, http.StatusOK)}]++
}

// Metrics returns the counts of the answers. No label has a text that a client sent.
func (s *Server) Metrics() []metrics.Family {
	s.answers.mu.Lock()
	defer s.answers.mu.Unlock()
	requests := metrics.Family{Name: "sealjwt_requests_total", Kind: metrics.Counter, Help: "Requests by path and status of the answer."}
	var refused int64
	for _, a := range slices.SortedFunc(maps.Keys(s.answers.of), func(a, b answer) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.status, b.status))
	}) {
		n := s.answers.of[a]
		requests.Samples = append(requests.Samples, metrics.Sample{
			Value: float64(n), Labels: []string{"path", a.path, "code", strconv.Itoa(a.status)},
		})
		if a.status >= http.StatusBadRequest {
			refused += n
		}
	}
	return []metrics.Family{
		requests, metrics.One("sealjwt_refusals_total", metrics.Counter, "Requests with an answer of status 400 or above.", float64(refused)),
	}
}

// ServeMetrics serves the metrics that gather returns, until the caller calls stop. They have an
// address of their own: the public address serves the keys and the health, and nothing else.
func ServeMetrics(listener net.Listener, log *slog.Logger, gather func(context.Context) []metrics.Family) (stop func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+MetricsPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", metrics.ContentType)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(metrics.Text(gather(r.Context())...))
	})
	s := limited(mux, log)
	var running sync.WaitGroup
	running.Go(func() { s.Serve(listener) })
	return func() {
		s.Close()
		running.Wait()
	}
}

// limited returns an HTTP server with the limits that fit small requests and small answers.
func limited(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    maxRequestHeader,
		ErrorLog:          errorLog(log),

		DisableGeneralOptionsHandler: true, // Go would answer OPTIONS * before the handler, and the log would not have it
	}
}
