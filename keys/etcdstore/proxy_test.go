package etcdstore_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// peerProxy stands before the peer port of a server. It can swallow the bytes of one other server
// or of all. Servers name themselves in the header of their first request.
type peerProxy struct {
	address string

	mu    sync.Mutex
	from  string // the member whose connections are cut; empty: all, if isCut
	isCut bool
	links map[*peerLink]bool
}

type peerLink struct {
	from        string
	client, hub net.Conn
}

func newPeerProxy(t testing.TB, to string) *peerProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peerProxy{address: l.Addr().String(), links: make(map[*peerLink]bool)}
	t.Cleanup(func() {
		l.Close()
		p.heal()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c, to)
		}
	}()
	return p
}

func (p *peerProxy) carry(client net.Conn, to string) {
	defer client.Close()
	var head bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReaderSize(io.TeeReader(client, &head), 16))
	if err != nil {
		return
	}
	hub, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer hub.Close()
	l := &peerLink{r.Header.Get("X-Server-From"), client, hub}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	}()
	if p.swallows(l) {
		time.Sleep(time.Second) // the other side waits before it tries again
		return
	}
	if _, err := hub.Write(head.Bytes()); err != nil {
		return
	}
	go func() {
		p.copy(l, client, hub)
		client.Close()
		hub.Close()
	}()
	p.copy(l, hub, client)
}

func (p *peerProxy) swallows(l *peerLink) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isCut && (p.from == "" || p.from == l.from)
}

// copy carries one direction. It reads the bytes that it swallows, so that the sender notices
// nothing.
func (p *peerProxy) copy(l *peerLink, to, from net.Conn) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if p.swallows(l) {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *peerProxy) cut(from string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut, p.from = true, from
}

// heal lets new connections through. It breaks the old ones, whose streams have a hole.
func (p *peerProxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
	for l := range p.links {
		l.client.Close()
		l.hub.Close()
	}
}
