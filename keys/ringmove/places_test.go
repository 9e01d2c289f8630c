package ringmove_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
)

// stop makes the first writes of a move, and no more.
func stop(t *testing.T, writes int, from, to ringmove.Place) {
	t.Helper()
	writes++
	err := ringmove.Move(t.Context(), ringmove.Place{Name: from.Name, Where: from.Where, Store: cut{from.Store, &writes, false}},
		ringmove.Place{Name: to.Name, Where: to.Where, Store: cut{to.Store, &writes, false}}, open)
	if !errors.Is(err, errCut) {
		t.Fatal(err)
	}
}

func moves(t *testing.T, from, to ringmove.Place) {
	t.Helper()
	if err := ringmove.Move(t.Context(), from, to, open); err != nil {
		t.Fatal(err)
	}
}

// places returns places that all have one name, as the rings in several databases have.
func places(where ...string) []ringmove.Place {
	all := make([]ringmove.Place, len(where))
	for i, w := range where {
		all[i] = ringmove.Place{Name: "sqlite:idp", Where: w, Store: keyring.NewMemStore()}
	}
	return all
}

// refuses fails unless a move returns an error that is want, and leaves both stores as they are.
func refuses(t *testing.T, from, to ringmove.Place, want error) {
	t.Helper()
	before := [2]string{content(t, from.Store), content(t, to.Store)}
	if err := ringmove.Move(t.Context(), from, to, open); !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
	if before != [2]string{content(t, from.Store), content(t, to.Store)} {
		t.Error("something was written")
	}
}

// A document of a move can hold the only copy of a ring. Another ring never replaces it, also
// where all places have one name, with and without Where.
func TestOnlyCopyStays(t *testing.T) {
	for _, where := range [][]string{{"a", "b", "c"}, {"", "", ""}, {"a", "b", "a"}} {
		all := places(where...)
		a, b, c := all[0], all[1], all[2]
		create(t, a.Store)
		create(t, c.Store)
		stop(t, 2, a, b)
		refuses(t, c, b, ringmove.ErrMoved)
		moves(t, a, b)
		if !opens(t, b.Store) {
			t.Error("the move cannot go on")
		}
	}
}

// An older state of the ring does not replace the only copy of a newer one.
func TestOnlyCopyStaysNewest(t *testing.T) {
	all := places("a", "b", "c")
	a, b, c := all[0], all[1], all[2]
	ring := create(t, a.Store)
	backup := content(t, a.Store)
	if err := lengthen(t.Context(), ring); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Store.Swap(t.Context(), "", []byte(backup)); err != nil {
		t.Fatal(err)
	}
	stop(t, 2, a, b)
	refuses(t, c, b, ringmove.ErrMoved)
	fork, err := open(t.Context(), keyring.Config{Store: c.Store})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := lengthen(t.Context(), fork); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, c, b, ringmove.ErrMoved)
}

// A mark stays when another ring comes, and says where its ring went. Its own ring may come back,
// also by a third place and with changes.
func TestMarkStays(t *testing.T) {
	all := places("d", "e", "f")
	d, e, f := all[0], all[1], all[2]
	create(t, d.Store)
	create(t, f.Store)
	moves(t, d, e)
	refuses(t, f, d, keyring.ErrExists)
	_, err := open(t.Context(), keyring.Config{Store: d.Store})
	if err == nil || !strings.HasSuffix(err.Error(), "the ring was moved to sqlite:idp (e)") {
		t.Error(err)
	}
	third := at("third", keyring.NewMemStore())
	moves(t, e, third)
	ring, err := open(t.Context(), keyring.Config{Store: third.Store})
	if err != nil {
		t.Fatal(err)
	}
	if err := lengthen(t.Context(), ring); err != nil {
		t.Fatal(err)
	}
	moves(t, third, d)
	if !opens(t, d.Store) {
		t.Error("the ring has not come back")
	}
}

