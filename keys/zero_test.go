package keys_test

import (
	"errors"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// A zero value or nil does nothing insecure. Package zerocall calls the whole API with both.
func TestZeroValuesDoNothing(t *testing.T) {
	for _, key := range []*keys.Key{nil, {}} {
		if key.HasPrivate() || key.Verify(nil, nil) || key.ID() != "" || key.Thumbprint() != "" || key.Use() != "" || key.Public() != nil {
			t.Errorf("%v verifies, or is a key", key)
		}
		_, sign := key.Sign(t.Context(), nil)
		_, send := key.NewSender(keys.A256GCM)
		_, receive := key.NewRecipient(t.Context(), keys.Header{}, [4][]byte{})
		if !errors.Is(sign, keys.ErrNoKey) || !errors.Is(send, keys.ErrUnsupported) || !errors.Is(receive, keys.ErrUnsupported) {
			t.Errorf("%v: %v, %v, %v", key, sign, send, receive)
		}
	}
	for _, set := range []*keys.Set{nil, {}} {
		if _, err := set.SigningKey(); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("%v signs: %v", set, err)
		}
		if len(set.DecryptionKeys(keys.Header{KeyID: []byte{}})) != 0 || len(set.DecryptionKeys(keys.Header{})) != 0 || len(set.DecryptionKeyIDs()) != 0 || set.WasErased("") {
			t.Errorf("%v decrypts", set)
		}
	}
	for _, set := range []*keys.PublicSet{nil, {}} {
		_, verification := set.VerificationKey("", "")
		_, encryption := set.EncryptionKey()
		if !errors.Is(verification, keys.ErrNoKey) || !errors.Is(encryption, keys.ErrNoKey) {
			t.Errorf("%v: %v, %v", set, verification, encryption)
		}
		if set.HasVerificationKey("") || len(set.VerificationKeys("")) != 0 || len(set.Keys()) != 0 || len(set.Skipped()) != 0 || len(set.ForUse(keys.UseSig).Keys()) != 0 {
			t.Errorf("%v has keys", set)
		}
	}
	// A source without keys and without an error would look like a party without keys.
	var set *keys.Set
	var public *keys.PublicSet
	_, private := set.PrivateKeys(t.Context())
	_, half := set.PublicKeys(t.Context(), "")
	_, foreign := public.PublicKeys(t.Context(), "")
	for _, err := range []error{private, half, foreign} {
		if !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("a nil source gives %v", err)
		}
	}
	if p, err := new(keys.Set).PublicKeys(t.Context(), ""); err != nil || p == nil || len(p.Keys()) != 0 {
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
