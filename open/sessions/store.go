package sessions

import (
	"context"
	"errors"
	"time"
)

// Store keeps the sessions of one issuer, the ended ones, and the keys of the registry: in
// memory ([NewMemStore]), or in a database (package sqlstore). It sees no subject, no device
// and no key in the clear.
//
// A Store is safe for concurrent use, by many goroutines and, unless it says otherwise, by
// many processes. Every method is linearizable, and what it has written is durable when it
// returns. Every method ends with its context. An error that is [ErrUnknownOutcome] says that
// the write may or may not have happened; with any other error nothing was written. Every
// implementation must pass the suite in package storetest.
//
// Each revocation gets the next revision: the store counts in one row, inside the transaction
// of the revocation. A sequence does not do: it is drawn before the commit, so a reader sees 6
// before 5 and never sees 5.
type Store interface {
	// LoadKeys returns the document with the registry's keys and the store's word for its
	// version. It returns [ErrNoKeys] when nothing was ever stored.
	LoadKeys(ctx context.Context) (doc []byte, version string, err error)

	// SwapKeys replaces the document if its version is still prev. An empty prev creates. It
	// returns [ErrConflict] when the version is another one by now.
	SwapKeys(ctx context.Context, prev string, doc []byte) (version string, err error)

	// Start adds a session. In the same transaction it ends the oldest sessions of its user
	// that are more than limit, as End does. It returns how many it has ended.
	Start(ctx context.Context, row Row, limit int, until time.Time) (ended int, err error)

	// Get returns a session. It returns [ErrNoSession] for one that is not there.
	Get(ctx context.Context, id ID) (Row, error)

	// List returns the sessions of a user, the oldest first.
	List(ctx context.Context, user User) ([]Row, error)

	// Update replaces the session that has the ID and the Version of row, and gives it the
	// next Version. The User may change: the same person has another index under a new key. It
	// returns [ErrNoSession] for one that is not there: an ended session never comes back. It
	// returns [ErrConflict] when the version is another one by now.
	Update(ctx context.Context, row Row) error

	// End removes the sessions of which, and appends the Entry of each to the ended ones, to be
	// kept until the given time, in one transaction. It returns how many there were.
	End(ctx context.Context, which Which, until time.Time) (ended int, err error)

	// Append adds revocations that belong to no session, in one transaction. An Entry that is
	// kept already stays, with the later of the two times, and gets a new revision if its time
	// changed.
	Append(ctx context.Context, ended []Ended) error

	// Tail returns the revocations after a cursor in the order of their revisions, at most
	// limit. Where the store has no revision of that number and Entry any more, it returns all
	// that it keeps from the first on, with Whole set. The zero Cursor stands before the first,
	// and Whole is not set for it.
	Tail(ctx context.Context, after Cursor, limit int) (Tail, error)

	// Sweep removes the sessions whose Expires, and the revocations whose Until, is before now.
	// The newest revocation stays, since it tells the cursor.
	Sweep(ctx context.Context, now time.Time) error
}

// ID is the id of a session: 128 random bits. Its text is the claim sid.
type ID [16]byte

// User is the keyed hash of a subject. It is the index of a user's sessions and tells nothing
// to a reader who has no key of the registry.
type User [32]byte

// Entry stands for an ended session or a revoked token in the store and in the feed: the first
// 16 bytes of a SHA-256 over its kind, the issuer and the id.
type Entry [16]byte

// Row is a session as a store keeps it. Times are whole seconds of UTC.
type Row struct {
	ID      ID
	User    User
	Entry   Entry     // of the session, which the store appends when the session ends
	Version uint64    // counts the updates; Start stores 1
	Key     string    // id of the registry's key that Sealed, User and the refresh token need
	Sealed  []byte    // the subject and the device, encrypted; at most 4 KiB
	Started time.Time // the login
	Seen    time.Time // the last refresh
	Expires time.Time // the session is dead then, if no refresh moves it

	Generation uint64    // of the refresh token
	Turned     time.Time // when the generation began, with milliseconds
}

// Which selects sessions of one user to end.
type Which struct {
	User User
	IDs  []ID // these; all of the user when empty
	But  ID   // not this one, where IDs is empty; the zero ID spares none
}

// Ended is a revocation to append.
type Ended struct {
	Entry Entry
	Until time.Time // when it may be forgotten, in whole seconds
}

// Revocation is a revocation in the order of a store.
type Revocation struct {
	Ended
	Revision uint64 // the first is 1
}

// Cursor says up to where a reader has read: the last revocation that it saw.
type Cursor struct {
	Revision uint64
	Entry    Entry
}

// Tail is what a store answers to a reader.
type Tail struct {
	Revocations []Revocation
	Whole       bool   // these are from the first that is kept, not from the cursor
	Last        Cursor // the newest revocation of the store, the zero Cursor if there was none
}

// The errors of a Store, for errors.Is.
var (
	ErrNoKeys         = errors.New("sessions: the store has no keys of a registry yet")
	ErrNoSession      = errors.New("sessions: there is no such session")
	ErrConflict       = errors.New("sessions: another process has changed it meanwhile")
	ErrUnknownOutcome = errors.New("sessions: it is not known whether it was written")
)
