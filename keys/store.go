package keys

import (
	"context"
	"errors"
)

// Store keeps one ring document somewhere: in a file (package filestore), in
// memory ([MemStore]), in a database. It sees an opaque blob that is already
// encrypted; it never parses it and holds no key.
//
// A Store is safe for concurrent use, by many goroutines and, unless it says
// otherwise, by many processes. Both methods are linearizable: a Load that
// starts after a Swap returned sees what that Swap wrote, and of two Swaps that
// start from the same version at most one succeeds. What a successful Swap
// wrote is durable when it returns. Every implementation must pass the suite in
// package storetest.
type Store interface {
	// Load returns the document and its version. The version is the store's
	// own word for this content, never empty, and has meaning for Swap only.
	//
	// It returns [ErrNoRing] when nothing was ever stored; any other error
	// means that nobody knows whether there is a ring.
	Load(ctx context.Context) (doc []byte, version string, err error)

	// Swap replaces the document if its version is still prev, and returns the
	// new version. An empty prev creates: it succeeds only if there is no
	// document yet. The store keeps no reference to doc.
	//
	// It returns [ErrConflict] when the version is another one by now (nothing
	// was written; load and decide again), and [ErrUnknownOutcome] when the
	// document may or may not have been written (load and compare). With any
	// other error nothing was written.
	Swap(ctx context.Context, prev string, doc []byte) (version string, err error)
}

// What a Store answers when it cannot do as asked. Callers tell them apart with
// errors.Is.
var (
	// ErrNoRing says that the store is empty: create a ring first.
	ErrNoRing = errors.New("keys: there is no ring here yet")

	// ErrConflict says that somebody else swapped first and nothing was written.
	ErrConflict = errors.New("keys: the ring was changed by somebody else meanwhile")

	// ErrUnknownOutcome says that the write may or may not have happened.
	ErrUnknownOutcome = errors.New("keys: it is not known whether the ring was written")
)
