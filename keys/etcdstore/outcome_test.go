package etcdstore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sealjwt/sealjwt/keys/etcdstore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// network loses the answers to transactions.
type network struct {
	mu   sync.Mutex
	lose []func(send func() error) // what becomes of the next transactions
	wg   sync.WaitGroup            // the late ones
}

func (n *network) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if method != "/etcdserverpb.KV/Txn" {
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	n.mu.Lock()
	var lose func(func() error)
	if len(n.lose) > 0 {
		lose, n.lose = n.lose[0], n.lose[1:]
	}
	n.mu.Unlock()
	if lose == nil {
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	lose(func() error { return invoke(context.WithoutCancel(ctx), method, req, reply, cc, opts...) })
	return status.Error(codes.Unavailable, "the connection has broken")
}

// newTampered returns a store whose network loses answers.
func newTampered(t *testing.T, c *cluster, key string) (*etcdstore.Store, *network) {
	t.Helper()
	n := new(network)
	cfg := clientConfig(c.clients...)
	cfg.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(n.intercept)}
	client, err := clientv3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.wg.Wait(); client.Close() })
	return newStore(t, client, key), n
}

// testLostAnswer loses answers to transactions. Swap finds out what became of the write.
func testLostAnswer(t *testing.T, c *cluster) {
	for name, of := range map[string]struct {
		// lose is what becomes of the first transactions.
		lose func(t *testing.T, n *network, good *etcdstore.Store) []func(send func() error)
		want error // nil: the write is done once
	}{
		"written": {
			func(t *testing.T, _ *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) { wantSent(t, send) }}
			}, nil,
		},
		"not sent": {
			func(*testing.T, *network, *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(func() error) {}}
			}, nil,
		},
		"not sent twice": {
			func(*testing.T, *network, *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(func() error) {}, func(func() error) {}}
			}, nil,
		},
		// The first one arrives after the second one, and finds another revision.
		"late": {
			func(t *testing.T, n *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					n.wg.Go(func() { time.Sleep(500 * time.Millisecond); wantSent(t, send) })
				}}
			}, nil,
		},
		"written, and the second is late": {
			func(t *testing.T, n *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					n.wg.Go(func() { time.Sleep(20 * time.Millisecond); wantSent(t, send) })
				}}
			}, nil,
		},
		"never answered": {
			func(*testing.T, *network, *etcdstore.Store) []func(func() error) {
				return slices.Repeat([]func(func() error){func(func() error) {}}, 1000)
			}, keyring.ErrUnknownOutcome,
		},
		"replaced since": {
			func(t *testing.T, _ *network, good *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					wantSent(t, send)
					put(t, good, "of another")
				}}
			}, keyring.ErrUnknownOutcome,
		},
		"another writer instead": {
			func(t *testing.T, _ *network, good *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(func() error) { put(t, good, "of another") }}
			}, keyring.ErrUnknownOutcome,
		},
	} {
		for _, creates := range []bool{true, false} {
			what := name + ", swap"
			if creates {
				what = name + ", create"
			}
			t.Run(what, func(t *testing.T) {
				key := "/" + what
				good := newStore(t, newClient(t, c.clients...), key)
				bad, n := newTampered(t, c, key)
				prev := ""
				if !creates {
					put(t, good, "old")
					_, prev, _ = good.Load(t.Context())
				}
				n.lose = of.lose(t, n, good)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				version, err := bad.Swap(ctx, prev, []byte("new"))
				if !errors.Is(err, of.want) || errors.Is(err, keyring.ErrConflict) {
					t.Errorf("version %q, error %v, want %v", version, err, of.want)
				}
				n.wg.Wait()
				if of.want != nil {
					return
				}
				doc, now, err := good.Load(t.Context())
				if err != nil || string(doc) != "new" || now != version {
					t.Errorf("the store has %q at %q, want new at %q; error %v", doc, now, version, err)
				}
				put(t, good, "newer") // the version is good for the next swap
			})
		}
	}
}

func wantSent(t *testing.T, send func() error) {
	if err := send(); err != nil {
		t.Error(err)
	}
}

// testCallerGoesAway ends a context while the answer is on its way: the outcome is unknown.
func testCallerGoesAway(t *testing.T, c *cluster) {
	s, n := newTampered(t, c, "/away")
	ctx, cancel := context.WithCancel(t.Context())
	n.lose = []func(func() error){func(send func() error) {
		wantSent(t, send)
		cancel()
	}}
	if _, err := s.Swap(ctx, "", []byte("a ring")); !errors.Is(err, keyring.ErrUnknownOutcome) {
		t.Errorf("the write was sent: %v", err)
	}
	if _, err := s.Swap(ctx, "", []byte("a ring")); !errors.Is(err, context.Canceled) || errors.Is(err, keyring.ErrUnknownOutcome) {
		t.Errorf("nothing was sent: %v", err)
	}
}
