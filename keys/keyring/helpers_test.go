package keyring

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// testKEK has 32 bytes. They are not secret.
var testKEK = []byte("0123456789abcdefghijklmnopqrstuv")

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// rawKey returns the KEK of the rings that newRing makes.
func rawKey(t testing.TB) KEK {
	t.Helper()
	return must(NewKEK(testKEK))(t)
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	return must(os.ReadFile(filepath.Join("../../testdata", name)))(t)
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// clock is a clock that moves only when a test moves it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

// testStart is the time at which a new clock stands.
var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newClock() *clock { return &clock{t: testStart} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// off returns another clock, which differs from c by d.
func (c *clock) off(d time.Duration) func() time.Time {
	return func() time.Time { return c.now().Add(d) }
}

// testStore is a MemStore that counts, keeps every generation, and fails if a test says so.
type testStore struct {
	Store
	mu       sync.Mutex
	loads    int
	load     func() error                                                     // if it returns an error, Load returns that
	swap     func(ctx context.Context, prev string, doc []byte) (bool, error) // replaces a Swap if it returns true
	written  [][]byte
	attempts [][]byte
}

func newTestStore() *testStore { return &testStore{Store: NewMemStore()} }

func (s *testStore) Load(ctx context.Context) ([]byte, string, error) {
	s.mu.Lock()
	s.loads++
	load := s.load
	s.mu.Unlock()
	if load != nil {
		if err := load(); err != nil {
			return nil, "", err
		}
	}
	return s.Store.Load(ctx)
}

func (s *testStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	s.mu.Lock()
	swap := s.swap
	s.attempts = append(s.attempts, bytes.Clone(doc))
	s.mu.Unlock()
	if swap != nil {
		if done, err := swap(ctx, prev, doc); done {
			return "", err
		}
	}
	return s.put(ctx, prev, doc)
}

// put makes a Swap that never fails on purpose.
func (s *testStore) put(ctx context.Context, prev string, doc []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version, err := s.Store.Swap(ctx, prev, doc)
	if err == nil {
		s.written = append(s.written, bytes.Clone(doc))
	}
	return version, err
}

// once makes swap replace the next Swap only.
func (s *testStore) once(swap func(ctx context.Context, prev string, doc []byte) (bool, error)) {
	s.setSwap(func(ctx context.Context, prev string, doc []byte) (bool, error) {
		s.setSwap(nil)
		return swap(ctx, prev, doc)
	})
}

func (s *testStore) setSwap(swap func(ctx context.Context, prev string, doc []byte) (bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swap = swap
}

func (s *testStore) setLoad(load func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load = load
}

func (s *testStore) generations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.written)
}

// restore writes an earlier document back.
func (s *testStore) restore(t testing.TB, doc []byte) {
	t.Helper()
	_, version, err := s.Store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	must(s.Store.Swap(t.Context(), version, doc))(t)
}

// setDown makes every Load return err. nil ends that.
func (s *testStore) setDown(err error) {
	if err == nil {
		s.setLoad(nil)
		return
	}
	s.setLoad(func() error { return err })
}

// put overwrites the document of a store, like another process with the file.
func put(t testing.TB, s Store, doc []byte) {
	t.Helper()
	_, version, err := s.Load(t.Context())
	if err != nil && !errors.Is(err, ErrNoRing) {
		t.Fatal(err)
	}
	must(s.Swap(t.Context(), version, doc))(t)
}

func blobOf(t testing.TB, s Store) []byte {
	t.Helper()
	doc, _, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func storeWith(t testing.TB, doc []byte) Store {
	t.Helper()
	s := NewMemStore()
	put(t, s, doc)
	return s
}

// newRing makes a ring with the default policy in s.
func newRing(t testing.TB, s Store, now func() time.Time) *Ring {
	t.Helper()
	return must(createAt(t.Context(), Config{Store: s, KEK: rawKey(t)}, now))(t)
}

// openRing opens the ring in s like another process.
func openRing(t testing.TB, s Store, now func() time.Time) *Ring {
	t.Helper()
	return must(openAt(t.Context(), Config{Store: s, KEK: rawKey(t)}, now))(t)
}

// activeID returns the kid of a ring's active key for a use, or an empty text.
func activeID(r *Ring, use keys.Use) string {
	for _, k := range r.snapshot.Load().document.Keys {
		if k.Use == use && k.State == Active {
			return k.ID
		}
	}
	return ""
}

func keyCount(r *Ring) int { return len(r.snapshot.Load().document.Keys) }

// seal encrypts d under the test KEK. The result is as valid as d.
func seal(t testing.TB, d *document) []byte {
	t.Helper()
	key := newRingKey()
	slots := []slot{{KEK: rawKey(t).ID(), JWE: wrapJWE(rawKey(t), key())(t)}}
	return must(sealBlob(d, slots, key))(t)
}

// slowStore tells when a Load has begun and delays it until a test releases it.
type slowStore struct {
	Store
	entered, release chan struct{}
}

func (s slowStore) Load(ctx context.Context) ([]byte, string, error) {
	select {
	case s.entered <- struct{}{}:
	case <-s.release:
	}
	<-s.release
	return s.Store.Load(ctx)
}
