package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// RingConfig says what a new ring is for. The zero value makes a ring that both
// signs and decrypts, with the default policy.
type RingConfig struct {
	Policy Policy // its suites are those of the first keys; zero fields are defaults
	Uses   []Use  // nil means both; an issuer that never opens needs UseSig only
}

// Create makes a new ring in store, with an active key for each use and its staged
// successor, and opens it. It never replaces a ring.
//
// It returns [ErrExists] when there is one, [ErrPolicy] for a policy that cannot
// work, and the store's own errors; then nothing was written.
func Create(ctx context.Context, store Store, kek KEK, cfg RingConfig) (*Ring, error) {
	return createAt(ctx, store, kek, cfg, time.Now)
}

func createAt(ctx context.Context, store Store, kek KEK, cfg RingConfig, now func() time.Time) (*Ring, error) {
	if _, _, err := store.Load(ctx); !errors.Is(err, ErrNoRing) {
		if err != nil {
			return nil, err
		}
		return nil, ErrExists
	}
	policy := cfg.Policy.withDefaults()
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	d := &document{Version: documentVersion, Policy: newPolicyDocument(policy)}
	uses := cfg.Uses
	if len(uses) == 0 {
		uses = []Use{UseSig, UseEnc}
	}
	for i, u := range uses {
		if u != UseSig && u != UseEnc || slices.Contains(uses[:i], u) {
			return nil, fmt.Errorf("%w: the uses of a ring are sig, enc or both", ErrPolicy)
		}
		for _, state := range []State{Active, Staged} {
			k, err := Generate(policy.forUse(u).Suite)
			if err != nil {
				return nil, err
			}
			if err := d.add(k, state, now()); err != nil {
				return nil, err
			}
		}
	}
	key := newRingKey()
	wrapped, err := kek.wrap(key())
	if err != nil {
		return nil, err
	}
	d.stamp(Mark{}, now(), entry{what: "create"})
	data, err := sealBlob(d, []slot{{kek.id(), wrapped}}, key)
	if err != nil {
		return nil, err
	}
	_, err = store.Swap(ctx, "", data)
	if errors.Is(err, ErrConflict) {
		return nil, ErrExists
	}
	if err != nil && !errors.Is(err, ErrUnknownOutcome) {
		return nil, err
	}
	r, openErr := openAt(ctx, store, kek, now)
	if err != nil && (openErr != nil || !r.snapshot.Load().document.contains(d.mark())) {
		return nil, err
	}
	return r, openErr
}

// Import puts a key from elsewhere into the ring, as staged, active or retired. A
// retired signing key only verifies, so its private half is dropped and a public
// key will do; any other needs its private half.
//
// It returns [ErrState] when state is another one, or is [Active] while the ring
// has an active key for that use; [ErrDuplicate] when the ring holds the key or
// once held it; [ErrNoKey] without a private half. Then nothing was written.
func (r *Ring) Import(ctx context.Context, k *Key, state State) error {
	return r.change(ctx, func(d *draft) ([]entry, error) {
		switch state {
		case Staged, Retired:
		case Active:
			if slices.ContainsFunc(d.Keys, func(o record) bool { return o.Use == k.Use() && !o.Activated.IsZero() }) {
				return nil, fmt.Errorf("%w: the ring has an active key for use %s; import this one as staged", ErrState, k.Use())
			}
		default:
			return nil, fmt.Errorf("%w: a key is imported as staged, active or retired", ErrState)
		}
		return []entry{{"import as " + string(state), k.id}}, d.add(k, state, r.now())
	})
}

// ImportInsecurely is Import of an active key that takes over at once, without
// waiting until others can know it; the key that was active retires. Tokens fail
// until they do: it is for moving from another system, before the first token.
func (r *Ring) ImportInsecurely(ctx context.Context, k *Key) error {
	return r.change(ctx, func(d *draft) ([]entry, error) {
		log := []entry{{"import as active", k.id}}
		if old := d.find(k.Use(), Active); old != nil {
			if err := old.retire(r.now()); err != nil {
				return nil, err
			}
			log = append(log, entry{string(Retire), old.ID})
		}
		return log, d.add(k, Active, r.now())
	})
}

