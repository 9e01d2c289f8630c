// Package ringmove moves a ring from one store to another, such as from a file to a database, so
// that at no moment, and after no crash, two stores hold a ring that lives. It is what keys copy of
// the command does.
//
// A move has three writes, each by compare-and-swap:
//
//  1. The new store gets a document that holds the ring and is none.
//  2. The old store gets a mark in place of its ring, which names the new place.
//  3. The new store gets the ring.
//
// Every version of sealjwt refuses the documents of the first two, so that between the writes one
// ring lives or none. [Move] with the same places goes on from where another one has stopped. The
// mark is not signed: a person who can write the store can write one, and can delete the ring too.
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

// Error says that a store holds no ring because of a move. It is a [keyring.ErrUnreadable].
type Error struct {
	To   string // the place to which the ring was moved, empty in the other case
	From string // the place from which a ring comes, while the move has not ended
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

// Check returns an [*Error] if the document of a store stands there because of a move, and nil for
// every other document.
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

// Move moves the ring. It calls check with the document before it writes it anywhere, and goes no
// further with an error: check opens the document with the KEK, and compares it with the memory of
// the ring.
//
// It returns [keyring.ErrNoRing] for an empty old store, [keyring.ErrExists] where the new store
// holds anything but a mark that names the old place, or what an earlier Move of the same places
// has left, an [*Error] for a ring that was moved already or that comes from a move which has not
// ended, [keyring.ErrConfig] for a place without a store, and for a name that is empty, longer than
// 4096 bytes or not printable, [keyring.ErrConflict] where the ring changes again and again, and the
// errors of check and of the stores. After [keyring.ErrUnknownOutcome] call Move again. With every
// error one ring lives at most, and its keys are in one store at least.
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

// try goes on with the move from where it stands. It returns [keyring.ErrConflict] where another
// process has written meanwhile.
func (m *move) try(ctx context.Context) error {
	// The new store first: what it holds is then no newer than the ring that is read next. Thus a
	// write there, which compares its version, never puts back an older ring.
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
	case len(there) == 0, coming.To == m.from.Name: // nothing is lost
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

// finish ends a move that has stopped before its last write.
func (m *move) finish(ctx context.Context, version string, doc []byte) error {
	if err := m.check(ctx, doc); err != nil {
		return err
	}
	return m.write(ctx, version, doc)
}

func (m *move) write(ctx context.Context, version string, doc []byte) error {
	_, err := m.to.Store.Swap(ctx, version, doc)
	if errors.Is(err, keyring.ErrConflict) {
		// Another process may have ended the move.
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
