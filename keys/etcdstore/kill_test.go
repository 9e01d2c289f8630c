package etcdstore_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
)

// rounds returns the number for the long form, or for the short one.
func rounds(whole, short int) int {
	if long() {
		return whole
	}
	return short
}

// leaders makes the leader of a cluster a server that a test can kill.
type leaders struct {
	t      testing.TB
	c      *cluster
	killed int
}

func (l *leaders) Kill() {
	l.killed = l.c.leader(l.t)
	l.c.nodes[l.killed].kill()
}

// Start waits until the others have a new leader before it starts the server. With two servers down
// there is no cluster.
func (l *leaders) Start(t testing.TB) {
	l.c.leader(t)
	l.c.nodes[l.killed].start(t)
}

// The leader dies under three writers. Each acknowledged write is there once.
func TestLeaderKilled(t *testing.T) {
	c := newCluster(t)
	v := ringtest.Killed(t, func() keyring.Store { return newStore(t, newClient(t, c.clients...), "/ring") },
		&leaders{t: t, c: c}, rounds(10, 2))
	t.Log(v)
	v.Check(t, rounds(50, 20)) // the test itself waits for ten after the last kill
	if v.Gap > 5*time.Second {
		t.Error(v)
	}
}

// The leader is cut off from the other two, and clients still reach it. It acknowledges no write
// and returns no old value, and its watch ends.
func TestLeaderCutOff(t *testing.T) {
	beside(t)
	c := newCluster(t)
	other := newStore(t, newClient(t, c.clients...), "/ring")
	put(t, other, "0")
	for round := range rounds(5, 1) {
		i := c.leader(t)
		client := newClient(t, c.clients[i])
		inside := newStore(t, client, "/ring")
		var rest []string
		for j, n := range c.nodes {
			if j != i {
				rest = append(rest, n.client)
			}
		}
		majority := newStore(t, newClient(t, rest...), "/ring")
		w := watch(t, inside)
		w.waitLife(t, time.Time{})

		c.cut(t, i)
		cut := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		var acknowledged, read, tried atomic.Int64
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() {
				for ctx.Err() == nil {
					call, stop := context.WithTimeout(ctx, time.Second)
					tried.Add(1)
					_, version, err := inside.Load(call)
					if err == nil {
						read.Add(1)
					}
					if n == 0 {
						version = "" // create, whatever is there
					}
					if _, err := inside.Swap(call, version, []byte("inside")); err == nil {
						acknowledged.Add(1)
					}
					stop()
				}
			})
		}
		// The other two go on.
		first := time.Duration(0)
		for n := 1; n <= 10; {
			doc, version, err := majority.Load(t.Context())
			if err != nil {
				continue
			}
			next := fmt.Sprintf("%s %d.%d", doc, round, n)
			if _, err := majority.Swap(t.Context(), version, []byte(next)); err == nil {
				n++
				if first == 0 {
					first = time.Since(cut)
				}
			}
		}
		err := w.waitEnd(t, 10*time.Second)
		ended := time.Since(cut)
		wg.Wait()
		cancel()
		want, _, err2 := majority.Load(t.Context())
		if err2 != nil {
			t.Fatal(err2)
		}
		c.heal()
		c.leader(t)
		healed := time.Now()
		var got []byte
		for time.Since(healed) < 30*time.Second {
			if got, _, err2 = inside.Load(t.Context()); err2 == nil {
				break
			}
		}
		again := watch(t, inside)
		again.waitLife(t, time.Time{})
		t.Logf("round %d: %d attempts inside, %d reads and %d writes acknowledged; the others write after %v; the watch ended after %v: %v",
			round, tried.Load(), read.Load(), acknowledged.Load(), first.Round(time.Millisecond), ended.Round(time.Millisecond), err)
		if acknowledged.Load()+read.Load() > 0 || tried.Load() == 0 || string(got) != string(want) {
			t.Errorf("%d writes and %d reads were acknowledged inside; after the heal it reads %q, want %q", acknowledged.Load(), read.Load(), got, want)
		}
		if ended > 5*time.Second || first > 5*time.Second {
			t.Errorf("the watch ended after %v, the others wrote after %v", ended, first)
		}
		again.cancel()
	}
}
