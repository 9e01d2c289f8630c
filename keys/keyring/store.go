package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
	"github.com/sealjwt/sealjwt/keys/internal/patience"
	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
)

// Store keeps one ring document: in a file (package filestore), in memory ([NewMemStore]), in a
// database (such as package sqlstore). A Store sees an opaque blob that is already encrypted. It
// never parses the blob and holds no key.
//
// A Store is safe for concurrent use, by many goroutines and, unless it says otherwise, by many
// processes. Both methods are linearizable: a Load that starts after a Swap returned sees what
// that Swap wrote, or a later write, and of two Swaps that start from the same version at most
// one succeeds. What a successful Swap wrote is durable when it returns. Every implementation
// must pass the suite in package storetest.
//
// A Ring waits about ten seconds at most for each call, and then goes on without the answer. Both
// methods should end with their context.
type Store interface {
	// Load returns the document and its version. The version is a name that the store chooses for
	// this content. It is never empty and has meaning for Swap only.
	//
	// It returns [ErrNoRing] when the store has no document. After any other error the caller
	// does not know whether there is a ring.
	Load(ctx context.Context) (doc []byte, version string, err error)

	// Swap replaces the document if its version is still prev, and returns the
	// new version. An empty prev creates: it succeeds only if there is no
	// document yet. The store keeps no reference to doc.
	//
	// It returns [ErrConflict] when the version is another one by now (nothing was written; load
	// and decide again), and [ErrUnknownOutcome] when the document may or may not have been
	// written (load and compare). An error that is [ErrNotDurable] too says that the document was
	// written, and that a power cut may take it back. A Load cannot tell whether the document is
	// still at risk. With any other error nothing was written.
	Swap(ctx context.Context, prev string, doc []byte) (version string, err error)
}

// Watcher is a [Store] that tells [Ring.Run] when its document may have changed. A Store need
// not be a Watcher: the watch is only a hint, and Run looks by its own clock too. Run asks for
// a watch again when one has ended, first after about a second and then less often.
type Watcher interface {
	// Watch watches the document until ctx is done or the watch is lost, and returns the
	// reason. It calls sign(true) for each change. While there is no change, it calls
	// sign(false) at least every two seconds, and only after the server has shown that the
	// watch still works. It returns when the server has been silent for five seconds. A store
	// that cannot know whether its watch works never calls sign(false).
	//
	// Watch calls sign only once the watch is established, so that Run, which loads the ring at
	// the first sign, misses no change. sign does not block, and merges many changes into one
	// load. Watch is safe for concurrent use.
	Watch(ctx context.Context, sign func(changed bool)) error
}

// The errors of a Store, for errors.Is.
var (
	// ErrNoRing says that the store is empty: create a ring first.
	ErrNoRing = errors.New("keyring: there is no ring here yet")

	// ErrConflict says that another process swapped first and nothing was written.
	ErrConflict = errors.New("keyring: another process has changed the ring meanwhile")

	// ErrUnknownOutcome says that the write may or may not have happened.
	ErrUnknownOutcome = errors.New("keyring: it is not known whether the ring was written")

	// ErrNotDurable says that the ring was written, and that a power cut may take the write back.
	// It is an ErrUnknownOutcome too.
	ErrNotDurable = fmt.Errorf("%w for good", ErrUnknownOutcome)
)

// NewMemStore returns an empty [Store] that lives in memory and is gone with the
// process: for tests. It passes the suite in package storetest, except that
// nothing it keeps is durable or seen by another process.
func NewMemStore() Store { return new(memStore) }

type memStore struct {
	mu    sync.Mutex
	doc   []byte
	swaps uint64 // how often doc was written, which makes it the version; 0 is empty
}

func (m *memStore) Load(ctx context.Context) ([]byte, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.swaps == 0 {
		return nil, "", ErrNoRing
	}
	return bytes.Clone(m.doc), m.version(), nil
}

func (m *memStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if prev != m.version() {
		return "", ErrConflict
	}
	m.doc = bytes.Clone(doc)
	m.swaps++
	return m.version(), nil
}

// version returns a counter and not a hash of the document: a store in a database
// usually counts too, and a test should not come to rely on equal content
// having an equal version.
func (m *memStore) version() string {
	if m.swaps == 0 {
		return ""
	}
	return strconv.FormatUint(m.swaps, 10)
}

