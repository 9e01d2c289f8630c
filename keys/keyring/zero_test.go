package keyring_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
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
				"OpenOrCreate": keyring.OpenOrCreate, "ParseCheckpoint": keyring.ParseCheckpoint, "PassphraseKEK": keyring.PassphraseKEK,
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

// A zero Ring says what it is, and does not wait for ever.
func TestZeroRing(t *testing.T) {
	ctx, ring := context.Background(), new(keyring.Ring)
	_, private := ring.PrivateKeys(ctx)
	_, public := ring.PublicKeys(ctx, "kid")
	_, reloaded := ring.Reload(ctx)
	_, _, _, published := ring.Published()
	_, policy := ring.Policy(ctx)
	_, rotated := ring.Rotate(ctx)
	_, revoked := ring.Revoke(ctx, keyring.Revocation{All: true})
	_, imported := ring.ImportInsecurely(ctx, []byte(`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`), keys.Hint{})
	for name, err := range map[string]error{
		"PrivateKeys": private, "PublicKeys": public, "Reload": reloaded, "Published": published, "Policy": policy, "Rotate": rotated,
		"Revoke": revoked, "ImportInsecurely": imported, "Run": ring.Run(ctx, nil), "UpdatePolicy": ring.UpdatePolicy(ctx, func(*keyring.Policy) {}),
	} {
		if !errors.Is(err, keyring.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
