package ringmove_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
)

var kek, _ = keyring.NewKEK([]byte("0123456789abcdef0123456789abcdef"))

func opens(t *testing.T, s keyring.Store) bool {
	t.Helper()
	_, err := keyring.Open(t.Context(), keyring.Config{Store: s, KEK: kek})
	if err != nil && !errors.Is(err, keyring.ErrUnreadable) && !errors.Is(err, keyring.ErrNoRing) {
		t.Fatal(err)
	}
	return err == nil
}

func create(t *testing.T, s keyring.Store) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Create(t.Context(), keyring.Config{Store: s, KEK: kek, Uses: []keys.Use{keys.UseSig}})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func check(ctx context.Context, doc []byte) error {
	s := keyring.NewMemStore()
	if _, err := s.Swap(ctx, "", doc); err != nil {
		return err
	}
	_, err := keyring.Open(ctx, keyring.Config{Store: s, KEK: kek})
	return err
}

func content(t *testing.T, s keyring.Store) string {
	t.Helper()
	doc, _, err := s.Load(t.Context())
	if err != nil && !errors.Is(err, keyring.ErrNoRing) {
		t.Fatal(err)
	}
	return string(doc)
}

// lengthen changes a ring.
func lengthen(ctx context.Context, ring *keyring.Ring) error {
	return ring.UpdatePolicy(ctx, func(p *keyring.Policy) { p.MaxAge += time.Second })
}

var errCut = errors.New("the power went")

// cut is a store. One of its writes fails, before or after it was made.
type cut struct {
	keyring.Store
	left  *int // number of writes before that one
	after bool
}

func (c cut) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	*c.left--
	if *c.left == 0 && !c.after {
		return "", errCut
	}
	v, err := c.Store.Swap(ctx, prev, doc)
	if *c.left == 0 {
		return "", errCut
	}
	return v, err
}

// A move stops at any of its writes. There is at most one ring then, and no ring is lost. A second
// move finishes the work, also if the ring has changed in between.
func TestMoveCutOff(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, after := range []bool{false, true} {
			for _, rotated := range []bool{false, true} {
				t.Run(fmt.Sprintf("write %d, after %v, rotated %v", n, after, rotated), func(t *testing.T) {
					from, to := keyring.NewMemStore(), keyring.NewMemStore()
					ring := create(t, from)
					doc, left := content(t, from), n
					err := ringmove.Move(t.Context(), ringmove.Place{Name: "old", Store: cut{from, &left, after}}, ringmove.Place{Name: "new", Store: cut{to, &left, after}}, check)
					if errors.Is(err, errCut) != (n <= 3) {
						t.Fatal(err)
					}
					live := 0
					for _, s := range []keyring.Store{from, to} {
						if opens(t, s) {
							live++
						}
					}
					if live > 1 {
						t.Fatal("two rings live")
					}
					if rotated && opens(t, from) {
						if err := lengthen(t.Context(), ring); err != nil {
							t.Fatal(err)
						}
						doc = content(t, from)
					}
					err = ringmove.Move(t.Context(), ringmove.Place{Name: "old", Store: from}, ringmove.Place{Name: "new", Store: to}, check)
					if was, ok := errors.AsType[*ringmove.Error](err); err != nil && (!ok || was.To != "new" || n < 3 || n == 3 && !after) {
						t.Fatal(err)
					}
					if content(t, to) != doc || opens(t, from) {
						t.Error("the new store does not have the ring, or the old one has it")
					}
				})
			}
		}
	}
}

