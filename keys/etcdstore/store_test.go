package etcdstore_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/sealjwt/sealjwt/keys/etcdstore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/storetest"
)

func newStore(t testing.TB, client *clientv3.Client, key string) *etcdstore.Store {
	t.Helper()
	s, err := etcdstore.New(client, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The tests that do not disturb the servers share a cluster.
func TestHealthy(t *testing.T) {
	c := newCluster(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *cluster)
	}{
		{"Store", testStore},
		{"Versions", testVersions},
		{"LostAnswer", testLostAnswer},
		{"CallerGoesAway", testCallerGoesAway},
		{"Watch", testWatch},
		{"Revoked", testRevoked},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c) })
	}
}

// testStore runs the suite that every store must pass. In the shared form each handle has a client
// of its own, for one server.
func testStore(t *testing.T, c *cluster) {
	var places atomic.Int64
	key := func() string { return fmt.Sprintf("/test/ring-%d", places.Add(1)) }
	all := newClient(t, c.clients...)
	t.Run("One", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) keyring.Store { return newStore(t, all, key()) })
	})
	t.Run("Shared", func(t *testing.T) {
		storetest.RunShared(t, func(t *testing.T) func() keyring.Store {
			place, next := key(), 0
			return func() keyring.Store {
				next++
				return newStore(t, newClient(t, c.clients[next%nodes]), place)
			}
		})
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := etcdstore.New(nil, "/ring"); !errors.Is(err, keyring.ErrConfig) {
		t.Errorf("a nil client: %v", err)
	}
	for _, s := range []*etcdstore.Store{nil, {}} {
		_, _, loaded := s.Load(t.Context())
		_, swapped := s.Swap(t.Context(), "", []byte("a ring"))
		for _, err := range []error{loaded, swapped, s.Watch(t.Context(), func(bool) {})} {
			if !errors.Is(err, keyring.ErrConfig) {
				t.Errorf("a nil or zero Store: %v", err)
			}
		}
	}
	client := newClient(t, "127.0.0.1:1")
	if _, err := etcdstore.New(client, ""); !errors.Is(err, keyring.ErrConfig) {
		t.Errorf("an empty key: %v", err)
	}
}

// testVersions checks old versions after a ring was deleted and made again, or came back from a
// backup. An old version counts only if the ring is the same.
func testVersions(t *testing.T, c *cluster) {
	const key = "/versions"
	client := newClient(t, c.clients...)
	s := newStore(t, client, key)
	swap := func(prev, doc string) string {
		t.Helper()
		v, err := s.Swap(t.Context(), prev, []byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	conflict := func(prev string) {
		t.Helper()
		if v, err := s.Swap(t.Context(), prev, []byte("from the past")); !errors.Is(err, keyring.ErrConflict) {
			t.Errorf("swap from %q: version %q, error %v", prev, v, err)
		}
	}
	first := swap("", "a ring")
	if _, err := client.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	conflict(first)
	second := swap("", "a ring")
	if first == second {
		t.Error("a ring that was made again has the old version")
	}
	conflict(first)
	if _, err := client.Put(t.Context(), key, "another ring"); err != nil { // an operator restores a ring in this way
		t.Fatal(err)
	}
	conflict(second)

	// After a restored snapshot a revision occurs again, with another value.
	_, v, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := []byte(v)
	other[len(other)-1] ^= 1 // the same revision with the digest of another value
	conflict(string(other))
}

// If etcd refuses a write, the error says what the operator can do.
func TestRefusals(t *testing.T) {
	beside(t)
	c := newCluster(t, "--quota-backend-bytes", "16777216")
	client := newClient(t, c.clients...)
	s := newStore(t, client, "/ring")
	t.Run("large", func(t *testing.T) {
		for _, size := range []int{3 << 19, 3 << 20} { // the server refuses the first, and the client the second
			if _, err := s.Swap(t.Context(), "", make([]byte, size)); !errors.Is(err, etcdstore.ErrTooLarge) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		if _, _, err := s.Load(t.Context()); !errors.Is(err, keyring.ErrNoRing) {
			t.Errorf("after a refusal: %v", err)
		}
	})
	t.Run("full", func(t *testing.T) {
		// etcd makes the write that exceeds the quota, although it answers with an error.
		doc, version, written := make([]byte, 1<<20), "", 0
		var err error
		for doc[0] = 1; err == nil && doc[0] < 100; doc[0]++ {
			var next string
			if next, err = s.Swap(t.Context(), version, doc); err == nil {
				version = next
				written++
			}
		}
		if !errors.Is(err, rpctypes.ErrNoSpace) || errors.Is(err, keyring.ErrUnknownOutcome) || written < 3 {
			t.Fatalf("%d were written, then %v", written, err)
		}
		got, v, err := s.Load(t.Context())
		if err != nil || v != version || int(got[0]) != written {
			t.Errorf("version %q, want %q, error %v", v, version, err)
		}
	})
}
