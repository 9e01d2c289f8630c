package sessions

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const testLifetime = 15 * time.Minute

func need[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signing is a key source whose keys a test can change.
type signing struct {
	mu  sync.Mutex
	set *keys.Set
}

func newSigning() *signing { return &signing{set: keytest.NewSet(keytest.NewKey(keys.ES256))} }

func (s *signing) get() *keys.Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

func (s *signing) replace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = keytest.NewSet(keytest.NewKey(keys.ES256))
}

func (s *signing) PrivateKeys(context.Context) (*keys.Set, error) { return s.get(), nil }
func (s *signing) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	return s.get().PublicKeys(ctx, kid)
}

// inMemory carries requests to a handler without a network, so that the clock of synctest goes on.
// A test can cut its connections.
type inMemory struct {
	mu      sync.Mutex
	handler http.Handler
	open    map[context.Context]context.CancelCauseFunc
	dead    bool
}

func (m *inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		cancel(nil)
		return nil, errDown
	}
	if m.open == nil {
		m.open = make(map[context.Context]context.CancelCauseFunc)
	}
	m.open[ctx] = cancel
	handler := m.handler
	m.mu.Unlock()
	w := newPipe(ctx)
	go func() {
		defer cancel(nil)
		defer w.end()
		handler.ServeHTTP(w, r.WithContext(ctx))
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &http.Response{StatusCode: w.status, Header: w.sent, Body: w, Request: r}, nil
}

// serve makes another handler answer from now on.
func (m *inMemory) serve(h http.Handler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handler = h
}

// setDead makes m refuse connections, or accept them again.
func (m *inMemory) setDead(dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = dead
}

// cut breaks all connections.
func (m *inMemory) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ctx, cancel := range m.open {
		cancel(errDown)
		delete(m.open, ctx)
	}
}

// pipe is a connection: a handler writes, a client reads.
type pipe struct {
	ctx    context.Context
	header http.Header
	sent   http.Header
	status int
	begun  chan struct{}
	once   sync.Once

	mu    sync.Mutex
	buf   bytes.Buffer
	ended bool
	more  chan struct{} // has a token when there is something to read
	less  chan struct{} // has a token when there is room to write
}

func newPipe(ctx context.Context) *pipe {
	return &pipe{ctx: ctx, header: make(http.Header), begun: make(chan struct{}), more: make(chan struct{}, 1), less: make(chan struct{}, 1)}
}

func (p *pipe) Header() http.Header { return p.header }

func (p *pipe) WriteHeader(status int) {
	p.once.Do(func() { p.status, p.sent = status, p.header.Clone(); close(p.begun) })
}

func (p *pipe) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	for {
		if p.ctx.Err() != nil {
			return 0, p.ctx.Err()
		}
		p.mu.Lock()
		if p.buf.Len() < pipeSize {
			p.buf.Write(b)
			p.mu.Unlock()
			signal(p.more)
			return len(b), nil
		}
		p.mu.Unlock()
		select {
		case <-p.less:
		case <-p.ctx.Done():
		}
	}
}

const pipeSize = 64 << 10

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *pipe) FlushError() error { p.WriteHeader(http.StatusOK); return p.ctx.Err() }

func (p *pipe) end() {
	p.WriteHeader(http.StatusOK)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	signal(p.more)
}

func (p *pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		n, _ := p.buf.Read(b)
		ended := p.ended
		p.mu.Unlock()
		switch {
		case n > 0:
			signal(p.less)
			return n, nil
		case p.ctx.Err() != nil && context.Cause(p.ctx) != context.Canceled:
			return 0, errDown
		case ended:
			return 0, io.EOF
		}
		select {
		case <-p.more:
		case <-p.ctx.Done():
		}
	}
}

func (p *pipe) Close() error { return nil }

// party is an issuer with a hub, and has all that a verifier needs.
type party struct {
	store  *tailStore
	ring   *signing
	feed   *Feed
	via    *inMemory
	sealer *seal.Sealer
	keys   *keys.Set // keys of the recipient
}

func newParty(t testing.TB) *party {
	t.Helper()
	p := &party{store: newTailStore(), ring: newSigning(), keys: keytest.NewSet(keytest.NewKey(keys.ECDHES))}
	p.feed = need(NewFeed(FeedConfig{Registry: registryFor(p.store, testLifetime), Signing: p.ring, Public: true}))
	p.via = &inMemory{handler: p.feed}
	p.sealer = need(seal.New(seal.Config{
		Issuer: testIssuer, Signing: p.ring, Recipient: seal.Recipient{Audience: "api", Keys: p.keys},
	}))
	return p
}

// registryFor returns a registry for a hub.
func registryFor(store Store, lifetime time.Duration) *Registry {
	kek := need(keyring.NewKEK(bytes.Repeat([]byte{7}, 32)))
	return need(New(Config{Issuer: testIssuer, Store: store, KEK: kek, TokenLifetime: lifetime}))
}

func (p *party) remote(bend ...func(*RemoteConfig)) *Remote {
	cfg := RemoteConfig{URL: "http://localhost/revoked", Issuer: testIssuer, Keys: p.ring, Transport: p.via}
	for _, b := range bend {
		b(&cfg)
	}
	return need(NewRemote(cfg))
}

// run starts a Run that ends with the test.
func run(t testing.TB, work func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		work(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func (p *party) runFeed(t testing.TB) (stop func()) {
	return run(t, func(ctx context.Context) error { return p.feed.Run(ctx, nil) })
}

func (p *party) runRemote(t testing.TB, r *Remote) (stop func()) {
	return run(t, func(ctx context.Context) error { return r.Run(ctx, nil) })
}

// token returns a token of a session. If sid is empty, the token has no session.
func (p *party) token(t testing.TB, sid string) string {
	t.Helper()
	c := seal.Claims{Subject: "u-42"}
	if sid != "" {
		c.Session = seal.Session{ID: sid, NotAfter: time.Now().Add(testLifetime + time.Minute)}
	}
	return need(p.sealer.Seal(t.Context(), c))
}

func (p *party) opener(check func(context.Context, *open.Token) error, bend ...func(*open.Config)) *open.Opener {
	cfg := open.Config{
		Audience: "api", Trust: []open.Issuer{{ID: testIssuer, Keys: p.ring}}, Decryption: p.keys, Check: check,
	}
	for _, b := range bend {
		b(&cfg)
	}
	return need(open.New(cfg))
}

// end ends sessions.
func (p *party) end(t testing.TB, sids ...string) {
	t.Helper()
	for _, sid := range sids {
		if err := p.store.Append(t.Context(), []Ended{endedAt(sid, time.Now().Add(testLifetime+3*time.Minute))}); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *party) get(t testing.TB, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.feed.ServeHTTP(w, r)
	return w
}

func sids(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("sid-%d", i))
	}
	return all
}

func claims() seal.Claims { return seal.Claims{Subject: "u-42"} }
