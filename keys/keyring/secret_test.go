package keyring

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sealjwt/sealjwt/keys"
)

func wrapSecret(t *testing.T, secret string, keks ...KEK) []byte {
	t.Helper()
	return must(WrapSecret(t.Context(), []byte(secret), keks...))(t)
}

// Every KEK of the ring opens the secret, and a dropped one does not.
func TestSecret(t *testing.T) { testSecret(t, kekNumbered(t, 3)) }

// A passphrase takes a second, and ten with the race detector on a busy machine.
func TestPassphraseSecret(t *testing.T) {
	testSecret(t, must(PassphraseKEK([]byte("correct horse")))(t))
}

func testSecret(t *testing.T, second KEK) {
	doc := wrapSecret(t, "the secret", rawKey(t), second)
	if bytes.Contains(doc, []byte("the secret")) {
		t.Fatal("the secret stands in the clear")
	}
	for _, kek := range []KEK{rawKey(t), second} {
		if got := must(UnwrapSecret(t.Context(), doc, kek))(t); string(got) != "the secret" {
			t.Errorf("%s opens %q", kek.ID(), got)
		}
	}
	again := wrapSecret(t, "the secret", kekNumbered(t, 2))
	if _, err := UnwrapSecret(t.Context(), again, rawKey(t)); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a KEK without a slot: %v", err)
	}
	long := strings.Repeat("s", maxSecret)
	if got := must(UnwrapSecret(t.Context(), wrapSecret(t, long, rawKey(t)), rawKey(t)))(t); string(got) != long {
		t.Error("the longest secret changed")
	}
}

func TestSecretRefuses(t *testing.T) {
	nine := make([]KEK, 9)
	for i := range nine {
		nine[i] = kekNumbered(t, byte(i+1))
	}
	var none *rawKEK
	for name, c := range map[string]struct {
		secret string
		keks   []KEK
		want   error
	}{
		"no secret": {"", nine[:1], ErrState},
		"too long":  {strings.Repeat("s", maxSecret+1), nine[:1], ErrState},
		"no KEK":    {"s", nil, ErrState},
		"nine KEKs": {"s", nine, ErrState},
		"nil KEK":   {"s", []KEK{nil}, ErrKEK},
		"typed nil": {"s", []KEK{nine[0], none}, ErrKEK},
		"KEK twice": {"s", []KEK{nine[0], nine[0]}, keys.ErrDuplicate},
		"lossy KEK": {"s", []KEK{lossyKEK{nine[0]}}, ErrKEK},
	} {
		if doc, err := WrapSecret(t.Context(), []byte(c.secret), c.keks...); !errors.Is(err, c.want) || doc != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := UnwrapSecret(t.Context(), nil, none); !errors.Is(err, ErrKEK) {
		t.Errorf("unwrapping with a nil KEK: %v", err)
	}
}

// lossyKEK wraps and does not unwrap, so the secret would be lost.
type lossyKEK struct{ KEK }

func (lossyKEK) ID() string                                         { return "lossy" }
func (lossyKEK) Unwrap(context.Context, WrappedKey) ([]byte, error) { return []byte("other"), nil }

func TestSecretDamaged(t *testing.T) {
	kek := rawKey(t)
	doc, other := wrapSecret(t, "one", kek, kekNumbered(t, 2)), wrapSecret(t, "two", kek, kekNumbered(t, 2))
	b, o := must(parseBlob(doc))(t), must(parseBlob(other))(t)
	respell := func(b blob) []byte { return asJSON(t, b) }
	for name, bad := range map[string][]byte{
		"nothing":             nil,
		"huge":                bytes.Repeat([]byte(" "), maxSlots*maxSlot+2*maxSecret+1),
		"white space":         append(bytes.Clone(doc), '\n'),
		"slots of another":    respell(blob{Version: 2, Slots: o.Slots, Secret: b.Secret}),
		"a slot dropped":      respell(blob{Version: 2, Slots: b.Slots[:1], Secret: b.Secret}),
		"slots swapped":       respell(blob{Version: 2, Slots: []slot{b.Slots[1], b.Slots[0]}, Secret: b.Secret}),
		"version 1":           respell(blob{Version: 1, Slots: b.Slots, Secret: b.Secret}),
		"as a ring":           respell(blob{Version: 2, Slots: b.Slots, Ring: b.Secret}),
		"a ring and a secret": respell(blob{Version: 2, Slots: b.Slots, Ring: b.Secret, Secret: b.Secret}),
	} {
		if _, err := UnwrapSecret(t.Context(), bad, kek); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range doc {
		bad := bytes.Clone(doc)
		bad[i] ^= 1
		if _, err := UnwrapSecret(t.Context(), bad, kek); err == nil {
			t.Fatalf("a flipped bit in byte %d (%q) opens", i, doc[max(0, i-9):i+1])
		}
	}
}

// The plaintext of a secret never counts as the document of a ring, and the reverse holds too.
func TestSecretIsNoRing(t *testing.T) {
	store := NewMemStore()
	cfg := Config{Store: store, KEK: rawKey(t)}
	must(Create(t.Context(), cfg))(t)
	if _, err := UnwrapSecret(t.Context(), blobOf(t, store), cfg.KEK); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a ring as a secret: %v", err)
	}
	b := must(parseBlob(blobOf(t, store)))(t)
	b.Secret, b.Ring = b.Ring, ""
	if _, err := UnwrapSecret(t.Context(), asJSON(t, b), cfg.KEK); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a ring's document as a secret: %v", err)
	}
	doc := wrapSecret(t, "s", cfg.KEK)
	secretAsRing := must(parseBlob(doc))(t)
	secretAsRing.Ring, secretAsRing.Secret = secretAsRing.Secret, ""
	for _, data := range [][]byte{doc, asJSON(t, secretAsRing)} {
		other := NewMemStore()
		must(other.Swap(t.Context(), "", data))(t)
		if _, err := Open(t.Context(), Config{Store: other, KEK: cfg.KEK}); !errors.Is(err, ErrUnreadable) {
			t.Errorf("a secret as a ring: %v", err)
		}
	}
}

// A KEK in a KMS may hang and ignore its context.
func TestSecretHangingKEK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		defer close(until)
		kek := hangingKEK{rawKey(t), until}
		if _, err := WrapSecret(t.Context(), []byte("s"), kek); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wrap: %v", err)
		}
		if _, err := UnwrapSecret(t.Context(), wrapSecret(t, "s", rawKey(t)), kek); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Unwrap: %v", err)
		}
	})
}
