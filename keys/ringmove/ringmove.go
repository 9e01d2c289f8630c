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
// way, a second [Move] with the same places goes on from there. The mark is not signed: a person
// who can write to the store could forge a mark, but that person could delete the ring too.
package ringmove

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/moved"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Error says that a store holds no ring because the ring was moved, or because a move has not
// ended. It is a [keyring.ErrUnreadable].
type Error struct {
	To   string // the place to which the ring was moved; empty if From is set
	From string // the place from which a ring is being moved to here; empty if To is set
}

// Error says what became of the ring.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	return "ringmove: " + moved.Document{To: e.To, From: e.From}.Text()
}

// Is reports whether target is [keyring.ErrUnreadable].
func (e *Error) Is(target error) bool { return target == keyring.ErrUnreadable }

// Check returns an [*Error] if a document from a store is a mark or the first document of a
// move, and nil for every other document.
func Check(doc []byte) error {
	if d, ok := moved.Parse(doc); ok {
		return &Error{To: d.To, From: d.From}
	}
	return nil
}

// Place is a store and its name for people, such as postgres:idp or the path of a file. The name
// stands in the documents of a move, readable for everyone who reads the store.
type Place struct {
	Name  string
	Store keyring.Store
}

// maxTries bounds how often Move begins again because the ring has changed meanwhile.
const maxTries = 20

// Move moves the ring. It calls check with the document of the ring before it writes the
// document anywhere, and stops with the error of check. check should open the document with the
// KEK, and compare it with the memory of the ring.
//
// It returns [keyring.ErrNoRing] for an empty old store, [keyring.ErrExists] where the new
// store holds anything but a mark that names the old place, or what an earlier Move of the same
// places has left, an [*Error] for a ring that was moved already or that comes from a move
// which has not ended, [keyring.ErrConfig] for a place without a store, for a nil check and for a
// name that is empty, longer than 4096 bytes or not printable, [keyring.ErrConflict] where the ring
// changes again and again, and the errors of check and of the stores. After
// [keyring.ErrUnknownOutcome] call Move again. After every error at most one store has a ring that
// can be used, and at least one store has the keys of the ring.
func Move(ctx context.Context, from, to Place, check func(ctx context.Context, doc []byte) error) error {
	for _, p := range []Place{from, to} {
		if nilcheck.IsNil(p.Store) || !moved.IsPlace(p.Name) || check == nil {
			return fmt.Errorf("%w: a move needs two stores with names that can be printed, and a check", keyring.ErrConfig)
		}
	}
	m := &move{from, to, check}
	for range maxTries {
		err := m.try(ctx)
		if !errors.Is(err, keyring.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%w, again and again: stop what writes it", keyring.ErrConflict)
}

type move struct {
	from, to Place
	check    func(context.Context, []byte) error
}

// try makes the writes of the move that are not made yet. It returns [keyring.ErrConflict]
// where another process has written meanwhile.
func (m *move) try(ctx context.Context) error {
	// The new store is read before the old one. If another process finishes the move in between,
	// the new store has another version than the one that was read. A write of this process to the
	// new store then conflicts, so it cannot put an older ring over a newer one.
	there, version, err := m.to.Store.Load(ctx)
	if err != nil && !errors.Is(err, keyring.ErrNoRing) {
		return err
	}
	doc, old, err := m.from.Store.Load(ctx)
	if err != nil {
		return err
	}
	coming, _ := moved.Parse(there)
	mark, isMark := moved.Parse(doc)
	switch {
	case isMark && mark.To == m.to.Name && coming.From == m.from.Name && coming.Move == mark.Move:
		return m.finish(ctx, version, []byte(coming.Ring))
	case isMark:
		return &Error{To: mark.To, From: mark.From}
	}
	id := rand.Text()
	switch {
	case len(there) == 0, coming.To == m.from.Name:
		// The new store is empty, or has the mark of a move to the old place: no ring is lost.
	case coming.From == m.from.Name:
		id = coming.Move
	case coming.From != "":
		return &Error{From: coming.From}
	default:
		return keyring.ErrExists
	}
	if err := m.check(ctx, doc); err != nil {
		return err
	}
	if version, err = swap(ctx, m.to.Store, version, moved.Document{Move: id, From: m.from.Name, Ring: string(doc)}); err != nil {
		return err
	}
	if _, err = swap(ctx, m.from.Store, old, moved.Document{Move: id, To: m.to.Name}); err != nil {
		return err
	}
	return m.write(ctx, version, doc)
}

// finish makes the last write of a move that stopped before it.
func (m *move) finish(ctx context.Context, version string, doc []byte) error {
	if err := m.check(ctx, doc); err != nil {
		return err
	}
	return m.write(ctx, version, doc)
}

func (m *move) write(ctx context.Context, version string, doc []byte) error {
	_, err := m.to.Store.Swap(ctx, version, doc)
	if errors.Is(err, keyring.ErrConflict) {
		// Another process may have made the last write.
		if there, _, loadErr := m.to.Store.Load(ctx); loadErr == nil && string(there) == string(doc) {
			return nil
		}
	}
	return err
}

func swap(ctx context.Context, s keyring.Store, prev string, d moved.Document) (version string, err error) {
	doc, err := d.Encode()
	if err != nil {
		return "", err
	}
	return s.Swap(ctx, prev, doc)
}
