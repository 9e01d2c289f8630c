package sessions

import (
	"bufio"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// A stream takes at most 32 kB of a hub. Each client of the test holds a socket, and a small buffer
// until its first frame. The race detector takes memory of its own.
func TestStreamMemory(t *testing.T) {
	const n = 400
	p := newParty(t)
	p.end(t, "ada")
	p.feed.begin()
	defer p.feed.end()
	need(p.feed.turn(t.Context()))
	s := httptest.NewServer(p.feed)
	defer s.Close()
	defer s.CloseClientConnections()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var conns []net.Conn
	for range n {
		c := need(net.Dial("tcp", s.Listener.Addr().String()))
		defer c.Close()
		need(io.WriteString(c, "GET / HTTP/1.1\r\nHost: hub\r\nAccept: text/event-stream\r\n\r\n"))
		conns = append(conns, c)
		in := bufio.NewReaderSize(c, 256)
		for line := ""; !strings.HasPrefix(line, "data: "); {
			line = need(in.ReadString('\n'))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc + after.StackInuse - before.HeapAlloc - before.StackInuse) / n
	t.Logf("%d bytes a stream", each)
	if each > 32<<10 && !race {
		t.Errorf("%d bytes a stream", each)
	}
	runtime.KeepAlive(conns)
}
