package page

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestServe asks over the network, and then ends the server.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- Serve(ctx, func(url string) error { urls <- url; return nil }) }()
	url := <-urls
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("the URL is %s", url)
	}
	client := &http.Client{Transport: &http.Transport{}}
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "What a stranger reads") {
		t.Errorf("the server answers %d, %v", answer.StatusCode, err)
	}

	// The answer of alive ends with the server, and does not keep it from ending.
	alive, err := client.Get(url + "alive")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Body.Close()
	stop()
	if rest, err := io.ReadAll(alive.Body); err != nil || len(rest) != 0 {
		t.Errorf("alive says %q, %v", rest, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ends with %v", err)
	}
	if _, err := client.Get(url); err == nil {
		t.Error("the server still answers")
	}
}

// TestServeFails returns the error of the system.
func TestServeFails(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	s := newServer(listener.Addr().String(), clock{time.Now, time.After})
	if err := s.serve(t.Context(), listener, func(string) error { return nil }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the server ends with %v", err)
	}
	if err := Serve(t.Context(), func(string) error { return io.ErrClosedPipe }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("without a reader of the URL the server ends with %v", err)
	}
}

// OPTIONS * goes through the guard like every request, so a name that was rebound gets a refusal.
func TestOptionsOfTheServer(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().String()
	s := newServer(at, clock{time.Now, time.After})
	server := s.server()
	go server.Serve(listener)
	defer server.Close()
	for host, want := range map[string]int{"evil.example": http.StatusMisdirectedRequest, at: http.StatusNotFound} {
		conn, err := net.Dial("tcp4", at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "OPTIONS * HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("Host %s: status %d, want %d", host, answer.StatusCode, want)
		}
		checkHeaders(t, answer.Header)
	}
}

// testClock is a time that a test moves.
type testClock struct {
	mu     sync.Mutex
	time   time.Time
	asleep chan time.Duration // what the server waits for
	wake   chan time.Time
}

func newTestClock() *testClock {
	return &testClock{time: time.Unix(1_800_000_000, 0), asleep: make(chan time.Duration), wake: make(chan time.Time)}
}

func (c *testClock) clock() clock {
	return clock{c.now, func(d time.Duration) <-chan time.Time {
		c.asleep <- d
		return c.wake
	}}
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// TestIdle ends the server when the page was not asked for 30 minutes. What is refused does not
// keep it alive.
func TestIdle(t *testing.T) {
	foreign := header("Sec-Fetch-Site", "cross-site")
	for name, test := range map[string]struct {
		after  time.Duration // when something is asked
		change func(*http.Request)
		path   string
		end    time.Duration // when the server ends, from the start
	}{
		"never asked":        {0, foreign, "", MaxIdle},
		"asked":              {20 * time.Minute, nil, "", 50 * time.Minute},
		"asked late":         {29*time.Minute + 59*time.Second, nil, "", 59*time.Minute + 59*time.Second},
		"refused":            {20 * time.Minute, foreign, "", MaxIdle},
		"path not found":     {20 * time.Minute, nil, "x", MaxIdle},
		"name that is wrong": {20 * time.Minute, func(r *http.Request) { r.Host = "evil.example" }, "", MaxIdle},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClock()
			s := newServer(host, c.clock())
			ended := make(chan error, 1)
			go func() { ended <- s.wait(t.Context(), nil) }()
			passed := time.Duration(0)
			move := func(to time.Duration) (running bool) {
				for passed < to {
					select {
					case d := <-c.asleep:
						if d <= 0 || d > time.Minute {
							t.Fatalf("the server waits for %v", d)
						}
						d = min(d, to-passed)
						c.add(d)
						passed += d
						c.wake <- c.now()
					case err := <-ended:
						if !errors.Is(err, ErrIdle) {
							t.Fatalf("the server ends with %v", err)
						}
						return false
					}
				}
				return true
			}
			if !move(test.after) {
				t.Fatalf("the server ends after %v", passed)
			}
			ask(s, http.MethodGet, s.path+test.path, "", test.change)
			if !move(test.end-time.Second) || move(test.end+time.Minute) {
				t.Errorf("the server does not end after %v", test.end)
			}
			if passed != test.end {
				t.Errorf("the server ends after %v and not %v", passed, test.end)
			}
		})
	}
}

// TestIdleAsleep has the machine sleep for an hour, or its clock be set back by a year.
func TestIdleAsleep(t *testing.T) {
	begun := time.Now() // has a reading of the monotonic clock
	now := begun
	s := testServer(func() time.Time { return now })
	now = begun.Round(0).Add(time.Hour)
	if s.idle() != time.Hour {
		t.Errorf("after an hour of sleep the server is idle for %v", s.idle())
	}
	now = begun.Add(MaxIdle) // moves both clocks
	if s.idle() != MaxIdle {
		t.Errorf("the server is idle for %v", s.idle())
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conns chan net.Conn
	addr  net.Addr
}

func (l *oneConn) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.addr }

// The request for alive outlives the deadlines of all other requests: the script takes its end for
// the server's end.
func TestAliveStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(time.Now)
		client, served := net.Pipe()
		conns, server := make(chan net.Conn, 1), s.server()
		conns <- served
		go server.Serve(&oneConn{conns, served.LocalAddr()})
		go fmt.Fprintf(client, "GET %salive HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\n\r\n", s.path, host)
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("alive answers %v, %v", answer, err)
		}
		over := make(chan struct{})
		go func() {
			io.Copy(io.Discard, answer.Body)
			close(over)
		}()
		select {
		case <-over:
			t.Error("alive ended within an hour")
		case <-time.After(time.Hour): // of the bubble
		}
		close(s.ended)
		<-over
		close(conns)
		server.Close()
	})
}
