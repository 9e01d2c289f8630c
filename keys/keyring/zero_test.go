package keyring_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/zerocall"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// A zero value or nil is a mistake that a caller makes. It gets an error, or nothing, and
// no panic.
func TestZeroValues(t *testing.T) {
	source, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // some calls write a file
	synctest.Test(t, func(t *testing.T) {
		// Run ends with its context only.
		soon := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			t.Cleanup(cancel)
			return ctx
		}
		zerocall.Check(t, zerocall.API{
			Folder:  source,
			Context: soon,
			Functions: map[string]any{
				"Create": keyring.Create, "CreateKEKFile": keyring.CreateKEKFile, "DefaultPolicy": keyring.DefaultPolicy,
				"KEKFile": keyring.KEKFile, "NewKEK": keyring.NewKEK, "NewMemStore": keyring.NewMemStore, "Open": keyring.Open,
				"OpenOrCreate": keyring.OpenOrCreate, "PassphraseKEK": keyring.PassphraseKEK,
			},
			Receivers: map[string][]any{
				"Action": {keyring.Action("")}, "Checkpoint": {keyring.Checkpoint{}}, "Config": {keyring.Config{}}, "Event": {keyring.Event{}},
				"KeyInfo": {keyring.KeyInfo{}}, "Policy": {keyring.Policy{}, keyring.DefaultPolicy()}, "Revocation": {keyring.Revocation{}},
				"Ring": {&keyring.Ring{}, keytest.NewRing()}, "State": {keyring.State("")}, "Step": {keyring.Step{}},
				"UsePolicy": {keyring.UsePolicy{}}, "WindowError": {keyring.WindowError{}}, "Windows": {keyring.Windows{}},
				"WrappedKey": {keyring.WrappedKey{}},
			},
		})
	})
}
