package keyring

import (
	"errors"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A ring returns the same sets until a key changes, and then other sets. A cache of verified tokens
// relies on that.
func TestSetsTellOfChanges(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	operator := openRing(t, store, c.now)
	sets := func() (*keys.Set, *keys.PublicSet) {
		return must(r.PrivateKeys(ctx))(t), must(r.PublicKeys(ctx, ""))(t)
	}
	seenPrivate, seenPublic := map[*keys.Set]string{}, map[*keys.PublicSet]string{}
	for _, change := range []struct {
		name string
		do   func(by *Ring) error
	}{
		{"nothing", func(*Ring) error { return nil }},
		{"import", func(by *Ring) error { return by.importOwn(ctx, generated(t, keys.ECDHES), Staged) }},
		{"rotation", func(by *Ring) error {
			_, err := by.RotateNowInsecurely(ctx, keys.UseSig)
			return err
		}},
		{"revocation", func(by *Ring) error {
			_, err := by.Revoke(ctx, Revocation{KeyID: activeID(by, keys.UseEnc), Reason: "superseded"})
			return err
		}},
		{"erasing", func(by *Ring) error {
			_, err := by.Revoke(ctx, Revocation{KeyID: activeID(by, keys.UseEnc), Reason: "compromised", Erase: true})
			return err
		}},
		{"revocation of all", func(by *Ring) error {
			_, err := by.Revoke(ctx, Revocation{All: true, Reason: "compromised"})
			return err
		}},
	} {
		for name, by := range map[string]*Ring{"here": r, "elsewhere": operator} {
			if err := change.do(by); err != nil {
				t.Fatalf("%s %s: %v", change.name, name, err)
			}
			c.advance(reloadAfter) // only a change of another process must be loaded
			private, public := sets()
			before, beforePublic := seenPrivate[private], seenPublic[public]
			if change.name != "nothing" && (before != "" || beforePublic != "") {
				t.Errorf("%s %s: the sets are those after %s and %s", change.name, name, before, beforePublic)
			}
			for range 3 {
				c.advance(2 * reloadAfter)
				if p, q := sets(); p != private || q != public {
					t.Errorf("%s %s: other sets, and nothing has changed since", change.name, name)
				}
			}
			seenPrivate[private], seenPublic[public] = change.name, change.name
			// A change loads the ring anyway, and so does a look-up for an answer that must be up
			// to date.
			if _, err := operator.Keys(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	fresh, _ := sets()
	store.setDown(errors.New("down"))
	c.advance(2 * time.Hour)
	if old := must(r.PrivateKeys(ctx))(t); old == fresh {
		t.Error("a set that is too old is the one that was not")
	}
}
