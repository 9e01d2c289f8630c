package cli

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/keyserver"
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

const (
	// lookEvery is the shortest time between two looks at the ring. A client that asks for metrics
	// sooner gets the result of the last look again, because a look loads the ring and, for a ring
	// in a file, writes a trial file into its folder.
	lookEvery = 10 * time.Second
	// lookWithin is the longest time that a look takes. Prometheus waits ten seconds for an answer,
	// unless it is configured otherwise.
	lookWithin = 3 * time.Second
)

// checkMetrics returns the address at which to serve metrics, nil for none. An address without a
// host means this machine only: metrics are for a monitor and not for those who read the keys.
func (f serveFlags) checkMetrics(public *net.TCPAddr) (*net.TCPAddr, error) {
	if f.metricsAddr == "" {
		return nil, nil
	}
	host, port, ok := strings.Cut(f.metricsAddr, ":")
	if ok && host == "" {
		f.metricsAddr = net.JoinHostPort("127.0.0.1", port)
	}
	addr, err := net.ResolveTCPAddr("tcp", f.metricsAddr)
	if err != nil || !ok {
		return nil, console.Usagef("--metrics-addr %s: not an address to listen at: give HOST:PORT, such as :9464 or 127.0.0.1:9464", f.metricsAddr)
	}
	if addr.Port == public.Port && addr.Port != 0 {
		return nil, console.Usagef("--metrics-addr %s has the port of --addr, where others read the keys: give another port", f.metricsAddr)
	}
	return addr, nil
}

// serveMetrics serves metrics until the caller calls stop.
func (a *App) serveMetrics(listener net.Listener, ring *keyring.Ring, s *keyserver.Server, log *keyserver.Log) (stop func()) {
	c := &collector{app: a, ring: ring, read: time.Now()}
	log.Info("serving metrics", "url", "http://"+listener.Addr().String()+keyserver.MetricsPath)
	return keyserver.ServeMetrics(listener, log.Logger, func(ctx context.Context) []metrics.Family {
		families := append(c.look(ctx), s.Metrics()...)
		return append(families, metrics.One("sealjwt_log_lines_dropped_total", metrics.Counter,
			"Lines of the log that nothing took in time.", float64(log.Dropped())))
	})
}

// collector looks at the ring, and keeps the metrics of its last look.
type collector struct {
	app  *App
	ring *keyring.Ring

	mu   sync.Mutex
	at   time.Time // when the last look ended
	read time.Time // when the last look that could read the ring ended
	last []metrics.Family
}

// look returns the metrics of the ring, and how long ago a look has read it. The snapshot from
// which keys are served can be younger, because requests and rotations renew it too.
func (c *collector) look(ctx context.Context) []metrics.Family {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) >= lookEvery {
		c.lookNow(ctx)
	}
	return append([]metrics.Family{metrics.One("sealjwt_snapshot_age_seconds", metrics.Gauge,
		"How long ago the ring was read, at most. It is not served when that is longer than its policy allows.", time.Since(c.read).Seconds())}, c.last...)
}

func (c *collector) lookNow(ctx context.Context) {
	// The look must not end when the client of this request goes away: the next client gets its
	// result too.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lookWithin)
	defer stop()
	at, err := c.app.ringAt(ctx)
	var h health
	if err == nil {
		h, err = c.app.lookAt(ctx, c.ring, at.store, defaultGrace)
	}
	if err != nil {
		code, _ := c.app.Describe(err)
		c.last = []metrics.Family{exitCodeMetric(code)}
	} else {
		c.last, c.read = h.metrics(), time.Now()
	}
	c.at = time.Now()
}
