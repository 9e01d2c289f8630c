package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	blobVersion = 1
	maxSlots    = 8
	ringHeader  = `{"alg":"dir","enc":"A256CBC-HS512"}`
)

// blob is a ring at rest: the document encrypted under a random ring key, and
// that key wrapped once for each KEK. A writer that knows one KEK copies the
// other slots unread.
type blob struct {
	Version int    `json:"v"`
	Slots   []slot `json:"slots"`
	Ring    string `json:"ring"`
}

type slot struct {
	KEK string `json:"kek"` // id of the KEK
	JWE string `json:"jwe"` // the ring key, wrapped
}

// parseBlob reads what a store holds. Damage of any kind is one error.
func parseBlob(data []byte) (blob, error) {
	o, err := strict.ParseObject(data)
	if err != nil {
		return blob{}, ErrUnreadable
	}
	if v, _ := o.Raw("v"); string(v) != fmt.Sprint(blobVersion) {
		return blob{}, fmt.Errorf("%w (a format that this version of sealjwt does not know)", ErrUnreadable)
	}
	var b blob
	if err := json.Unmarshal(data, &b); err != nil {
		return blob{}, ErrUnreadable
	}
	// One spelling only: what differs from it was not written by us.
	if again, err := json.Marshal(b); err != nil || !bytes.Equal(again, data) {
		return blob{}, ErrUnreadable
	}
	if len(b.Slots) == 0 || len(b.Slots) > maxSlots {
		return blob{}, ErrUnreadable
	}
	for i, s := range b.Slots {
		if slices.ContainsFunc(b.Slots[:i], func(t slot) bool { return t.KEK == s.KEK }) {
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
		key, err := kek.Unwrap(ctx, WrappedKey{JWE: s.JWE})
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

// open decrypts the document and checks that it was written beside these slots:
// else a slot could be taken from another ring or an older file.
func (b blob) open(ringKey secretBytes) (*document, error) {
	p, err := splitJWE(b.Ring)
	if err != nil || string(p.header) != ringHeader || len(p.encryptedKey) != 0 {
		return nil, ErrUnreadable
	}
	plaintext, err := decryptJWE(b.Ring, jose.DIRECT, ringKey())
	if err != nil {
		return nil, err
	}
	d, err := decodeDocument(plaintext)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnreadable, err)
	}
	if d.Slots != digestSlots(b.Slots) {
		return nil, ErrUnreadable
	}
	return d, nil
}

// sealBlob encrypts d beside slots, and reads the result back: what cannot be
// opened must not replace what can.
func sealBlob(d *document, slots []slot, ringKey secretBytes) ([]byte, error) {
	d.Slots = digestSlots(slots)
	plaintext, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	jwe, err := encryptJWE(jose.Recipient{Algorithm: jose.DIRECT, Key: ringKey()}, plaintext)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(blob{blobVersion, slots, jwe})
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

// wrap returns the slot of a KEK for a ring key.
func wrap(ctx context.Context, kek KEK, key secretBytes) (slot, error) {
	w, err := kek.Wrap(ctx, key())
	return slot{kek.ID(), w.JWE}, err
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
	rand.Read(key)
	return newSecret(key)
}
