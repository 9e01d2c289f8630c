package stores

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// proxy stands between one verifier and the hubs. A test can cut its connections. Like a load
// balancer it skips a hub that does not answer.
type proxy struct {
	URL string

	mu       sync.Mutex
	hubs     []string // host and port of each
	live     []*link
	accepted time.Time // the time of the last connection
}

// link is a connection through a proxy.
type link struct {
	client, hub net.Conn
	to          string
}

func newProxy(t testing.TB, hubs ...string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{URL: "http://" + l.Addr().String(), hubs: hubs}
	t.Cleanup(func() { l.Close(); p.cut("") })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
	return p
}

func (p *proxy) carry(client net.Conn) {
	p.mu.Lock()
	hubs := slices.Clone(p.hubs)
	p.mu.Unlock()
	rand.Shuffle(len(hubs), func(i, j int) { hubs[i], hubs[j] = hubs[j], hubs[i] })
	l := &link{client: client}
	for _, to := range hubs {
		if c, err := net.DialTimeout("tcp", to, time.Second); err == nil {
			l.hub, l.to = c, to
			break
		}
	}
	if l.hub == nil {
		client.Close()
		return
	}
	p.mu.Lock()
	p.live, p.accepted = append(p.live, l), time.Now()
	p.mu.Unlock()
	go l.copy(l.hub, client)
	l.copy(client, l.hub)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live = slices.DeleteFunc(p.live, func(one *link) bool { return one == l })
}

// copy carries one direction. When that ends, it breaks both.
func (l *link) copy(to, from net.Conn) {
	io.Copy(to, from)
	l.client.Close()
	l.hub.Close()
}

// cut breaks the connections to a hub, or to all hubs. It reports whether there were any.
func (p *proxy) cut(hub string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	broken := false
	for _, l := range p.live {
		if hub == "" || l.to == hub {
			broken = true
			if c, ok := l.client.(*net.TCPConn); ok {
				c.SetLinger(0) // the client gets a reset, and not a close
			}
			l.client.Close()
			l.hub.Close()
		}
	}
	return broken
}

// replace puts a new hub in the place of a dead one.
func (p *proxy) replace(dead, hub string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hubs[slices.Index(p.hubs, dead)] = hub
}

// lastAccepted returns the time of the verifier's last connection.
func (p *proxy) lastAccepted() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}
