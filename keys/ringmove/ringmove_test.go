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

// open opens a ring for a move.
func open(ctx context.Context, cfg keyring.Config) (*keyring.Ring, error) {
	cfg.KEK = kek
	return keyring.Open(ctx, cfg)
}

func at(name string, s keyring.Store) ringmove.Place { return ringmove.Place{Name: name, Store: s} }

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
					err := ringmove.Move(t.Context(), at("old", cut{from, &left, after}), at("new", cut{to, &left, after}), open)
					if errors.Is(err, errCut) != (n <= 3) || errors.Is(err, ringmove.ErrStopped) != (n == 2 || n == 3) {
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
					err = ringmove.Move(t.Context(), at("old", from), at("new", to), open)
					if err != nil {
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
	if err := ringmove.Move(t.Context(), at("old", cut{from, &left, true}), at("new", to), open); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.Open(t.Context(), keyring.Config{Store: from, KEK: kek})
	if was, ok := errors.AsType[*ringmove.Error](err); !ok || was.To != "new" || !errors.Is(err, keyring.ErrUnreadable) || !strings.Contains(err.Error(), "moved to new") {
		t.Errorf("open: %v", err)
	}
	if _, err := keyring.Create(t.Context(), keyring.Config{Store: from, KEK: kek}); !errors.Is(err, keyring.ErrExists) {
		t.Errorf("create: %v", err)
	}
	if _, err := ring.Rotate(t.Context()); !errors.Is(err, ringmove.ErrMoved) || !strings.Contains(err.Error(), "moved to new") {
		t.Errorf("a ring that runs: %v", err)
	}
	if err := ringmove.Check([]byte(content(t, to))); err != nil {
		t.Errorf("a ring: %v", err)
	}
	mark := content(t, from)
	if !strings.HasPrefix(mark, `{"v":3,`) || strings.Contains(mark, "slots") {
		t.Errorf("the mark is %s", mark)
	}
	for _, text := range []string{
		"", "{}", mark + " ", strings.Replace(mark, `"new"`, `""`, 1), strings.Replace(mark, `"new"`, `"n\nw"`, 1),
		strings.Replace(mark, `"v":3`, `"v":2`, 1), strings.Replace(mark, `}`, `,"from":"x"}`, 1), strings.Replace(mark, `"move":"`, `"move":"","x":"`, 1),
		strings.Replace(mark, `"of":`, `"where":"\u0007","of":`, 1), strings.Replace(mark, `"to":"new",`, "", 1),
	} {
		if err := ringmove.Check([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	// The ring moves back and replaces the mark.
	if err := ringmove.Move(t.Context(), at("new", to), at("old", from), open); err != nil || !opens(t, from) || opens(t, to) {
		t.Errorf("back: %v", err)
	}
}

// A move refuses these cases and changes nothing.
func TestMoveRefuses(t *testing.T) {
	pending, full, other := keyring.NewMemStore(), keyring.NewMemStore(), keyring.NewMemStore()
	create(t, full)
	create(t, other)
	left := 2
	if err := ringmove.Move(t.Context(), at("full", cut{full, &left, false}), at("pending", cut{pending, &left, false}), open); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	done := keyring.NewMemStore()
	gone := keyring.NewMemStore()
	create(t, gone)
	if err := ringmove.Move(t.Context(), at("gone", gone), at("done", done), open); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		from, to ringmove.Place
		open     func(context.Context, keyring.Config) (*keyring.Ring, error)
		want     error
	}{
		{"no ring", at("a", keyring.NewMemStore()), at("b", keyring.NewMemStore()), open, keyring.ErrNoRing},
		{"a ring there", at("full", full), at("other", other), open, keyring.ErrExists},
		{"itself", at("full", full), at("also", full), open, keyring.ErrExists},
		{"another ring comes there", at("other", other), at("pending", pending), open, keyring.ErrUnreadable},
		{"a ring that has not come", at("pending", pending), at("b", keyring.NewMemStore()), open, keyring.ErrUnreadable},
		{"moved elsewhere", at("gone", gone), at("b", keyring.NewMemStore()), open, keyring.ErrUnreadable},
		{"the same name, another store", at("gone", gone), at("done", keyring.NewMemStore()), open, keyring.ErrUnreadable},
		{"moved elsewhere than the mark", at("full", full), at("x", gone), open, keyring.ErrExists},
		{"refused", at("full", full), at("b", keyring.NewMemStore()), func(context.Context, keyring.Config) (*keyring.Ring, error) { return nil, keyring.ErrRollback }, keyring.ErrRollback},
		{"no function", at("full", full), at("b", keyring.NewMemStore()), nil, keyring.ErrConfig},
		{"no store", at("full", full), ringmove.Place{Name: "b"}, open, keyring.ErrConfig},
		{"no name", at("full", full), ringmove.Place{Store: keyring.NewMemStore()}, open, keyring.ErrConfig},
		{"a control character", at("f\x1bull", full), at("b", keyring.NewMemStore()), open, keyring.ErrConfig},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before [2]string
			for i, p := range []ringmove.Place{c.from, c.to} {
				if p.Store != nil {
					before[i] = content(t, p.Store)
				}
			}
			if err := ringmove.Move(t.Context(), c.from, c.to, c.open); !errors.Is(err, c.want) {
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
	for round := range 50 {
		from := keyring.NewMemStore()
		ring := create(t, from)
		to := map[string]keyring.Store{"one": keyring.NewMemStore(), "two": keyring.NewMemStore()}
		var all sync.WaitGroup
		old := at("old", from)
		if round%2 == 0 { // a process that does not know where a place is clears only what it wrote
			old.Where = "old on this machine"
		}
		var done, changed atomic.Int64
		for i := range 6 {
			name := []string{"one", "two"}[i%2]
			all.Go(func() {
				err := ringmove.Move(t.Context(), old, at(name, to[name]), open)
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
			if !opens(t, s) {
				create(t, s) // the place counts as empty
			} else {
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
