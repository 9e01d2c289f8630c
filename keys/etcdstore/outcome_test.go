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
	client *clientv3.Client
	key    string

	mu   sync.Mutex
	lose []func(send func() error) // each handles one of the next transactions
	wg   sync.WaitGroup            // for transactions that arrive late
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
	n := &network{key: key}
	cfg := clientConfig(c.clients...)
	cfg.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(n.intercept)}
	client, err := clientv3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.client = client
	t.Cleanup(func() { n.wg.Wait(); client.Close() })
	return newStore(t, client, key), n
}

// testLostAnswer loses answers to transactions. Swap finds out whether the write was made.
func testLostAnswer(t *testing.T, c *cluster) {
	for name, of := range map[string]struct {
		// lose returns handlers for the first transactions.
		lose func(t *testing.T, n *network, good *etcdstore.Store) []func(send func() error)
		// swap and create are the errors of the two kinds of Swap. nil says that the write is done.
		swap, create error
		replaced     bool // another process has made a swap since
	}{
		"written": {
			func(t *testing.T, _ *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) { wantSent(t, send) }}
			}, nil, nil, false,
		},
		"not sent": {
			func(*testing.T, *network, *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(func() error) {}}
			}, nil, nil, false,
		},
		"not sent twice": {
			func(*testing.T, *network, *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(func() error) {}, func(func() error) {}}
			}, nil, nil, false,
		},
		// The first transaction arrives after the second one, and finds another revision.
		"late": {
			func(t *testing.T, n *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					n.wg.Go(func() { time.Sleep(500 * time.Millisecond); wantSent(t, send) })
				}}
			}, nil, nil, false,
		},
		"written, and the second is late": {
			func(t *testing.T, n *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					n.wg.Go(func() { time.Sleep(20 * time.Millisecond); wantSent(t, send) })
				}}
			}, nil, nil, false,
		},
		"never answered": {
			func(*testing.T, *network, *etcdstore.Store) []func(func() error) {
				return slices.Repeat([]func(func() error){func(func() error) {}}, 1000)
			}, keyring.ErrUnknownOutcome, keyring.ErrUnknownOutcome, false,
		},
		"replaced since": {
			func(t *testing.T, _ *network, good *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					wantSent(t, send)
					put(t, good, "of another")
					put(t, good, "of a third one")
				}}
			}, nil, nil, true,
		},
		"replaced often": {
			func(t *testing.T, _ *network, good *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					wantSent(t, send)
					for range 40 {
						put(t, good, "of another")
					}
				}}
			}, keyring.ErrUnknownOutcome, keyring.ErrUnknownOutcome, false,
		},
		"another writer instead": {
			func(t *testing.T, _ *network, good *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(func() error) { put(t, good, "x"); put(t, good, "of another") }}
			}, keyring.ErrConflict, keyring.ErrUnknownOutcome, false,
		},
		"deleted since": {
			func(t *testing.T, n *network, _ *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					wantSent(t, send)
					if _, err := n.client.Delete(t.Context(), n.key); err != nil {
						t.Error(err)
					}
				}}
			}, keyring.ErrUnknownOutcome, nil, false, // Swap tries a creation again
		},
		"compacted since": {
			func(t *testing.T, n *network, good *etcdstore.Store) []func(func() error) {
				return []func(func() error){func(send func() error) {
					wantSent(t, send)
					put(t, good, "of another")
					now, err := n.client.Get(t.Context(), n.key)
					if err == nil {
						_, err = n.client.Compact(t.Context(), now.Header.Revision)
					}
					if err != nil {
						t.Error(err)
					}
				}}
			}, keyring.ErrUnknownOutcome, keyring.ErrUnknownOutcome, false,
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
				limit := 8 * time.Second
				if name == "never answered" {
					limit = time.Second
				}
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				version, err := bad.Swap(ctx, prev, []byte("new"))
				want := of.swap
				if creates {
					want = of.create
				}
				if !errors.Is(err, want) {
					t.Errorf("version %q, error %v, want %v", version, err, want)
				}
				n.wg.Wait()
				if want != nil || of.replaced {
					return
				}
				doc, now, err := good.Load(t.Context())
				if err != nil || string(doc) != "new" || now != version {
					t.Errorf("the store has %q at %q, want new at %q; error %v", doc, now, version, err)
				}
				put(t, good, "newer") // the version serves the next swap
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
