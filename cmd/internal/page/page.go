// Package page serves the debugger of tokens: one page on 127.0.0.1, into which a person pastes a
// token to see what a stranger reads in it. It uses neither a key nor a ring.
//
// # Who can reach it
//
// A token that is pasted is a credential. These may want the token, or try to reach the page:
//
//   - A page of another site in the same browser. It would have to guess 128 bits of the path, and
//     it cannot lie in Sec-Fetch-Site or Origin. A name of its own that resolves to 127.0.0.1 (DNS
//     rebinding) stands in Host, and is refused.
//   - Another user of the machine. The URL may be read in the arguments of the browser's
//     process, so such a user may know the path and fetch the page. Each user
//     gets the same page. The server keeps no token, so there is nothing to fetch.
//   - Another process that takes the port when the server has ended. The page holds one answer
//     of the server open, and takes no token when that breaks off.
//   - Logs, histories and caches. A token comes in the body of a POST alone, an address with
//     a query is refused, nothing is logged, and no answer may be stored.
//   - Services of the browser. The page forbids to check the spelling, to complete and to translate.
package page

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// MaxToken is the longest token in bytes that the page takes.
	MaxToken = 1 << 20
	// MaxIdle is how long the page is served without a request.
	MaxIdle = 30 * time.Minute

	stopWithin = 2 * time.Second
)

// ErrIdle says that no request came for [MaxIdle].
var ErrIdle = errors.New("page: nothing was asked for 30 minutes")

// Serve serves the page until ctx is done, and then returns nil. It calls ready with the URL when
// the server listens, and returns the error of ready if there is one. It returns [ErrIdle] after
// [MaxIdle] without a request for the page, and the error of the system if it cannot listen or
// serve.
func Serve(ctx context.Context, ready func(url string) error) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newServer(listener.Addr().String(), clock{time.Now, time.After})
	return s.serve(ctx, listener, ready)
}

// clock is the clock of a server, which a test replaces.
type clock struct {
	now   func() time.Time
	after func(time.Duration) <-chan time.Time
}

type server struct {
	host  string // 127.0.0.1 and the port
	path  string // /…/
	clock clock
	ended chan struct{} // closed when the server ends

	mu   sync.Mutex
	last time.Time // of the last request
}

func newServer(host string, c clock) *server {
	random := make([]byte, 16)
	rand.Read(random) // crypto/rand ends the program if it fails
	return &server{host: host, path: "/" + hex.EncodeToString(random) + "/", clock: c, ended: make(chan struct{}), last: c.now()}
}

func (s *server) url() string { return "http://" + s.host + s.path }

// server returns the HTTP server, with bounds on what a request may take.
func (s *server) server() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // a log line could quote a request

		DisableGeneralOptionsHandler: true, // Go would answer OPTIONS * under any Host, before s does
	}
}

func (s *server) serve(ctx context.Context, listener net.Listener, ready func(url string) error) error {
	server := s.server()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	err := ready(s.url())
	if err == nil {
		err = s.wait(ctx, failed)
	}
	close(s.ended)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if server.Shutdown(bounded) != nil {
		server.Close()
	}
	return err
}

// wait returns nil when ctx is done, ErrIdle when the server was idle for too long, and the
// error of the server when it failed.
func (s *server) wait(ctx context.Context, failed <-chan error) error {
	for {
		left := MaxIdle - s.idle()
		if left <= 0 {
			return ErrIdle
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-s.clock.after(min(left, time.Minute)): // a timer stands still while the machine sleeps
		}
	}
}

// idle returns how long ago the last request came. The monotonic clock stands still while the
// machine sleeps, and the wall clock may be set back, so the larger figure counts.
func (s *server) idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.now()
	return max(now.Sub(s.last), now.Round(0).Sub(s.last.Round(0)))
}

func (s *server) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = s.clock.now()
}
