package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/ringv1"
	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	// reloadAfter is the age at which a snapshot is reloaded inside Seal and Open. The reload
	// comes sooner where the policy's SnapshotAge is less than four times as long.
	reloadAfter = time.Minute
	// reloadCooldown keeps a store that is down, and clients that send unknown kids, from
	// causing a load for every token.
	reloadCooldown = 5 * time.Second
)

func (s *snapshot) reloadAfter() time.Duration    { return min(reloadAfter, s.policy.SnapshotAge/4) }
func (s *snapshot) reloadCooldown() time.Duration { return min(reloadCooldown, s.policy.SnapshotAge/8) }

// snapshot is a ring as it was loaded or written. It is not changed once readers can see it.
type snapshot struct {
	document *document
	config   keys.SetConfig
	set      *keys.Set // of config
	policy   Policy
	version  string // the version that the store gave
	size     int    // of the stored ring, in bytes
	slots    []slot
	ringKey  secretBytes
	kek      KEK // the KEK that unwrapped ringKey
	loaded   time.Time
	look     uint64 // the number of the look that found it, or of the write that made it
}

// isOpen returns [ErrConfig] for a nil or a zero Ring.
func (r *Ring) isOpen() error {
	if r == nil || r.snapshot.Load() == nil {
		return errZeroRing
	}
	return nil
}

var errZeroRing = fmt.Errorf("%w: a nil or zero Ring has no store: use OpenOrCreate, Create or Open", ErrConfig)

// lastError returns the reason why the last load failed, nil if the last load succeeded.
func (r *Ring) lastError() error {
	if why := r.why.Load(); why != nil {
		return *why
	}
	return nil
}

// read makes a snapshot of a blob. If the slots are the same as in old, it takes the ring key
// of old: to unwrap it again would stretch a passphrase for half a second.
func (r *Ring) read(ctx context.Context, data []byte, old *snapshot) (*snapshot, error) {
	b, err := parseBlob(data)
	if err != nil {
		return nil, err
	}
	var (
		key secretBytes
		kek KEK
	)
	if old != nil && digestSlots(b.Slots) == digestSlots(old.slots) {
		key, kek = old.ringKey, old.kek
	} else if key, kek, err = r.unwrap(ctx, b, old); err != nil {
		return nil, err
	}
	d, err := b.open(key)
	if err != nil {
		return nil, err
	}
	s, err := newSnapshot(d, b.Slots, key)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnreadable, err)
	}
	s.kek = kek
	return s, nil
}

var errOtherVersion = errors.New("it was written by another version of sealjwt: use that one or a newer one")

// decodeDocument reads a document that has been authenticated. It refuses a member that it does
// not know, because the next write would lose that member.
func decodeDocument(data []byte) (*document, error) {
	o, err := strict.ParseObject(data)
	if err != nil {
		return nil, err
	}
	switch version, _ := o.Raw("v"); string(version) {
	case "1":
		data, err = ringv1.Upgrade(data)
	case "2":
	default:
		return nil, errOtherVersion
	}
	var d document
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err != nil || decoder.Decode(&d) != nil {
		return nil, errOtherVersion
	}
	if id, err := strict.DecodeBase64URL(d.Identity); d.Version != 1 && (err != nil || len(id) != identitySize) {
		return nil, fmt.Errorf("it has no identity")
	}
	return &d, nil
}

// newSnapshot makes a snapshot with the keys of a document. It also validates the document: a
// document passes here when it is loaded, and before a change of the ring writes it.
func newSnapshot(d *document, slots []slot, key secretBytes) (*snapshot, error) {
	cfg, err := d.setConfig()
	if err != nil {
		return nil, err
	}
	set, err := keys.NewSet(cfg)
	if err != nil {
		return nil, err
	}
	policy, err := d.Policy.policy()
	if err != nil {
		return nil, err
	}
	return &snapshot{document: d, config: cfg, set: set, policy: policy, slots: slots, ringKey: key}, nil
}

// age returns the larger of the ages by the wall clock and by the monotonic clock. The wall
// clock can be set back, and the monotonic clock stands still while the machine sleeps.
func (s *snapshot) age(now time.Time) time.Duration {
	return max(now.Sub(s.loaded), now.Round(0).Sub(s.loaded.Round(0)))
}

// tooOld returns the set of a snapshot that may decrypt and nothing else.
func (s *snapshot) tooOld(age time.Duration, why error) (*keys.Set, error) {
	cfg := s.config
	cfg.Stale = staleError(age, why)
	return keys.NewSet(cfg)
}

func staleError(age time.Duration, why error) error {
	err := fmt.Errorf("%w: its snapshot is %v old", keys.ErrStale, age.Round(time.Second))
	if why != nil {
		err = fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// Published returns the JWK Set of the ring without asking the store, so that a server does
// not keep its clients waiting for a store that hangs. maxAge is the policy's MaxAge: for so
// long a client need not ask again. due reports that the snapshot is so old that PublicKeys
// would reload it. The server must have the ring reloaded, by Run or, when due is true, by
// PublicKeys.
//
// It returns [keys.ErrStale] when the snapshot is too old to publish, with maxAge and due
// set.
func (r *Ring) Published() (set *keys.PublicSet, maxAge time.Duration, due bool, err error) {
	if err := r.isOpen(); err != nil {
		return nil, 0, false, err
	}
	s := r.snapshot.Load()
	age := s.age(r.now())
	maxAge, due = s.policy.MaxAge, age >= s.reloadAfter()
	if age > s.policy.SnapshotAge {
		return nil, maxAge, due, staleError(age, r.lastError())
	}
	set, err = s.set.PublicKeys(context.Background(), "")
	return set, maxAge, due, err
}

// Fullness loads the ring and returns how much of its room it takes: 0 is empty, and 1 is full. A
// ring that is full takes no new key, so it no longer rotates. A revocation still has room for
// thousands of keys, and makes the ring fuller than 1. Daily keys for both uses fill half of it
// in 35 years; before it is full, make a new ring. It returns the errors of [Open].
func (r *Ring) Fullness(ctx context.Context) (float64, error) {
	s, err := r.load(ctx)
	if err != nil {
		return 0, err
	}
	return float64(s.size) / maxRing, nil
}