// A place that a ring has left has a mark. These are the errors of this version and of versions
// that know no moves.
func TestMarks(t *testing.T) {
	from, to := keyring.NewMemStore(), keyring.NewMemStore()
	ring := create(t, from)
	left := 2
	if err := ringmove.Move(t.Context(), ringmove.Place{Name: "old", Store: cut{from, &left, true}}, ringmove.Place{Name: "new", Store: to}, check); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.Open(t.Context(), keyring.Config{Store: from, KEK: kek})
	if !errors.Is(err, keyring.ErrUnreadable) || !strings.Contains(err.Error(), "moved to new") {
		t.Errorf("open: %v", err)
	}
	if _, err := keyring.Create(t.Context(), keyring.Config{Store: from, KEK: kek}); !errors.Is(err, keyring.ErrExists) {
		t.Errorf("create: %v", err)
	}
	if _, err := ring.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "moved to new") {
		t.Errorf("a ring that runs: %v", err)
	}
	if err := ringmove.Check([]byte(content(t, to))); err != nil {
		t.Errorf("a ring: %v", err)
	}
	mark := content(t, from)
	if !strings.HasPrefix(mark, `{"v":3,`) || strings.Contains(mark, "ring") {
		t.Errorf("the mark is %s", mark)
	}
	for _, text := range []string{
		"", "{}", mark + " ", strings.Replace(mark, `"new"`, `""`, 1), strings.Replace(mark, `"new"`, `"n\nw"`, 1),
		strings.Replace(mark, `"v":3`, `"v":2`, 1), strings.Replace(mark, `}`, `,"from":"x"}`, 1), strings.Replace(mark, `"move":"`, `"move":"","x":"`, 1),
	} {
		if err := ringmove.Check([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	// The ring moves back and replaces the mark.
	if err := ringmove.Move(t.Context(), ringmove.Place{Name: "new", Store: to}, ringmove.Place{Name: "old", Store: from}, check); err != nil || !opens(t, from) || opens(t, to) {
		t.Errorf("back: %v", err)
	}
}

// A move refuses these cases and changes nothing.
func TestMoveRefuses(t *testing.T) {
	pending, full, other := keyring.NewMemStore(), keyring.NewMemStore(), keyring.NewMemStore()
	create(t, full)
	create(t, other)
	left := 2
	if err := ringmove.Move(t.Context(), ringmove.Place{Name: "full", Store: cut{full, &left, false}}, ringmove.Place{Name: "pending", Store: cut{pending, &left, false}}, check); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	done := keyring.NewMemStore()
	gone := keyring.NewMemStore()
	create(t, gone)
	if err := ringmove.Move(t.Context(), ringmove.Place{Name: "gone", Store: gone}, ringmove.Place{Name: "done", Store: done}, check); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		from, to ringmove.Place
		check    func(context.Context, []byte) error
		want     error
	}{
		{"no ring", ringmove.Place{Name: "a", Store: keyring.NewMemStore()}, ringmove.Place{Name: "b", Store: keyring.NewMemStore()}, check, keyring.ErrNoRing},
		{"a ring there", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Name: "other", Store: other}, check, keyring.ErrExists},
		{"itself", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Name: "also", Store: full}, check, keyring.ErrExists},
		{"another ring comes there", ringmove.Place{Name: "other", Store: other}, ringmove.Place{Name: "pending", Store: pending}, check, keyring.ErrUnreadable},
		{"a ring that has not come", ringmove.Place{Name: "pending", Store: pending}, ringmove.Place{Name: "b", Store: keyring.NewMemStore()}, check, keyring.ErrUnreadable},
		{"moved elsewhere", ringmove.Place{Name: "gone", Store: gone}, ringmove.Place{Name: "b", Store: keyring.NewMemStore()}, check, keyring.ErrUnreadable},
		{"moved already", ringmove.Place{Name: "gone", Store: gone}, ringmove.Place{Name: "done", Store: done}, check, keyring.ErrUnreadable},
		{"the same name, another store", ringmove.Place{Name: "gone", Store: gone}, ringmove.Place{Name: "done", Store: keyring.NewMemStore()}, check, keyring.ErrUnreadable},
		{"moved elsewhere than the mark", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Name: "x", Store: gone}, check, keyring.ErrExists},
		{"refused", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Name: "b", Store: keyring.NewMemStore()}, func(context.Context, []byte) error { return keyring.ErrRollback }, keyring.ErrRollback},
		{"no check", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Name: "b", Store: keyring.NewMemStore()}, nil, keyring.ErrConfig},
		{"no store", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Name: "b"}, check, keyring.ErrConfig},
		{"no name", ringmove.Place{Name: "full", Store: full}, ringmove.Place{Store: keyring.NewMemStore()}, check, keyring.ErrConfig},
		{"a control character", ringmove.Place{Name: "f\x1bull", Store: full}, ringmove.Place{Name: "b", Store: keyring.NewMemStore()}, check, keyring.ErrConfig},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before [2]string
			for i, p := range []ringmove.Place{c.from, c.to} {
				if p.Store != nil {
					before[i] = content(t, p.Store)
				}
			}
			if err := ringmove.Move(t.Context(), c.from, c.to, c.check); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			for i, p := range []ringmove.Place{c.from, c.to} {
				if p.Store != nil && content(t, p.Store) != before[i] {
					t.Error("something was written")
				}
			}
		})
	}
}

// Several processes move a ring to one place and others move it to another place, while the ring
// changes.
func TestMovesAtOnce(t *testing.T) {
	for range 50 {
		from := keyring.NewMemStore()
		ring := create(t, from)
		to := map[string]keyring.Store{"one": keyring.NewMemStore(), "two": keyring.NewMemStore()}
		var all sync.WaitGroup
		var done, changed atomic.Int64
		for i := range 6 {
			name := []string{"one", "two"}[i%2]
			all.Go(func() {
				err := ringmove.Move(t.Context(), ringmove.Place{Name: "old", Store: from}, ringmove.Place{Name: name, Store: to[name]}, check)
				if err == nil {
					done.Add(1)
				} else if !errors.Is(err, keyring.ErrUnreadable) {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			for range 5 {
				if lengthen(t.Context(), ring) == nil {
					changed.Add(1)
				}
			}
		})
		all.Wait()
		if opens(t, from) || opens(t, to["one"]) == opens(t, to["two"]) || done.Load() == 0 {
			t.Fatalf("old %v, one %v, two %v, done %d", opens(t, from), opens(t, to["one"]), opens(t, to["two"]), done.Load())
		}
		for _, s := range to {
			if opens(t, s) {
				moved, err := keyring.Open(t.Context(), keyring.Config{Store: s, KEK: kek})
				if err != nil {
					t.Fatal(err)
				}
				if got := moved.Checkpoint().Generation; got != uint64(1+changed.Load()) {
					t.Fatalf("generation %d, and %d changes were made", got, changed.Load())
				}
			}
		}
	}
}
