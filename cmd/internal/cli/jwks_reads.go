package cli

import (
	"context"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// reads is a store that keeps when the ring was last read from it, for requests, for the rotation
// and for metrics. A Ring does not tell.
//
// A document that the Ring refuses, such as an old copy, is not a read. The Ring decides that
// after Load has returned, so a Load counts only if it returns a version that the Ring has taken.
type reads struct {
	keyring.Store

	mu     sync.Mutex
	loaded read // the last Load that succeeded
	taken  read // the last Load of a version that the ring took
}

type read struct {
	version string
	at      time.Time // before the Load: the document may have changed right afterwards
}

func (r *reads) Load(ctx context.Context) ([]byte, string, error) {
	began := time.Now()
	doc, version, err := r.Store.Load(ctx)
	if err != nil {
		return nil, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded = read{version, began}
	if version == r.taken.version {
		r.taken = r.loaded
	}
	return doc, version, nil
}

// take says that the ring has taken the document that was loaded last.
func (r *reads) take() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = r.loaded
}

// age returns how long ago the ring was read.
func (r *reads) age() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.taken.at)
}

// watchedReads are the reads of a store that tells when its document may have changed.
type watchedReads struct {
	*reads
	keyring.Watcher
}

// newReads returns the reads of a store, and the store that counts them.
func newReads(store keyring.Store) (*reads, keyring.Store) {
	r := &reads{Store: store}
	if w, ok := store.(keyring.Watcher); ok {
		return r, watchedReads{r, w}
	}
	return r, r
}

// openRead opens the ring as openRing does, and returns when it is read.
func (a *App) openRead(ctx context.Context) (ring *keyring.Ring, r *reads, err error) {
	ring, err = a.openRingIn(ctx, func(store keyring.Store) (counts keyring.Store) {
		r, counts = newReads(store)
		return counts
	})
	if err != nil {
		return nil, nil, err
	}
	r.take()
	return ring, r, nil
}