// checkKEKs refuses an empty list, more KEKs than a ring has slots for, and a nil KEK.
func checkKEKs(keks []KEK) error {
	if len(keks) == 0 || len(keks) > maxSlots {
		return fmt.Errorf("%w: give 1 to %d key encryption keys", ErrState, maxSlots)
	}
	if slices.ContainsFunc(keks, func(k KEK) bool { return nilcheck.IsNil(k) }) {
		return fmt.Errorf("%w: one is nil", ErrKEK)
	}
	return nil
}

// wrapAll returns a slot for each KEK.
func wrapAll(ctx context.Context, c patience.Calls, keks []KEK, key secretBytes) ([]slot, error) {
	var all []slot
	for _, kek := range keks {
		own, err := wrap(ctx, c, kek, key)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(s slot) bool { return s.KEK == own.KEK }) {
			return nil, fmt.Errorf("%w: the KEK %s is given twice", keys.ErrDuplicate, own.KEK)
		}
		all = append(all, own)
	}
	return all, nil
}

// maxSecret is the length in bytes of a secret that WrapSecret takes.
const maxSecret = 4 << 10

// secretDocument is the plaintext of a secret at rest.
type secretDocument struct {
	Slots  string `json:"slots"` // digest of the slots of the blob that holds this secret
	Secret []byte `json:"secret"`
}

// WrapSecret encrypts a secret of 1 to 4096 bytes in the form of a ring at rest: one slot for
// each of 1 to 8 KEKs, and a compact JWE under a fresh key that each slot wraps. It is for a
// service that keeps a secret of its own, as package sessions does, in a store of its own. A
// secret does not pass for a ring, nor a ring for a secret. To drop a KEK, unwrap the secret and
// wrap it with every KEK that stays.
//
// It returns [ErrState] for another number of KEKs or bytes, [ErrKEK] for a nil KEK,
// [keys.ErrDuplicate] for two with one id, and the errors of the KEKs. It waits for each KEK
// for ten seconds at most.
func WrapSecret(ctx context.Context, secret []byte, keks ...KEK) (doc []byte, err error) {
	if len(secret) == 0 || len(secret) > maxSecret {
		return nil, fmt.Errorf("%w: a secret has 1 to %d bytes, and this one has %d", ErrState, maxSecret, len(secret))
	}
	if err := checkKEKs(keks); err != nil {
		return nil, err
	}
	key := newRingKey()
	slots, err := wrapAll(ctx, patience.NewCalls(), keks, key)
	if err != nil {
		return nil, err
	}
	plaintext, err := json.Marshal(secretDocument{digestSlots(slots), secret})
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	jwe, err := ringjwe.Encrypt(jose.Recipient{Algorithm: jose.DIRECT, Key: key()}, plaintext)
	if err != nil {
		return nil, err
	}
	return json.Marshal(blob{Version: blobVersion, Slots: slots, Secret: jwe})
}

// UnwrapSecret returns the secret of a document that [WrapSecret] made. It returns [ErrKEK] for
// a nil KEK, [ErrUnreadable] for a document that is damaged or has no slot for kek, and the
// errors of kek. It waits for kek for ten seconds at most.
func UnwrapSecret(ctx context.Context, doc []byte, kek KEK) (secret []byte, err error) {
	if nilcheck.IsNil(kek) {
		return nil, fmt.Errorf("%w: it is nil", ErrKEK)
	}
	if len(doc) > maxSlots*maxSlot+2*maxSecret {
		return nil, fmt.Errorf("%w (it has %d bytes)", ErrUnreadable, len(doc))
	}
	b, err := parseBlob(doc)
	if err != nil {
		return nil, err
	}
	key, _, err := patience.Within(ctx, patience.NewCalls(), patience.Bound{Who: "the key encryption key", Limit: maxPatience},
		func(ctx context.Context) (secretBytes, error) { return b.ringKey(ctx, kek) })
	if err != nil {
		return nil, err
	}
	plaintext, err := decryptDirect(b.Secret, key)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	var d secretDocument
	if json.Unmarshal(plaintext, &d) != nil || d.Slots != digestSlots(b.Slots) || len(d.Secret) == 0 {
		return nil, ErrUnreadable
	}
	return d.Secret, nil
}
