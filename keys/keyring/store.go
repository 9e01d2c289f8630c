package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// Store keeps one ring document: in a file (package filestore), in memory ([NewMemStore]),
// in a database. It sees an opaque blob that is already encrypted. It never parses the blob
// and holds no key.
//
// A Store is safe for concurrent use, by many goroutines and, unless it says
// otherwise, by many processes. Both methods are linearizable: a Load that
// starts after a Swap returned sees what that Swap wrote, and of two Swaps that
// start from the same version at most one succeeds. What a successful Swap
// wrote is durable when it returns. Every implementation must pass the suite in
// package storetest.
//
// A Ring waits ten seconds at most for each call, and then goes on without it. Both methods
// should end with their context.
type Store interface {
	// Load returns the document and its version. The version is the store's
	// own word for this content. It is never empty and has meaning for Swap only.
	//
	// It returns [ErrNoRing] when nothing was ever stored. After any other error
	// the caller does not know whether there is a ring.
	Load(ctx context.Context) (doc []byte, version string, err error)

	// Swap replaces the document if its version is still prev, and returns the
	// new version. An empty prev creates: it succeeds only if there is no
	// document yet. The store keeps no reference to doc.
	//
	// It returns [ErrConflict] when the version is another one by now (nothing
	// was written; load and decide again), and [ErrUnknownOutcome] when the
	// document may or may not have been written (load and compare). An error that
	// is [ErrNotDurable] too says that the document was written and that a power
	// cut may take it back, which no Load can tell. With any other error nothing
	// was written.
	Swap(ctx context.Context, prev string, doc []byte) (version string, err error)
}

// The errors of a Store, for errors.Is.
var (
	// ErrNoRing says that the store is empty: create a ring first.
	ErrNoRing = errors.New("keyring: there is no ring here yet")

	// ErrConflict says that another process swapped first and nothing was written.
	ErrConflict = errors.New("keyring: another process has changed the ring meanwhile")

	// ErrUnknownOutcome says that the write may or may not have happened.
	ErrUnknownOutcome = errors.New("keyring: it is not known whether the ring was written")

	// ErrNotDurable says that the ring was written, and that a power cut may take the
	// write back. Each is an ErrUnknownOutcome.
	ErrNotDurable = fmt.Errorf("%w for good", ErrUnknownOutcome)
)

// NewMemStore returns an empty [Store] that lives in memory and is gone with the
// process: for tests. It passes the suite in package storetest, except that
// nothing it keeps is durable or seen by another process.
func NewMemStore() Store { return new(memStore) }

type memStore struct {
	mu    sync.Mutex
	doc   []byte
	swaps uint64 // how often doc was written, which makes it the version; 0 is empty
}

func (m *memStore) Load(ctx context.Context) ([]byte, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.swaps == 0 {
		return nil, "", ErrNoRing
	}
	return bytes.Clone(m.doc), m.version(), nil
}

func (m *memStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if prev != m.version() {
		return "", ErrConflict
	}
	m.doc = bytes.Clone(doc)
	m.swaps++
	return m.version(), nil
}

// version returns a counter and not a hash of the document: a store in a database
// usually counts too, and a test should not come to rely on equal content
// having an equal version.
func (m *memStore) version() string {
	if m.swaps == 0 {
		return ""
	}
	return strconv.FormatUint(m.swaps, 10)
}
