package keys_test

import (
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/zerocall"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// A zero value or nil is a mistake that a caller makes. It gets an error, or nothing, and
// no panic.
func TestZeroValues(t *testing.T) {
	sig, enc := keytest.NewKey(keys.ES256), keytest.NewKey(keys.ECDHES)
	set := keytest.NewSet(sig, enc)
	public, err := set.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := enc.NewSender(keys.A256GCM)
	if err != nil {
		t.Fatal(err)
	}
	zerocall.Check(t, zerocall.API{
		Folder:  ".",
		Context: t.Context,
		Functions: map[string]any{
			"CutHeader": keys.CutHeader, "FromDecrypter": keys.FromDecrypter, "FromKeyExchanger": keys.FromKeyExchanger,
			"FromSigner": keys.FromSigner, "GenerateKey": keys.GenerateKey, "NewSet": keys.NewSet, "ParseContent": keys.ParseContent,
			"ParseKey": keys.ParseKey, "ParsePublicSet": keys.ParsePublicSet, "ParseSuite": keys.ParseSuite, "ReadHeader": keys.ReadHeader,
			"Suites": keys.Suites,
		},
		Receivers: map[string][]any{
			"Content": {keys.Content(0), keys.Content(4), keys.Content(255)}, "Header": {keys.Header{}}, "Hint": {keys.Hint{}},
			"Key": {&keys.Key{}, sig, enc}, "PublicSet": {&keys.PublicSet{}, public}, "Recipient": {keys.Recipient{}},
			"Sender": {keys.Sender{}, sender}, "Set": {&keys.Set{}, set}, "SetConfig": {keys.SetConfig{}}, "SkippedKey": {keys.SkippedKey{}},
			"Suite": {keys.Suite(0), keys.ES256, keys.Suite(200), keys.Suite(255)}, "Use": {keys.UseSig},
		},
	})
}

// A zero value does nothing rather than something insecure.
func TestZeroValuesDoNothing(t *testing.T) {
	var key keys.Key
	if key.HasPrivate() || key.Verify(nil, nil) {
		t.Error("a zero Key verifies")
	}
	var set keys.Set
	if p, err := set.PublicKeys(t.Context(), ""); err != nil || p == nil || len(p.Keys()) != 0 {
		t.Errorf("a zero Set publishes %v, %v", p, err)
	}
	var sender keys.Sender
	for i, part := range sender.Seal(nil, nil, []byte("plaintext")) {
		if len(part) != 0 {
			t.Errorf("part %d of a zero Sender is %q", i+2, part)
		}
	}
	var recipient keys.Recipient
	if plaintext, err := recipient.Open(nil); plaintext != nil || err == nil {
		t.Errorf("a zero Recipient opens %q", plaintext)
	}
}
