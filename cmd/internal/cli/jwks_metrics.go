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

// serve serves metrics until the caller calls stop.
func (c *collector) serve(listener net.Listener, s *keyserver.Server, log *keyserver.Log) (stop func()) {
	log.Info("serving metrics", "url", "http://"+listener.Addr().String()+keyserver.MetricsPath)
	return keyserver.ServeMetrics(listener, log.Logger, func(ctx context.Context) []metrics.Family {
		families := append(c.look(ctx), s.Metrics()...)
		return append(families, metrics.One("sealjwt_log_lines_dropped_total", metrics.Counter,
			"Lines of the log that nothing took in time.", float64(log.Dropped())))
	})
}

// collector looks at the ring, and keeps the metrics of its last look.
type collector struct {
	app   *App
	ring  *keyring.Ring
	reads *reads

	mu     sync.Mutex
	at     time.Time     // when the last look ended
	maxAge time.Duration // the policy's SnapshotAge
	last   []metrics.Family
}

// look returns the metrics of the ring, and how long ago it was read. A look reads the ring, and
// requests and rotations read it too.
func (c *collector) look(ctx context.Context) []metrics.Family {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) >= lookEvery {
		c.lookNow(ctx)
	}
	return append([]metrics.Family{
		metrics.One("sealjwt_snapshot_age_seconds", metrics.Gauge, "How long ago the ring was last read.", c.reads.age().Seconds()),
		metrics.One("sealjwt_snapshot_max_age_seconds", metrics.Gauge,
			"The snapshot age of the ring's policy: a ring that was read longer ago is not served.", c.maxAge.Seconds()),
	}, c.last...)
}

func (c *collector) lookNow(ctx context.Context) {
	// The look must not end when the client of this request goes away: the next client gets its
	// result too.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lookWithin)
	defer stop()
	h, err := c.health(ctx)
	if err != nil {
		code, _ := c.app.Describe(err)
		c.last = []metrics.Family{exitCodeMetric(code)}
	} else {
		c.last = h.metrics()
	}
	c.at = time.Now()
}

// health reads the ring and returns how it is.
func (c *collector) health(ctx context.Context) (health, error) {
	at, err := c.app.ringAt(ctx)
	if err != nil {
		return health{}, err
	}
	policy, err := c.ring.Policy(ctx)
	if err != nil {
		return health{}, err
	}
	c.reads.take()
	c.maxAge = policy.SnapshotAge
	return c.app.lookAt(ctx, c.ring, at, defaultGrace)
}
