package sessions

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

const testIssuer = "https://id.example.com"

var testStart = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: testStart} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newKEK(t testing.TB) keyring.KEK {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	return must(keyring.NewKEK(key))(t)
}

func testConfig(t testing.TB, store Store) Config {
	t.Helper()
	return Config{Issuer: testIssuer, Store: store, KEK: newKEK(t), TokenLifetime: 15 * time.Minute}
}

// registryOf returns a registry with a clock of the test.
func registryOf(t testing.TB, cfg Config, c *clock) *Registry {
	t.Helper()
	r := must(New(cfg))(t)
	r.now = c.now
	return r
}

// login starts a session.
func login(t testing.TB, r *Registry, subject string) (Session, string) {
	t.Helper()
	s, token, err := r.Start(t.Context(), subject, Device{Name: "Ada's phone", Agent: "Mozilla/5.0", Addr: "203.0.113.77:4711"})
	if err != nil {
		t.Fatal(err)
	}
	return s, token
}

func refreshed(t testing.TB, r *Registry, token string) (Session, string) {
	t.Helper()
	s, next, err := r.Refresh(t.Context(), token)
	if err != nil {
		t.Fatalf("Refresh: %v", err)
	}
	return s, next
}

func wantRefresh(t testing.TB, r *Registry, token string, want error) {
	t.Helper()
	s, next, err := r.Refresh(t.Context(), token)
	if !errors.Is(err, want) || s != (Session{}) || next != "" {
		t.Errorf("Refresh returns %+v, %q, %v, want %v and nothing else", s, next, err, want)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

// hooked is a store whose methods call hooks: before a write, or after a read.
type hooked struct {
	Store
	beforeUpdate func()
	afterUpdate  func(error) error
	afterGet     func(*Row)
	afterList    func()
	end          func(Which) (int, error, bool)
}

func (h *hooked) Get(ctx context.Context, id ID) (Row, error) {
	row, err := h.Store.Get(ctx, id)
	if err == nil && h.afterGet != nil {
		h.afterGet(&row)
	}
	return row, err
}

func (h *hooked) List(ctx context.Context, user User) ([]Row, error) {
	rows, err := h.Store.List(ctx, user)
	if h.afterList != nil {
		h.afterList()
	}
	return rows, err
}

func (h *hooked) Update(ctx context.Context, row Row) error {
	if h.beforeUpdate != nil {
		h.beforeUpdate()
	}
	err := h.Store.Update(ctx, row)
	if h.afterUpdate != nil {
		err = h.afterUpdate(err)
	}
	return err
}

func (h *hooked) End(ctx context.Context, which Which, until time.Time) (int, error) {
	if h.end != nil {
		if n, err, done := h.end(which); done {
			return n, err
		}
	}
	return h.Store.End(ctx, which, until)
}
