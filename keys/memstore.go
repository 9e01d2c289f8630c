package keys

import (
	"bytes"
	"context"
	"strconv"
	"sync"
)

// MemStore returns an empty [Store] that lives in memory and is gone with the
// process: for tests. It passes the suite in package storetest, except that
// nothing it keeps is durable or seen by another process.
func MemStore() Store { return new(memStore) }

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

// version is a counter and no hash of the document: a store in a database
// usually counts too, and a test should not come to rely on equal content
// having an equal version.
func (m *memStore) version() string {
	if m.swaps == 0 {
		return ""
	}
	return strconv.FormatUint(m.swaps, 10)
}
