package keyring

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/patience"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Checkpoint names one written generation of a ring. The same number on a forked copy of the
// ring has another Checkpoint. A process that keeps the last checkpoint that it saw, outside
// the store, notices when the store is set back; see [Memory]. The zero Checkpoint stands for
// nothing seen. A Checkpoint is not a secret.
type Checkpoint struct {
	Generation uint64 `json:"generation"` // counts the writes of the ring, from 1
	Nonce      string `json:"nonce"`      // random for each write

	// Ring is the identity of the ring, random and the same for ever. It tells two rings apart,
	// wherever they lie. It is empty for a ring that was last written before rings had an
	// identity; the next change of the ring makes one.
	Ring string `json:"ring,omitempty"`
}

// Memory keeps over restarts which ring was seen at one place, and the newest checkpoint of
// each ring, outside the store: in a file (filestore.NewMemory), or in a table of another
// database. With it a process notices that the store was set back to an older ring, holds
// another ring or lost its ring, while the process did not run. A Memory is safe for
// concurrent use, by many processes if they share it.
type Memory interface {
	// Load returns the newest checkpoint of the ring that was seen at this place, the zero
	// Checkpoint if there is none, and the newest checkpoint of every ring that was seen
	// anywhere. A Memory that serves only one place may return nil rings. Open and Create call
	// Load once, before they ask the store. An error of Load ends Open and Create.
	Load(ctx context.Context) (here Checkpoint, rings []Checkpoint, err error)

	// Save keeps newest.Ring as the ring of this place, and newest as the newest checkpoint of
	// that ring. When the Memory has a higher generation of the same ring, another process was
	// faster, and Save keeps the higher one. The checkpoint is durable when Save returns. Open,
	// Create, every change and Run call Save for a checkpoint that this Ring has not saved yet.
	// Open does not call it for a ring that it refuses. An error of Save ends Open and Create. It
	// does not undo a change: Run reports the error and saves again.
	Save(ctx context.Context, newest Checkpoint) error
}

// sightings are the checkpoints in a Memory.
type sightings struct {
	here  Checkpoint
	rings []Checkpoint
}

// newest returns the newest checkpoint of the ring with this identity, the zero Checkpoint for
// none. A ring of version 1 has no identity, so only the checkpoint of its place is known.
func (s sightings) newest(identity string) (newest Checkpoint) {
	for _, c := range s.rings {
		if identity != "" && c.Ring == identity && c.Generation > newest.Generation {
			newest = c
		}
	}
	return newest
}

// rollback is the error for a store that does not hold the ring that was seen.
type rollback struct {
	text  string
	cause error // nil, or the error of the store
}

func (e *rollback) Error() string { return "keyring: " + e.text }

func (e *rollback) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrRollback}
	}
	return []error{ErrRollback, e.cause}
}

// vanished returns the error for a store that lost its ring. Its text does not advise to make a
// new ring: a volume that is not mounted looks the same.
func vanished(seen Checkpoint, cause error) error {
	return &rollback{fmt.Sprintf("the ring is gone: the store is empty, and a ring was seen here at generation %d: "+
		"is the volume mounted? put the ring back", seen.Generation), cause}
}

// checkSeen returns nil if d can be the generation with the checkpoint seen, or a later one of
// the same ring. Otherwise it returns a rollback that says how they differ.
func (d *document) checkSeen(seen Checkpoint) error {
	var text string
	switch {
	case d.succeeds(seen):
		return nil
	case d.isRing(seen) && d.Generation < seen.Generation:
		text = fmt.Sprintf("the ring was rolled back: it is at generation %d, and generation %d was seen before", d.Generation, seen.Generation)
	case d.isRing(seen) && d.Generation == seen.Generation:
		text = fmt.Sprintf("the ring is forked: it is at generation %d, and so was another version of it that was seen before", d.Generation)
	case d.isRing(seen):
		text = fmt.Sprintf("the ring is forked: it is at generation %d, and was not made from generation %d that was seen before", d.Generation, seen.Generation)
	case d.Identity == "":
		text = fmt.Sprintf("the ring was rolled back: it is at generation %d in an old format, and generation %d of the ring %s was seen here",
			d.Generation, seen.Generation, seen.Ring)
	default:
		text = fmt.Sprintf("the ring was exchanged: the ring %s is here at generation %d, and the ring %s was seen here at generation %d",
			d.Identity, d.Generation, seen.Ring, seen.Generation)
	}
	return &rollback{text: text}
}

