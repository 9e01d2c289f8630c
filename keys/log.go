package keys

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// Log loads the ring and returns its last 256 changes, oldest first.
func (r *Ring) Log(ctx context.Context) ([]Event, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.document.Log), nil
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
