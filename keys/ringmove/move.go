package ringmove

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/moved"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

type move struct {
	from, to Place
	opens    func(context.Context, keyring.Config) (*keyring.Ring, error)
	wrote    string // the version of the new store after this move's first write; empty before that
}

// found is what a store holds.
type found struct {
	doc     []byte // nil in an empty store
	version string
	moved   moved.Document // the zero Document for a ring
}

func load(ctx context.Context, s keyring.Store) (f found, err error) {
	f.doc, f.version, err = s.Load(ctx)
	if err == nil {
		f.moved, _ = moved.Parse(f.doc)
		return f, nil
	}
	if errors.Is(err, keyring.ErrNoRing) {
		return found{}, err
	}
	return f, err
}

func (f found) isEmpty() bool { return len(f.doc) == 0 || f.moved.IsVoid() }
func (f found) isRing() bool  { return len(f.doc) > 0 && f.moved == moved.Document{} }

// try makes the writes of the move that are not made yet. It returns [keyring.ErrConflict]
// where another process has written meanwhile.
func (m *move) try(ctx context.Context) error {
	// The new store is read before the old one. If another process finishes the move in between,
	// the new store has another version than the one that was read. A write of this process to the
	// new store then conflicts, so it cannot put an older ring over a newer one.
	there, err := load(ctx, m.to.Store)
	if err != nil && !errors.Is(err, keyring.ErrNoRing) {
		return err
	}
	here, err := load(ctx, m.from.Store)
	switch {
	case err != nil:
		return err
	case here.isEmpty():
		return keyring.ErrNoRing
	case here.moved.IsComing():
		return here.moved.Err()
	case here.moved.IsMark():
		return m.after(ctx, here.moved, there)
	}
	ring, err := m.open(ctx, here.doc, nil)
	if err != nil {
		return err
	}
	if err := m.mayReplace(ctx, there, here.doc); err != nil {
		return err
	}
	// Two processes that make the same move use one Move in both documents. Whichever writes
	// last, the documents belong together.
	id, of := rand.Text(), moved.Checkpoint(ring.Checkpoint())
	if there.moved.IsComing() {
		id = there.moved.Move
	}
	version, err := swap(ctx, m.to, there.version, moved.Document{Move: id, From: m.from.Name, Where: m.from.Where, Of: of, Ring: string(here.doc)})
	if errors.Is(err, keyring.ErrUnknownOutcome) {
		return stopped(err)
	}
	if err != nil {
		return err
	}
	m.wrote = version
	if _, err = swap(ctx, m.from, here.version, moved.Document{Move: id, To: m.to.Name, Where: m.to.Where, Of: of}); err != nil {
		return stopped(err)
	}
	return m.finish(ctx, version, here.doc)
}

// mayReplace returns nil if no ring is lost when the ring in doc replaces what is in the new store.
func (m *move) mayReplace(ctx context.Context, there found, doc []byte) error {
	if there.isEmpty() {
		return nil
	}
	if there.isRing() {
		return keyring.ErrExists
	}
	// The name of the old place in the document proves nothing: two databases may have a ring of
	// the same name.
	same, err := m.follows(ctx, doc, there.moved.Of)
	switch {
	case err != nil:
		return err
	case same:
		return nil
	case there.moved.IsComing():
		return there.moved.Err()
	}
	return fmt.Errorf("%w: the mark of another ring: %w", keyring.ErrExists, there.moved.Err())
}

// after does what is left to do when the ring has left the old store.
func (m *move) after(ctx context.Context, mark moved.Document, there found) error {
	switch was := there.moved; {
	case mark.To == m.to.Name && was.IsComing() && was.Move == mark.Move:
		doc := []byte(was.Ring)
		if _, err := m.open(ctx, doc, nil); err != nil {
			return err
		}
		return m.finish(ctx, there.version, doc)
	case m.leadsTo(mark) && there.isRing():
		same, err := m.follows(ctx, there.doc, mark.Of)
		if err != nil && !errors.Is(err, keyring.ErrUnreadable) {
			return err
		}
		if same {
			return nil
		}
	case was.IsComing() && m.isOurs(there) && was.IsDead(mark):
		if _, err := swap(ctx, m.to, there.version, moved.Document{Move: rand.Text()}); err != nil {
			return fmt.Errorf("%w; what an earlier move has left at %s cannot be cleared: %w", mark.Err(), m.to.Name, err)
		}
	}
	return mark.Err()
}

// isOurs reports whether a move from the old place of this move wrote the document. If this move has
// written one, only that one is ours: meanwhile the ring may have come on its way through another
// place, and the document there has the same Move. An earlier move is told by Where.
func (m *move) isOurs(there found) bool {
	ours := there.version == m.wrote
	if m.wrote == "" {
		ours = m.from.Where != ""
	}
	return ours && there.moved.From == m.from.Name && there.moved.Where == m.from.Where
}

// leadsTo reports whether a mark names the new place. A copy of the ring in another database of the
// same name is not that place.
func (m *move) leadsTo(mark moved.Document) bool {
	return mark.To == m.to.Name && (mark.Where == "" || m.to.Where == "" || mark.Where == m.to.Where)
}

// finish makes the last write.
func (m *move) finish(ctx context.Context, version string, doc []byte) error {
	_, err := m.to.Store.Swap(ctx, version, doc)
	if errors.Is(err, keyring.ErrConflict) {
		// Another process may have made the last write.
		if there, loadErr := load(ctx, m.to.Store); loadErr == nil && string(there.doc) == string(doc) {
			return nil
		}
	}
	return stopped(err)
}

// open opens a copy of a document.
func (m *move) open(ctx context.Context, doc []byte, memory keyring.Memory) (*keyring.Ring, error) {
	s := keyring.NewMemStore()
	if _, err := s.Swap(ctx, "", doc); err != nil {
		return nil, err
	}
	return m.opens(ctx, keyring.Config{Store: s, Memory: memory})
}

// follows reports whether the ring in doc is the ring of a checkpoint, at that generation or a
// later one.
func (m *move) follows(ctx context.Context, doc []byte, of moved.Checkpoint) (bool, error) {
	ring, err := m.open(ctx, doc, seen(of))
	if errors.Is(err, keyring.ErrRollback) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// A ring of version 1 has no identity. If it has changed, nothing proves that it is the same.
	return of.Ring != "" || of == moved.Checkpoint(ring.Checkpoint()), nil
}

// seen is a [keyring.Memory] that has seen one checkpoint.
type seen keyring.Checkpoint

func (s seen) Load(context.Context) (keyring.Checkpoint, []keyring.Checkpoint, error) {
	return keyring.Checkpoint(s), nil, nil
}

func (seen) Save(context.Context, keyring.Checkpoint) error { return nil }

// stopped adds to an error that the move may have begun.
func stopped(err error) error {
	if err == nil || errors.Is(err, keyring.ErrConflict) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStopped, err)
}

// hasBegun adds ErrStopped to the error of a later try, if an earlier try has written: the ring may
// be at neither place then.
func (m *move) hasBegun(err error) error {
	if err == nil || m.wrote == "" || errors.Is(err, ErrStopped) || errors.Is(err, ErrMoved) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStopped, err)
}

func swap(ctx context.Context, p Place, prev string, d moved.Document) (version string, err error) {
	doc, err := d.Encode()
	if err != nil {
		return "", err
	}
	return p.Store.Swap(ctx, prev, doc)
}