// A move was abandoned, and the ring went elsewhere. The place to which it did not go can be used.
func TestAbandonedMove(t *testing.T) {
	abandoned := func(t *testing.T) (a, b, c ringmove.Place) {
		all := places("a", "b", "c")
		a, b, c = all[0], at("b", all[1].Store), at("c", all[2].Store)
		create(t, a.Store)
		stop(t, 1, a, c)
		moves(t, a, b)
		return a, b, c
	}
	t.Run("the ring comes later", func(t *testing.T) {
		_, b, c := abandoned(t)
		moves(t, b, c)
		if !opens(t, c.Store) || opens(t, b.Store) {
			t.Error("the ring is not where it should be")
		}
	})
	t.Run("a new ring", func(t *testing.T) {
		a, _, c := abandoned(t)
		if _, err := keyring.Create(t.Context(), keyring.Config{Store: c.Store, KEK: kek}); !errors.Is(err, keyring.ErrExists) {
			t.Fatal(err)
		}
		// The command that the error names finds out that the move is dead.
		err := ringmove.Move(t.Context(), a, c, open)
		if was, ok := errors.AsType[*ringmove.Error](err); !ok || was.To != "b" {
			t.Fatal(err)
		}
		if _, err := open(t.Context(), keyring.Config{Store: c.Store}); !errors.Is(err, keyring.ErrNoRing) {
			t.Fatal(err)
		}
		if err := ringmove.Check([]byte(content(t, c.Store))); !errors.Is(err, keyring.ErrNoRing) {
			t.Fatal(err)
		}
		refuses(t, c, at("x", keyring.NewMemStore()), keyring.ErrNoRing)
		create(t, c.Store)
	})
	t.Run("another ring", func(t *testing.T) {
		a, _, c := abandoned(t)
		refuses(t, a, at("x", keyring.NewMemStore()), ringmove.ErrMoved)
		if err := ringmove.Move(t.Context(), a, c, open); !errors.Is(err, ringmove.ErrMoved) {
			t.Fatal(err)
		}
		x := at("x", keyring.NewMemStore())
		create(t, x.Store)
		moves(t, x, c)
	})
	// These documents may be of use: the first is the only copy of a ring, and the old place of
	// the other is not known.
	for _, where := range [][2]string{{"a on one", "a on two"}, {"", ""}} {
		t.Run("the same name elsewhere"+where[0], func(t *testing.T) {
			all := places(where[0], "b", "c", where[1])
			a, b, c, a2 := all[0], at("b", all[1].Store), at("c", all[2].Store), all[3]
			create(t, a2.Store)
			moves(t, a2, a)
			stop(t, 2, a, c) // c has the only copy, and a2 the mark of another move of the same ring
			refuses(t, a2, c, ringmove.ErrMoved)
			moves(t, a, c)
			moves(t, c, b)
		})
	}
	t.Run("another name of the new place", func(t *testing.T) {
		all := places("a", "c")
		a, c := all[0], at("c", all[1].Store)
		create(t, a.Store)
		stop(t, 2, a, c)
		refuses(t, a, at("link to c", c.Store), ringmove.ErrMoved)
		moves(t, a, c)
	})
	t.Run("an older mark", func(t *testing.T) {
		all := places("a", "b", "c")
		a, b, c := all[0], at("b", all[1].Store), at("c", all[2].Store)
		ring := create(t, a.Store)
		moves(t, a, b)
		older := a
		older.Store = keyring.NewMemStore()
		if _, err := older.Store.Swap(t.Context(), "", []byte(content(t, a.Store))); err != nil {
			t.Fatal(err)
		}
		moves(t, b, a)
		if err := lengthen(t.Context(), ring); err != nil {
			t.Fatal(err)
		}
		stop(t, 2, a, c)
		refuses(t, older, c, ringmove.ErrMoved)
	})
	t.Run("two new places of one name", func(t *testing.T) {
		all := places("a", "b on one", "b on two")
		a, b, b2 := all[0], all[1], all[2]
		create(t, a.Store)
		stop(t, 1, a, b)
		moves(t, a, b2)
		if err := ringmove.Move(t.Context(), a, b, open); !errors.Is(err, ringmove.ErrMoved) || opens(t, b.Store) {
			t.Errorf("%v, and two rings live: %v", err, opens(t, b.Store))
		}
	})
	t.Run("a ring that was made later at the same place", func(t *testing.T) {
		all := places("a", "b", "c")
		a, b, c := all[0], at("b", all[1].Store), at("c", all[2].Store)
		create(t, a.Store)
		stop(t, 2, a, c)
		a.Store = keyring.NewMemStore() // the file was removed
		create(t, a.Store)
		moves(t, a, b)
		refuses(t, a, c, ringmove.ErrMoved)
	})
}