func (d *document) checkpoint() Checkpoint {
	return Checkpoint{Generation: d.Generation, Nonce: d.Nonce, Ring: d.Identity}
}

// succeeds reports whether d was made from the document of the checkpoint seen, by any number
// of writes, or whether seen is zero. The history has the last 64 writes. If seen is older than
// these, a higher generation suffices.
func (d *document) succeeds(seen Checkpoint) bool {
	return seen == (Checkpoint{}) || d.isRing(seen) && (d.contains(seen) || d.Generation > seen.Generation+historyLength)
}

// isRing reports whether seen can be a checkpoint of this ring. A checkpoint of version 1 names
// no ring. A ring of version 2 never becomes one of version 1 again.
func (d *document) isRing(seen Checkpoint) bool { return seen.Ring == "" || seen.Ring == d.Identity }

// contains reports whether seen is this generation or one in its history.
func (d *document) contains(seen Checkpoint) bool {
	pair := Checkpoint{Generation: seen.Generation, Nonce: seen.Nonce}
	return d.isRing(seen) && (pair == Checkpoint{Generation: d.Generation, Nonce: d.Nonce} || slices.Contains(d.History, pair))
}

// remember saves the newest checkpoint, unless the memory has it. While one save hangs, the
// next one waits for it, for maxPatience at most: if both ran at once, the older one could end
// last.
func (r *Ring) remember(ctx context.Context) error {
	if r.memory == nil {
		return nil
	}
	_, _, err := patience.Within(ctx, r.calls, patience.Bound{Who: "it", Limit: maxPatience}, func(ctx context.Context) (struct{}, error) {
		if err := r.saving.Lock(ctx); err != nil {
			return struct{}{}, err
		}
		defer r.saving.Unlock()
		newest := r.state.newest()
		if r.saved == newest {
			return struct{}{}, nil
		}
		err := r.memory.Save(ctx, newest)
		if err == nil {
			r.saved = newest
		}
		return struct{}{}, err
	})
	if err != nil {
		return fmt.Errorf("keyring: the memory of the ring cannot be kept: %w", err)
	}
	return nil
}

// Checkpoint returns the checkpoint of the newest generation that this Ring saw. It asks
// neither the store nor the memory.
func (r *Ring) Checkpoint() Checkpoint {
	if r.isOpen() != nil {
		return Checkpoint{}
	}
	return r.snapshot.Load().document.checkpoint()
}

// Log loads the ring and returns the last 256 events of its log, oldest first. It returns the
// errors of [Open].
func (r *Ring) Log(ctx context.Context) ([]Event, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.document.Log), nil
}

// stamp makes d the generation after previous, in the newest version of the format. A ring
// that has no identity gets one.
func (d *document) stamp(previous Checkpoint, now time.Time, log ...logEntry) {
	if previous != (Checkpoint{}) {
		previous.Ring = ""
		d.History = append(d.History, previous)
		d.History = d.History[max(0, len(d.History)-historyLength):]
	}
	if d.Version = documentVersion; d.Identity == "" {
		d.Identity = randomText(identitySize)
	}
	d.bury()
	d.Generation, d.Nonce = previous.Generation+1, randomText(nonceSize)
	by := shorten(actor())
	for _, e := range log {
		d.Log = append(d.Log, Event{Time: utc(now), Generation: d.Generation, By: by, What: shorten(e.what), KeyID: e.kid})
	}
	d.Log = d.Log[max(0, len(d.Log)-logLength):]
}

func randomText(size int) string {
	b := make([]byte, size)
	rand.Read(b)
	return strict.EncodeBase64URL(b)
}

// actor returns the user and the host that change the ring, for its log.
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

// shorten cuts a text, between two characters, so that JSON spells it in at most maxText bytes.
func shorten(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "")
	spelled := 0
	for i, r := range s {
		text, _ := json.Marshal(string(r))
		if spelled += len(text) - len(`""`); spelled > maxText {
			return s[:i]
		}
	}
	return s
}
