package sessions

import (
	"context"
	"errors"
	"time"
)

// Store keeps the sessions of one issuer, the revocations of ended sessions and of tokens, and the
// keys of the registry: in memory ([NewMemStore]), or in a database (package sqlstore). It sees no
// subject, no device and no key in the clear.
//
// A Store is safe for concurrent use, by many goroutines and, unless it says otherwise, by many
// processes. Every method is linearizable, and what it has written is durable when it returns.
// Every method returns when its context ends. An error that is [ErrUnknownOutcome] says that the
// write may or may not have happened; with any other error nothing was written. Every
// implementation must pass the suite in package storetest.
//
// Each revocation gets the next revision. A database must count revisions in one row, inside the
// transaction of the revocation, and must not use a sequence: a sequence gives the number before
// the commit, so a reader may see revision 6 before 5, go on after 6 and never see 5.
type Store interface {
	// LoadKeys returns the document with the registry's keys, and its version, a text that the
	// store chooses. It returns [ErrNoKeys] when no document was ever stored.
	LoadKeys(ctx context.Context) (doc []byte, version string, err error)

	// SwapKeys replaces the document if its version is still prev, and returns the new version.
	// With an empty prev it creates the document. It returns [ErrConflict] when the version is
	// not prev, or when prev is empty and there is a document.
	SwapKeys(ctx context.Context, prev string, doc []byte) (version string, err error)

	// Start adds a session. If its user then has more than limit sessions, Start ends the
	// oldest ones in the same transaction, as End does, but never the new session. It returns
	// how many it has ended.
	Start(ctx context.Context, row Row, limit int, until time.Time) (ended int, err error)

	// Get returns a session. It returns [ErrNoSession] for one that is not there.
	Get(ctx context.Context, id ID) (Row, error)

	// List returns the sessions of a user, the oldest first.
	List(ctx context.Context, user User) ([]Row, error)

	// Update replaces the session that has the ID and the Version of row, and gives it the
	// next Version. The User may change: the same person has another index under a new key.
	// Update returns [ErrNoSession] without a session of that ID, so an ended session never
	// comes back. It returns [ErrConflict] when the session has another Version.
	Update(ctx context.Context, row Row) error

	// End removes the sessions that the parameter which selects, and appends the Entry of each
	// to the revocations, to be kept until the given time, in one transaction. It returns how
	// many sessions it has removed.
	End(ctx context.Context, which Which, until time.Time) (ended int, err error)

	// Append adds revocations and removes no session, in one transaction. An Entry that is kept
	// already stays, with the later of the two times, and gets a new revision if its time changed.
	Append(ctx context.Context, ended []Ended) error

	// Tail returns the revocations after a cursor in the order of their revisions, at most
	// limit of them. If the store no longer has a revocation with the Revision and Entry of the
	// cursor, Tail begins with the first revocation that the store keeps, and sets Whole. The
	// zero Cursor stands before the first revocation; for it Whole is not set.
	Tail(ctx context.Context, after Cursor, limit int) (Tail, error)

	// Sweep removes the sessions whose Expires, and the revocations whose Until, is before now.
	// It keeps the newest revocation in any case, so that a reader's cursor stays valid.
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

// Row is a session as a store keeps it. All times are UTC, and all but Turned are whole seconds.
type Row struct {
	ID      ID
	User    User
	Entry   Entry     // the session's entry, which the store appends to the revocations at its end
	Version uint64    // counts the updates; Start stores 1
	Key     string    // id of the registry's key that made Sealed, User and the refresh token
	Sealed  []byte    // the subject and the device, encrypted; at most 4 KiB
	Started time.Time // the login
	Seen    time.Time // the last refresh
	Expires time.Time // when the session ends, unless a refresh comes before

	Generation uint64    // the generation of the newest refresh token
	Turned     time.Time // when the generation began, with milliseconds
}

// Which selects sessions of one user to end.
type Which struct {
	User User
	IDs  []ID // the sessions with these IDs; when empty, all sessions of User except But
	But  ID   // the session to keep when IDs is empty; the zero ID keeps none
}

// Ended is a revocation to append.
type Ended struct {
	Entry Entry
	Until time.Time // when it may be forgotten, in whole seconds
}

// Revocation is a revocation with its place in the order of a store.
type Revocation struct {
	Ended
	Revision uint64 // the first is 1
}

// Cursor says how far a reader has read. It names the last revocation that the reader saw; the zero
// Cursor stands before the first.
type Cursor struct {
	Revision uint64
	Entry    Entry
}

// Tail is what a store answers to a reader.
type Tail struct {
	Revocations []Revocation
	Whole       bool   // Revocations begins with the first that is kept, not after the cursor
	Last        Cursor // the newest revocation of the store, the zero Cursor if there was none
}

// The errors of a Store, for errors.Is.
var (
	ErrNoKeys         = errors.New("sessions: the store has no keys of a registry yet")
	ErrNoSession      = errors.New("sessions: there is no such session")
	ErrConflict       = errors.New("sessions: another process has changed it meanwhile")
	ErrUnknownOutcome = errors.New("sessions: it is not known whether it was written")
)
