// Package ringmove moves a ring from one store to another, such as from a file to a database,
// so that never, not even after a crash, two stores hold a ring that can be used. The command
// "sealjwt keys copy" uses it.
//
// A move has three writes, each by compare-and-swap:
//
//  1. The new store gets a document that holds the ring, but is not a ring itself.
//  2. The old store gets a mark in place of its ring, which names the new place.
//  3. The new store gets the ring.
//
// Every version of sealjwt refuses to open the documents of the first two writes as a ring. So
// between the writes at most one of the stores has a ring that can be used. If a move stops half
// way, a second [Move] with the same places goes on from there. If the ring goes elsewhere instead,
// the document of the first write is of no use any more: a Move from the old place finds that out,
// and leaves a document there that counts as an empty store.
//
// The documents name the ring in clear, by its [keyring.Checkpoint]. Only the ring that it names,
// or a later state of that ring, replaces such a document. The mark is not signed: a person who
// can write to the store could forge a mark, but that person could delete the ring too.
package ringmove

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/moved"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Error says that a store holds no ring because of a move. Its fields are texts:
//
//   - To is the name of the place to which the ring was moved, and empty if From is set.
//   - From is the name of the place from which a ring is being moved to here, and empty if To is
//     set.
//   - Where is the Where of that place, which may be empty.
//
// Its method Place returns the name together with Where. It is an [ErrMoved] and a
// [keyring.ErrUnreadable]. [keyring.Open] and the methods of a Ring return it too.
type Error = moved.Error

// The errors of a move, for errors.Is.
var (
	// ErrMoved says that a store holds no ring because of a move. Each is an [*Error].
	ErrMoved = moved.ErrMoved

	// ErrStopped says that a move may have begun and has not ended. Call Move again.
	ErrStopped = errors.New("ringmove: the ring was not moved, or not to the end")
)

// Check returns an [*Error] if a document from a store is a mark or the first document of a
// move, [keyring.ErrNoRing] if the document counts as an empty store, and nil for every other
// document.
func Check(doc []byte) error {
	d, ok := moved.Parse(doc)
	switch {
	case !ok:
		return nil
	case d.IsVoid():
		return keyring.ErrNoRing
	}
	return d.Err()
}

// Place is a store and its name for people, such as postgres:idp or the path of a file. The name
// stands in the documents of a move, readable for everyone who reads the store.
type Place struct {
	Name  string
	Store keyring.Store

	// Where tells the place from all other places, also from those with the same name in another
	// database or on another machine. It is a text without secrets, which people read too. It may
	// be empty. Then a later Move cannot clear what a Move from this place has left that will
	// never end.
	Where string
}

func (p Place) isValid() bool {
	return !nilcheck.IsNil(p.Store) && moved.IsPlace(p.Name) && (p.Where == "" || moved.IsPlace(p.Where))
}

// maxTries bounds how often Move begins again because the ring has changed meanwhile.
const maxTries = 20

// Move moves the ring. Before it writes the document anywhere, it calls open with a Config whose
// Store has a copy of the document. open should add the KEK and, if the Config has no Memory, the
// memory of the ring, and call [keyring.Open]. If an earlier Move has moved the ring already, Move
// returns nil.
//
// It returns
//   - [keyring.ErrNoRing] for an empty old store;
//   - [keyring.ErrExists] where the new store holds a ring, or the mark of another ring;
//   - an [*Error] for a ring that was moved elsewhere, and where the move of another ring to the
//     new store, or of a ring to the old store, has not ended;
//   - [keyring.ErrConfig] for a place without a store, for a nil open, and for a name that is
//     empty, longer than 4096 bytes or not printable, which holds for Where too unless it is empty;
//   - [keyring.ErrConflict] where the ring changes again and again;
//   - [ErrStopped] beside an error of a store after which something may have been written;
//   - the errors of open and of the stores.
//
// After every error at most one store has a ring that can be used, and at least one store has the
// keys of the ring.
func Move(ctx context.Context, from, to Place, open func(context.Context, keyring.Config) (*keyring.Ring, error)) error {
	if !from.isValid() || !to.isValid() || open == nil {
		return fmt.Errorf("%w: a move needs two stores with names that can be printed, and a function that opens a ring", keyring.ErrConfig)
	}
	m := &move{from: from, to: to, opens: open}
	for range maxTries {
		err := m.try(ctx)
		if !errors.Is(err, keyring.ErrConflict) {
			return m.hasBegun(err)
		}
	}
	return m.hasBegun(fmt.Errorf("%w, again and again: stop what writes it", keyring.ErrConflict))
}
