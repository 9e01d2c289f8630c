package keyring

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/internal/moved"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
	"github.com/sealjwt/sealjwt/keys/internal/patience"
	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	blobVersion = documentVersion
	maxSlots    = 8
	ringHeader  = `{"alg":"dir","enc":"A256CBC-HS512"}`
)

// blob is a ring at rest: the document encrypted under a random ring key, and the ring key
// wrapped once for each KEK. A process that has one KEK can write the ring: it copies the slots
// of the other KEKs as they are. A secret of [WrapSecret] has the same form with another name,
// so that neither passes for the other.
type blob struct {
	Version int    `json:"v"`
	Slots   []slot `json:"slots"`
	Ring    string `json:"ring,omitempty"`
	Secret  string `json:"secret,omitempty"`
}

type slot struct {
	KEK     string `json:"kek"`               // id of the KEK
	Wrapped string `json:"wrapped,omitempty"` // WrappedKey.Wrapped; empty in version 1
	JWE     string `json:"jwe"`               // the ring key, wrapped: WrappedKey.JWE
}

// parseBlob reads what a store holds. Every fault is an ErrUnreadable.
func parseBlob(data []byte) (blob, error) {
	o, err := strict.ParseObject(data)
	if err != nil {
		return blob{}, ErrUnreadable
	}
	if m, ok := moved.Parse(data); ok {
		return blob{}, m.Err()
	}
	if v, _ := o.Raw("v"); string(v) != "1" && string(v) != "2" {
		return blob{}, fmt.Errorf("%w (a format that this version of sealjwt does not know)", ErrUnreadable)
	}
	var b blob
	if err := json.Unmarshal(data, &b); err != nil {
		return blob{}, ErrUnreadable
	}
	// Only our own spelling passes: this package wrote no other.
	if again, err := json.Marshal(b); err != nil || !bytes.Equal(again, data) {
		return blob{}, ErrUnreadable
	}
	if len(b.Slots) == 0 || len(b.Slots) > maxSlots || b.Secret != "" && (b.Ring != "" || b.Version == 1) {
		return blob{}, ErrUnreadable
	}
	for i, s := range b.Slots {
		if slices.ContainsFunc(b.Slots[:i], func(t slot) bool { return t.KEK == s.KEK }) || s.Wrapped != "" && b.Version == 1 {
			return blob{}, ErrUnreadable
		}
	}
	return b, nil
}

// ringKey unwraps the ring key with the slot that carries the KEK's id.
func (b blob) ringKey(ctx context.Context, kek KEK) (secretBytes, error) {
	for _, s := range b.Slots {
		if s.KEK != kek.ID() {
			continue
		}
		key, err := kek.Unwrap(ctx, WrappedKey{JWE: s.JWE, Wrapped: s.Wrapped})
		if err != nil {
			return nil, err
		}
		if len(key) != ringKeySize {
			return nil, ErrUnreadable
		}
		return newSecret(key), nil
	}
	return nil, fmt.Errorf("%w (it has no slot for this key file or passphrase)", ErrUnreadable)
}

// open decrypts the document and checks that it was written with these slots: otherwise an
// attacker could add a slot of another ring or of an older file.
func (b blob) open(ringKey secretBytes) (*document, error) {
	plaintext, err := decryptDirect(b.Ring, ringKey)
	if err != nil {
		return nil, err
	}
	d, err := decodeDocument(plaintext)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnreadable, err)
	}
	if d.Version != b.Version || d.Slots != digestSlots(b.Slots) {
		return nil, ErrUnreadable
	}
	return d, nil
}

// decryptDirect decrypts a JWE under the ring key itself.
func decryptDirect(jwe string, ringKey secretBytes) ([]byte, error) {
	p, err := ringjwe.Split(jwe)
	if err != nil || string(p.Header) != ringHeader || len(p.EncryptedKey) != 0 {
		return nil, ErrUnreadable
	}
	return ringjwe.Decrypt(jwe, jose.DIRECT, ringKey())
}

// sealBlob encrypts d beside slots, and reads the result back: a ring that does not open must
// not replace a ring that does.
func sealBlob(d *document, slots []slot, ringKey secretBytes) ([]byte, error) {
	d.Slots = digestSlots(slots)
	plaintext, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	jwe, err := ringjwe.Encrypt(jose.Recipient{Algorithm: jose.DIRECT, Key: ringKey()}, plaintext)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(blob{Version: blobVersion, Slots: slots, Ring: jwe})
	if err != nil {
		return nil, err
	}
	b, err := parseBlob(data)
	if err != nil {
		return nil, err
	}
	_, err = b.open(ringKey)
	return data, err
}

