package storetest_test

import (
	"os"
	"testing"

	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/storetest"
)

func TestMemStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) sessions.Store { return sessions.NewMemStore() })
}

func TestMemStoreRegistry(t *testing.T) {
	rounds := 200
	if os.Getenv("SEALJWT_LONG") != "" {
		rounds = 10_000
	}
	storetest.RunRegistry(t, func(*testing.T) (a, b sessions.Store) {
		s := sessions.NewMemStore()
		return s, s
	}, rounds)
}