// A move that has ended goes well once more, also after the ring has changed.
func TestMoveAgain(t *testing.T) {
	a, b := at("a", keyring.NewMemStore()), at("b", keyring.NewMemStore())
	create(t, a.Store)
	moves(t, a, b)
	moves(t, a, b)
	ring, err := open(t.Context(), keyring.Config{Store: b.Store})
	if err != nil {
		t.Fatal(err)
	}
	if err := lengthen(t.Context(), ring); err != nil {
		t.Fatal(err)
	}
	moves(t, a, b)
	other := at("b", keyring.NewMemStore())
	create(t, other.Store)
	refuses(t, a, other, ringmove.ErrMoved)
	if _, err = ring.Rotate(t.Context()); err != nil {
		t.Error(err)
	}
	c := at("c", keyring.NewMemStore())
	moves(t, b, c)
	refuses(t, a, c, ringmove.ErrMoved)
}

// meanwhile is a store. Another process acts before its next write.
type meanwhile struct {
	keyring.Store
	act *func()
}

func (m meanwhile) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	if act := *m.act; act != nil {
		*m.act = nil
		act()
	}
	return m.Store.Swap(ctx, prev, doc)
}

// Two processes make the same move, and know the old place by two names. One makes its first write
// after the first write of the other.
func TestMoveByTwoNames(t *testing.T) {
	a, b := at("a", keyring.NewMemStore()), at("b", keyring.NewMemStore())
	create(t, a.Store)
	act := func() { stop(t, 1, at("link to a", a.Store), b) }
	moves(t, at("a", meanwhile{a.Store, &act}), b)
	if !opens(t, b.Store) || opens(t, a.Store) {
		t.Error("the ring is not where it should be")
	}
}

// Between the writes of a move from a to b, the ring goes from a to c, and a move from c to b stops
// where b has the only copy. The first move finds that its own document is dead, and leaves the other.
func TestOnlyCopyOfAnotherMoveStays(t *testing.T) {
	for _, where := range [][]string{{"a", "b", "c"}, {"", "", ""}, {"a", "b", "a"}} {
		all := places(where...)
		a, b, c := all[0], all[1], all[2]
		create(t, a.Store)
		act := func() {
			moves(t, a, c)
			stop(t, 2, c, b)
		}
		slow := ringmove.Place{Name: a.Name, Where: a.Where, Store: meanwhile{a.Store, &act}}
		if err := ringmove.Move(t.Context(), slow, b, open); !errors.Is(err, ringmove.ErrMoved) {
			t.Errorf("%q: %v", where, err)
		}
		moves(t, c, b)
		if !opens(t, b.Store) {
			t.Errorf("%q: the ring is gone", where)
		}
	}
}

// A copy of the ring at another place of the same name does not end the move.
func TestMoveIsNotDoneElsewhere(t *testing.T) {
	all := places("a", "b", "copy of b")
	create(t, all[0].Store)
	moves(t, all[0], all[1])
	if _, err := all[2].Store.Swap(t.Context(), "", []byte(content(t, all[1].Store))); err != nil {
		t.Fatal(err)
	}
	refuses(t, all[0], all[2], ringmove.ErrMoved)
	moves(t, all[0], all[1])
}

// The first write was made, and a later try fails before it writes: the move has begun.
func TestStoppedInLaterTry(t *testing.T) {
	a, b := at("a", keyring.NewMemStore()), at("b", keyring.NewMemStore())
	ring := create(t, a.Store)
	tries := 0
	act := func() {
		if err := lengthen(t.Context(), ring); err != nil {
			t.Error(err)
		}
	}
	once := func(ctx context.Context, cfg keyring.Config) (*keyring.Ring, error) {
		if tries++; tries > 1 {
			return nil, errCut
		}
		return open(ctx, cfg)
	}
	err := ringmove.Move(t.Context(), at("a", meanwhile{a.Store, &act}), b, once)
	if !errors.Is(err, errCut) || !errors.Is(err, ringmove.ErrStopped) {
		t.Error(err)
	}
	moves(t, a, b)
}

// The write of a store may have been made although it returned an error. The caller learns from
// the error whether a move may have begun.
func TestStopped(t *testing.T) {
	a, b := at("a", keyring.NewMemStore()), at("b", keyring.NewMemStore())
	create(t, a.Store)
	for _, c := range []struct {
		err  error
		want bool
	}{{keyring.ErrUnknownOutcome, true}, {errCut, false}} {
		err := ringmove.Move(t.Context(), a, at("b", failing{b.Store, c.err}), open)
		if !errors.Is(err, c.err) || errors.Is(err, ringmove.ErrStopped) != c.want {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}

type failing struct {
	keyring.Store
	err error
}

func (f failing) Swap(context.Context, string, []byte) (string, error) { return "", f.err }