// wrap returns the slot of a KEK for a ring key. The KEK gets a copy of the key, because it may
// wipe the bytes. If the caller made the KEK, wrap unwraps the slot once: a slot that does not
// open would make the ring unreadable for good.
func wrap(ctx context.Context, c patience.Calls, kek KEK, key secretBytes) (slot, error) {
	w, _, err := patience.Within(ctx, c, patience.Bound{Who: "the key encryption key", Limit: maxPatience}, func(ctx context.Context) (WrappedKey, error) {
		plain := bytes.Clone(key())
		defer clear(plain)
		w, err := kek.Wrap(ctx, plain)
		if err != nil || isOurs(kek) {
			return w, err
		}
		if again, err := kek.Unwrap(ctx, w); err != nil || !bytes.Equal(again, key()) {
			return w, fmt.Errorf("%w: %s does not unwrap the key that it has wrapped: %w", ErrKEK, kek.ID(), cmp.Or(err, errors.New("it gives other bytes")))
		}
		return w, nil
	})
	own := slot{KEK: kek.ID(), Wrapped: w.Wrapped, JWE: w.JWE}
	return own, cmp.Or(err, own.check())
}

// isOurs reports whether the KEK is of this package, and not of the caller.
func isOurs(kek KEK) bool {
	switch kek.(type) {
	case *rawKEK, *passphraseKEK:
		return true
	}
	return false
}

func digestSlots(slots []slot) string {
	text, err := json.Marshal(slots)
	if err != nil {
		panic("keyring: slots are strings: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return strict.EncodeBase64URL(sum[:])
}

func newRingKey() secretBytes {
	key := make([]byte, ringKeySize)
	defer clear(key)
	rand.Read(key)
	return newSecret(key)
}

// AddKEK makes kek one more key encryption key of the ring. It returns [ErrKEK] for a nil KEK,
// [ErrState] when the ring has 8 already, or one with the same id, such as another passphrase,
// and the errors of kek and of the store. Except after [ErrUnknownOutcome], an error means that
// nothing was changed. To replace a KEK, drop it with [Ring.Rewrap].
func (r *Ring) AddKEK(ctx context.Context, kek KEK) error {
	if nilcheck.IsNil(kek) {
		return fmt.Errorf("%w: it is nil", ErrKEK)
	}
	return r.change(ctx, func(ctx context.Context, d *draft) ([]logEntry, error) {
		if slices.ContainsFunc(d.slots, func(s slot) bool { return s.KEK == kek.ID() }) {
			return nil, fmt.Errorf("%w: the ring has the key encryption key %s already", ErrState, kek.ID())
		}
		if len(d.slots) == maxSlots {
			return nil, fmt.Errorf("%w: the ring has %d key encryption keys, and no room for another", ErrState, maxSlots)
		}
		own, err := wrap(ctx, r.calls, kek, d.ringKey)
		if err != nil {
			return nil, err
		}
		d.slots = append(slices.Clone(d.slots), own)
		return []logEntry{{what: "add KEK " + kek.ID()}}, nil
	})
}

// Rewrap encrypts the ring under a new ring key, and wraps the ring key with the given KEKs
// and no others. This is how an operator drops a KEK: give Rewrap every KEK that stays. A
// thief with an old copy of the ring and a dropped KEK still opens that copy, so rotate too if
// the KEK is compromised.
//
// It returns [ErrState] for no KEK or more than 8, [ErrKEK] for a nil one, [keys.ErrDuplicate]
// for two with one id, and the errors of the KEKs and of the store. Except after
// [ErrUnknownOutcome], an error means that nothing was changed.
func (r *Ring) Rewrap(ctx context.Context, keks ...KEK) error {
	if err := checkKEKs(keks); err != nil {
		return err
	}
	return r.change(ctx, func(ctx context.Context, d *draft) (log []logEntry, err error) {
		d.ringKey, d.kek = newRingKey(), keks[0]
		if d.slots, err = wrapAll(ctx, r.calls, keks, d.ringKey); err != nil {
			return nil, err
		}
		return []logEntry{{what: "rewrap"}}, nil
	})
}

// KEKs loads the ring and returns the ids of the key encryption keys that open it. It returns
// the errors of [Open].
func (r *Ring) KEKs(ctx context.Context) ([]string, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(s.slots))
	for _, slot := range s.slots {
		ids = append(ids, slot.KEK)
	}
	return ids, nil
}