// draft is a ring that is about to be written.
type draft struct {
	*document
	slots   []slot
	ringKey hidden
	kek     KEK // of this process
}

// entry is a line for the log: what was done, and to which key.
type entry struct{ what, kid string }

// errUnchanged is how an edit says that there is nothing to write.
var errUnchanged = errors.New("nothing to change")

// change loads, decides and swaps until nobody came between. edit may be called
// several times, each time on a fresh copy; it returns what to log. With
// errUnchanged it ends without a write and without an error.
func (r *Ring) change(ctx context.Context, edit func(*draft) ([]entry, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		s, err := r.loadLocked(ctx)
		if err != nil {
			return err
		}
		next := &draft{s.document.clone(), s.slots, s.ringKey, r.kek}
		log, err := edit(next)
		if errors.Is(err, errUnchanged) {
			return nil
		}
		if err != nil {
			return err
		}
		done, err := r.swap(ctx, s, next, log)
		if done || err != nil {
			return err
		}
	}
}

// swap writes next in place of s. It is not done when somebody else came first,
// and when a write whose outcome was unknown did not happen.
func (r *Ring) swap(ctx context.Context, s *snapshot, next *draft, log []entry) (done bool, err error) {
	next.stamp(s.document.mark(), r.now(), log...)
	if _, err := next.set(); err != nil {
		return false, err
	}
	data, err := sealBlob(next.document, next.slots, next.ringKey)
	if err != nil {
		return false, err
	}
	_, err = r.store.Swap(ctx, s.version, data)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	old := r.kek
	if err == nil {
		r.kek, r.seen = next.kek, next.mark()
	}
	after, loadErr := r.loadLocked(ctx)
	if errors.Is(err, ErrUnknownOutcome) && errors.Is(loadErr, ErrUnreadable) {
		// If it was written, the KEK may be another one.
		r.kek = next.kek
		if after, loadErr = r.loadLocked(ctx); loadErr != nil {
			r.kek = old
		}
	}
	if !errors.Is(err, ErrUnknownOutcome) || loadErr != nil {
		return err == nil, err
	}
	// The nonce of the write settles whether it happened.
	return after.document.contains(next.mark()), nil
}

func (d *document) clone() *document {
	c := *d
	c.History = slices.Clone(d.History)
	c.Keys = slices.Clone(d.Keys)
	c.Log = slices.Clone(d.Log)
	c.Former = slices.Clone(d.Former)
	return &c
}

func (d *document) add(k *Key, state State, now time.Time) error {
	r, err := newRecord(k, state)
	if err != nil {
		return err
	}
	r.Created = utc(now)
	switch state {
	case Active:
		r.Activated = r.Created
	case Retired:
		r.Retired = r.Created
	}
	r.Windows = d.widestWindows(now)
	d.Keys = append(d.Keys, r)
	return nil
}

// stamp makes d the generation after previous.
func (d *document) stamp(previous Mark, now time.Time, log ...entry) {
	if previous != (Mark{}) {
		d.History = append(d.History, previous)
		d.History = d.History[max(0, len(d.History)-historyLength):]
	}
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	d.Generation, d.Nonce = previous.Generation+1, strict.EncodeBase64URL(nonce)
	for _, e := range log {
		d.Log = append(d.Log, Event{Time: utc(now), Generation: d.Generation, By: actor(), What: e.what, KeyID: e.kid})
	}
	d.Log = d.Log[max(0, len(d.Log)-logLength):]
}

// utc drops what would make two writes of the same time differ.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }

// actor names who changes the ring, for its log.
func actor() string {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
