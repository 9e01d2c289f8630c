package etcdstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// ErrTooLarge says that the ring does not fit into one request. Nothing was written.
var ErrTooLarge = errors.New("etcdstore: etcd does not take a ring of this size: " +
	"start its servers with a larger --max-request-bytes (1.5 MiB by default)")

// Store is a [keyring.Store] and a [keyring.Watcher] whose ring is the value of one key of an
// etcd cluster. It is safe for concurrent use.
type Store struct {
	client *clientv3.Client
	key    string
}

// New returns the store whose ring is the value of a key, such as "/idp/ring". It asks no
// server. The client, which the caller configures and closes, brings the servers, TLS and the
// credentials. Give it all servers, DialKeepAliveTime and DialKeepAliveTimeout; see the example.
//
// It returns [keyring.ErrConfig] for a nil client and for an empty key.
func New(client *clientv3.Client, key string) (*Store, error) {
	if client == nil {
		return nil, fmt.Errorf("%w: the etcd client is nil: make one with clientv3.New", keyring.ErrConfig)
	}
	if key == "" {
		return nil, fmt.Errorf("%w: the etcd key is empty: give the ring a key of its own", keyring.ErrConfig)
	}
	return &Store{client, key}, nil
}

// check returns an error for a Store that New has not made.
func (s *Store) check() error {
	if s == nil || s.client == nil {
		return fmt.Errorf("%w: a nil or zero Store has no client: use etcdstore.New", keyring.ErrConfig)
	}
	return nil
}

// patience has the time limits of the first, second and third attempt of a call. If a server hangs,
// the first attempt ends after a second, and the client sends the next attempt to another server.
var patience = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

const (
	// maxSwap bounds all attempts of a Swap. That is long enough for the cluster to elect a new
	// leader, which takes a second or two.
	maxSwap = 8 * time.Second
	// The pause between two attempts of a Swap doubles from firstPause to maxPause.
	firstPause, maxPause = 50 * time.Millisecond, 500 * time.Millisecond
)

// version names a value of the key by its revision and a digest. The revision alone does not
// suffice: after a restore etcd uses the same revision for another document. With the digest an
// old version never names that document.
func version(kv *mvccpb.KeyValue) string {
	return versionOf(kv.ModRevision, kv.Value)
}

func versionOf(revision int64, doc []byte) string {
	digest := sha256.Sum256(doc)
	return fmt.Sprintf("%d-%x", revision, digest[:16])
}

// Load returns the ring by a linearizable read, which a server that is cut off from the majority
// cannot answer. It tries for seven seconds if ctx leaves the time. It returns [keyring.ErrNoRing]
// when the key does not exist, [keyring.ErrConfig] for a nil or zero Store, and the errors of the
// client.
func (s *Store) Load(ctx context.Context) (doc []byte, v string, err error) {
	kv, err := s.get(ctx)
	switch {
	case err != nil:
		return nil, "", err
	case kv == nil:
		return nil, "", keyring.ErrNoRing
	}
	return kv.Value, version(kv), nil
}

// get returns the value and the revision of the key, and nil if the key does not exist.
func (s *Store) get(ctx context.Context, options ...clientv3.OpOption) (kv *mvccpb.KeyValue, err error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	for _, limit := range patience {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var answer *clientv3.GetResponse
		err = within(ctx, limit, func(ctx context.Context) (err error) {
			answer, err = s.client.Get(ctx, s.key, options...)
			return err
		})
		switch {
		case err == nil && len(answer.Kvs) == 0:
			return nil, nil
		case err == nil:
			return answer.Kvs[0], nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("etcdstore: the ring cannot be read: %w", err)
		}
	}
	return nil, fmt.Errorf("etcdstore: no etcd server has answered: %w", err)
}

// within calls f with a time limit, and with a context that makes a server without a leader
// refuse the request at once.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), limit)
	defer cancel()
	return f(ctx)
}

// Swap replaces the value in a transaction that compares the revision. When the answer of a
// server is lost, Swap asks again: a second transaction from the same version either writes the
// ring, or finds that the first one, or another process, has written. In the second case Swap
// looks in the history of the key for its own document. Swap tries for eight seconds if ctx leaves
// the time.
//
// It returns [keyring.ErrConflict] when the version is another one, [keyring.ErrUnknownOutcome]
// when no server answered a write in time, or when after a lost answer the key was deleted, was
// changed often, or lost its history to a compaction, [ErrTooLarge], [keyring.ErrConfig] for a nil
// or zero Store, and the errors of the client.
func (s *Store) Swap(ctx context.Context, prev string, doc []byte) (v string, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxSwap)
	defer cancel()
	var lost error // the error of the last attempt that may have written
	pause := firstPause
	for n := 0; ; n++ {
		limit := patience[min(n, len(patience)-1)]
		if v, err = s.attempt(ctx, prev, doc, limit, lost != nil); err == nil {
			return v, nil
		}
		answerLost := errors.Is(err, errLost)
		if !answerLost && lost == nil {
			return "", err
		}
		if errors.Is(err, keyring.ErrConflict) || errors.Is(err, keyring.ErrUnknownOutcome) {
			return "", err
		}
		if answerLost {
			lost = err
		}
		if ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
	return "", fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, lost)
}

// errLost says that a transaction was sent and that it is not known whether it has written.
var errLost = errors.New("etcdstore: etcd has not answered a write")

// attempt tries a swap once. again says that the answer of an earlier attempt was lost: then
// attempt also succeeds if doc is among the values that the key has had since prev.
func (s *Store) attempt(ctx context.Context, prev string, doc []byte, limit time.Duration, again bool) (string, error) {
	old, err := s.get(ctx)
	if err != nil {
		return "", err
	}
	revision, found := int64(0), ""
	if old != nil {
		revision, found = old.ModRevision, version(old)
	}
	if found != prev {
		if again {
			return s.outcome(ctx, old, prev, doc)
		}
		return "", keyring.ErrConflict
	}
	var answer *clientv3.TxnResponse
	err = within(ctx, limit, func(ctx context.Context) (err error) {
		answer, err = s.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(s.key), "=", revision)). // 0 if there is no key
			Then(clientv3.OpPut(s.key, string(doc))).
			Commit()
		return err
	})
	switch {
	case err == nil && answer.Succeeded:
		return versionOf(answer.Header.Revision, doc), nil
	case err == nil && again: // the lost attempt may have changed the key
		return "", fmt.Errorf("%w: the ring has changed meanwhile", errLost)
	case err == nil:
		return "", keyring.ErrConflict
	case errors.Is(err, rpctypes.ErrNoSpace):
		return s.afterNoSpace(ctx, prev, doc, err)
	}
	return "", refusal(err, len(doc))
}

// maxSteps is the largest number of values of the key that outcome compares.
const maxSteps = 32
