package etcdstore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/sealjwt/sealjwt/keys/etcdstore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

var _ keyring.Watcher = (*etcdstore.Store)(nil)

// watched collects the signs of a watch.
type watched struct {
	mu      sync.Mutex
	changes []time.Time
	life    []time.Time // times of the proofs, without the changes
	ended   chan error
	cancel  context.CancelFunc
}

func watch(t *testing.T, s *etcdstore.Store) *watched {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{ended: make(chan error, 1), cancel: cancel}
	t.Cleanup(cancel)
	go func() {
		w.ended <- s.Watch(ctx, func(changed bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if changed {
				w.changes = append(w.changes, time.Now())
			} else {
				w.life = append(w.life, time.Now())
			}
		})
	}()
	return w
}

func (w *watched) copies() (changes, life []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.changes), slices.Clone(w.life)
}

// waitLife waits for a proof that comes later than after.
func (w *watched) waitLife(t *testing.T, after time.Time) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, life := w.copies(); len(life) > 0 && life[len(life)-1].After(after) {
			return
		}
	}
	t.Fatal("the watch shows no life")
}

// waitEnd returns the error of a watch and the time of its end. It fails if the watch does not end
// within limit.
func (w *watched) waitEnd(t *testing.T, limit time.Duration) error {
	t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(limit):
		t.Fatalf("the watch goes on after %v", limit)
		return nil
	}
}

func put(t *testing.T, s *etcdstore.Store, doc string) {
	t.Helper()
	_, version, err := s.Load(t.Context())
	if err != nil && !errors.Is(err, keyring.ErrNoRing) {
		t.Fatal(err)
	}
	if _, err := s.Swap(t.Context(), version, []byte(doc)); err != nil {
		t.Fatal(err)
	}
}

// testWatch checks that each change gives a sign, and that a proof comes about every two seconds. Two
// watches of one client do not disturb each other.
func testWatch(t *testing.T, c *cluster) {
	const key = "/watch"
	shared := newClient(t, c.clients...)
	writer := newStore(t, newClient(t, c.clients...), key)
	other := newStore(t, shared, "/other")
	put(t, other, "x")
	a, b, quiet := watch(t, newStore(t, shared, key)), watch(t, newStore(t, shared, key)), watch(t, other)
	for _, w := range []*watched{a, b, quiet} {
		w.waitLife(t, time.Time{})
	}
	before, _ := quiet.copies() // a server that lags tells the watch of the write before it
	const puts = 20
	for i := range puts {
		put(t, writer, string(rune('a'+i)))
	}
	if _, err := shared.Delete(t.Context(), key); err != nil { // a deletion is a change too
		t.Fatal(err)
	}
	last := time.Now()
	time.Sleep(3 * time.Second)
	for _, w := range []*watched{a, b, quiet} {
		w.waitLife(t, last)
		changes, life := w.copies()
		if w == quiet && len(changes) != len(before) {
			t.Errorf("%d changes of another key", len(changes)-len(before))
		}
		if w != quiet && (len(changes) == 0 || len(changes) > puts+1 || changes[len(changes)-1].Sub(last) > time.Second) {
			t.Errorf("%d signs of %d changes", len(changes), puts+1)
		}
		for i := range life[1:] {
			if gap := life[i+1].Sub(life[i]); gap > 4*time.Second {
				t.Errorf("no proof for %v", gap)
			}
		}
		w.cancel()
		if err := w.waitEnd(t, time.Second); err != context.Canceled {
			t.Errorf("it ended with %v", err)
		}
	}
}

// A server that hangs keeps its connections and sends nothing.
func TestSilentWatchEnds(t *testing.T) {
	beside(t)
	c := newCluster(t)
	i := (c.leader(t) + 1) % nodes
	put(t, newStore(t, newClient(t, c.clients...), "/ring"), "x")
	w := watch(t, newStore(t, newClient(t, c.clients[i]), "/ring"))
	w.waitLife(t, time.Time{})
	c.nodes[i].cmd.Process.Signal(syscall.SIGSTOP)
	defer c.nodes[i].cmd.Process.Signal(syscall.SIGCONT)
	start := time.Now()
	err := w.waitEnd(t, 5*time.Second)
	t.Logf("it ended after %v with %v", time.Since(start), err)
	if err == nil {
		t.Error("no reason")
	}
}

// deaf is a client stream that receives nothing after a test has made it deaf.
type deaf struct {
	grpc.ClientStream
	told <-chan struct{}
}

func (d deaf) RecvMsg(m any) error {
	err := d.ClientStream.RecvMsg(m)
	select {
	case <-d.told:
		<-d.Context().Done()
		return d.Context().Err()
	default:
		return err
	}
}

// The server of the watch hangs and the other servers answer. Their answers do not prove that the
// watch lives.
func TestOthersAreNoProof(t *testing.T) {
	beside(t)
	c := newCluster(t)
	told := make(chan struct{})
	cfg := clientConfig(c.clients...)
	cfg.DialOptions = []grpc.DialOption{grpc.WithChainStreamInterceptor(
		func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := open(ctx, desc, cc, method, opts...)
			return deaf{s, told}, err
		})}
	client, err := clientv3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s := newStore(t, client, "/ring")
	put(t, s, "x")
	w := watch(t, s)
	w.waitLife(t, time.Time{})
	close(told)
	at := time.Now()
	w.waitEnd(t, 7*time.Second)
	if _, life := w.copies(); life[len(life)-1].Sub(at) > 500*time.Millisecond {
		t.Errorf("a watch that hears nothing shows life after %v", life[len(life)-1].Sub(at))
	}
}

// The server of a watch is away while the history is compacted. The watch cannot resume, and its
// error says so.
func TestCompactedWatchEnds(t *testing.T) {
	beside(t)
	c := newCluster(t)
	i := (c.leader(t) + 1) % nodes
	all := newClient(t, c.clients...)
	s := newStore(t, all, "/ring")
	put(t, s, "x")
	w := watch(t, newStore(t, newClient(t, c.clients[i]), "/ring"))
	w.waitLife(t, time.Time{})
	c.nodes[i].kill()
	for range 10 {
		put(t, s, "y")
	}
	now, err := all.Get(t.Context(), "/ring")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.Compact(t.Context(), now.Header.Revision); err != nil {
		t.Fatal(err)
	}
	c.nodes[i].start(t)
	// A server that starts slowly is silent first. Its watch ends before it can tell of the
	// compaction.
	if err := w.waitEnd(t, 5*time.Second); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Logf("it ended with %v", err)
	}
	again := watch(t, newStore(t, newClient(t, c.clients[i]), "/ring"))
	again.waitLife(t, time.Time{})
	put(t, s, "z")
	time.Sleep(time.Second)
	if changes, _ := again.copies(); len(changes) == 0 {
		t.Error("the next watch saw no change")
	}
}
