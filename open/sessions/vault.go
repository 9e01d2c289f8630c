package sessions

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// vaultAge is how long Start and Run use the registry's document before they read it again. Refresh
// and the other methods read it more often.
const vaultAge = time.Second

// maxKeys is how many keys of the registry there are at most: the current and the previous key.
const maxKeys = 2

// sealedVault is the registry's document as the store keeps it. A root key encrypts the body.
// keyring.WrapSecret encrypts the root key under each KEK, in one slot for each, as in a ring. So
// a process that has only one of the KEKs can change the body and copy the slots unread.
type sealedVault struct {
	Version int             `json:"v"`
	Root    json.RawMessage `json:"root"`
	Body    []byte          `json:"body"`
}

// vaultBody is the plaintext of the body.
type vaultBody struct {
	Issuer     string      `json:"issuer"`
	Keys       []storedKey `json:"keys"`                // the newest, which is in use, is the last
	RolledBack time.Time   `json:"rolledBack,omitzero"` // when the store went back; no refresh while set
	Accepted   time.Time   `json:"accepted,omitzero"`   // when Accept or EndEverything was called
}

type storedKey struct {
	ID      string    `json:"id"`
	Secret  []byte    `json:"secret"`
	Created time.Time `json:"created"`
}

// registryKey is a key of the registry with the keys that are derived from it. The secret is a
// function and not a slice, since fmt prints the bytes of unexported fields.
type registryKey struct {
	redacted
	id                  string
	created             time.Time
	secret              func() []byte
	refreshing, subject []byte
}

// vault is the registry's document, opened.
type vault struct {
	redacted
	vaultBody
	version string // the version that the store gave to the document
	at      []byte // the document as it was loaded
	sealed  []byte // the root key, wrapped
	root    []byte
	keys    []*registryKey // as in the body
	loaded  time.Time      // when the store was asked for it
}

func newStoredKey(now time.Time) storedKey {
	k := storedKey{Secret: make([]byte, keySize), Created: now.UTC().Truncate(time.Second)}
	id := make([]byte, keyIDSize)
	rand.Read(k.Secret)
	rand.Read(id)
	k.ID = strict.EncodeBase64URL(id)
	return k
}

// current returns the key that is in use.
func (v *vault) current() *registryKey { return v.keys[len(v.keys)-1] }

// key returns the key with this id, nil if there is none.
func (v *vault) key(id string) *registryKey {
	if i := slices.IndexFunc(v.keys, func(k *registryKey) bool { return k.id == id }); i >= 0 {
		return v.keys[i]
	}
	return nil
}

// seal returns the document as the store keeps it.
func (v *vault) seal() ([]byte, error) {
	body, err := json.Marshal(v.vaultBody)
	if err != nil {
		return nil, err
	}
	defer clear(body)
	sealed, err := encrypt(derive(v.root, forDocument, v.Issuer), body, v.sealed)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealedVault{1, v.sealed, sealed})
}

// openVault decrypts a document. If the wrapped root key is the same as in old, openVault does not
// unwrap it again, because deriving a KEK from a passphrase takes half a second.
func openVault(ctx context.Context, doc []byte, kek keyring.KEK, issuer string, old *vault) (*vault, error) {
	if _, err := strict.ParseObject(doc); err != nil {
		return nil, fmt.Errorf("%w: the document of the keys cannot be read", ErrDamaged)
	}
	var s sealedVault
	if err := json.Unmarshal(doc, &s); err != nil || s.Version != 1 {
		return nil, fmt.Errorf("%w: the document of the keys has a form that this version of sealjwt does not know", ErrDamaged)
	}
	v := &vault{at: slices.Clone(doc), sealed: s.Root}
	if old != nil && slices.Equal(old.sealed, s.Root) {
		v.root = old.root
	} else {
		root, err := keyring.UnwrapSecret(ctx, s.Root, kek)
		if err != nil {
			return nil, err
		}
		v.root = root
	}
	body, err := decrypt(derive(v.root, forDocument, issuer), s.Body, s.Root)
	if err != nil {
		return nil, fmt.Errorf("%w: the keys are damaged, or of another issuer than %q", err, issuer)
	}
	defer clear(body)
	if json.Unmarshal(body, &v.vaultBody) != nil || v.Issuer != issuer || len(v.Keys) == 0 || len(v.Keys) > maxKeys {
		return nil, fmt.Errorf("%w: the document of the keys", ErrDamaged)
	}
	return v, v.derive()
}

// derive checks the keys of the body, and derives from each the keys that are used.
func (v *vault) derive() error {
	v.keys = nil
	for _, k := range v.Keys {
		if id, err := strict.DecodeBase64URL(k.ID); err != nil || len(id) != keyIDSize || len(k.Secret) != keySize || v.key(k.ID) != nil {
			return fmt.Errorf("%w: the document of the keys", ErrDamaged)
		}
		v.keys = append(v.keys, &registryKey{
			id: k.ID, created: k.Created, secret: func() []byte { return k.Secret },
			refreshing: derive(k.Secret, forRefresh, v.Issuer), subject: derive(k.Secret, forSubject, v.Issuer),
		})
	}
	return nil
}

// newVault makes the keys of an empty store.
func newVault(ctx context.Context, kek keyring.KEK, issuer string, now time.Time) (*vault, error) {
	v := &vault{vaultBody: vaultBody{Issuer: issuer, Keys: []storedKey{newStoredKey(now)}}}
	return v, errors.Join(v.rewrap(ctx, kek), v.derive())
}

// rewrap makes a new random root key and encrypts it for the KEKs.
func (v *vault) rewrap(ctx context.Context, keks ...keyring.KEK) (err error) {
	root := make([]byte, keySize)
	rand.Read(root)
	v.root = root
	v.sealed, err = keyring.WrapSecret(ctx, root, keks...)
	return err
}
