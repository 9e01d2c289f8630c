package ringmove_test

import (
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
)

// A place with a name and without a store is a mistake of the caller, also as a typed nil.
func TestMoveWithoutStore(t *testing.T) {
	type store struct{ keyring.Store }
	there := ringmove.Place{Name: "there", Store: keyring.NewMemStore()}
	for name, missing := range map[string]keyring.Store{"nil": nil, "typed nil": (*store)(nil)} {
		nowhere := ringmove.Place{Name: "nowhere", Store: missing}
		for _, places := range [][2]ringmove.Place{{nowhere, there}, {there, nowhere}} {
			if err := ringmove.Move(t.Context(), places[0], places[1], open); !errors.Is(err, keyring.ErrConfig) {
				t.Errorf("%s: %v, want ErrConfig", name, err)
			}
		}
	}
}
