package keyring

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// State is where a key stands in its life (NIST SP 800-57 part 1 section 7).
type State string

// The states. A destroyed or revoked key never comes into use again.
const (
	Staged    State = "staged"    // pre-activation: other processes and parties get it early
	Active    State = "active"    // in use; at most one for each use of a ring
	Retired   State = "retired"   // deactivated: still verifies, still opens
	Destroyed State = "destroyed" // a tombstone, so that its kid never comes back
	Revoked   State = "revoked"   // compromised; a tombstone, or a decryption key that still opens
)

const (
	documentVersion = 2
	nonceSize       = 16 // bytes
	identitySize    = 16 // bytes
)

// The bounds of a ring. Because of them only the compact tombstones grow without end: by 22 bytes
// of the stored ring for each key that the ring made, and by more for an imported key.
// window.MaxFormers bounds the former policies.
const (
	historyLength = 64  // earlier writes, as pairs of generation and nonce, that a ring remembers
	logLength     = 256 // events in the log of a ring
	endedLength   = 256 // keys that ended last, of which a ring still has the dates and the reasons
	maxText       = 256 // bytes of a reason, and of each text of an event, as JSON spells it
	// maxHeld is the number of keys that a ring holds at most. A rotation then waits until a
	// retired key is destroyed. A revocation makes room for a new active key.
	maxHeld = 64
	// maxRing is the size in bytes beyond which a stored ring takes no new key, except in a
	// revocation. Every Store takes half a megabyte more.
	maxRing = 3 << 19
)

// document is the content of a ring before it is encrypted. It never changes once other
// goroutines can see it: a change makes a new document. A document of version 1 has neither an
// identity nor compact tombstones; stamp makes it a document of version 2.
type document struct {
	Version    int            `json:"v"`
	Identity   string         `json:"ring,omitempty"` // random, base64url, the same for ever
	Generation uint64         `json:"generation"`
	Nonce      string         `json:"nonce"`
	Slots      string         `json:"slots"` // SHA-256 of the slots of the blob, base64url
	History    []Checkpoint   `json:"history,omitempty"`
	Policy     policyDocument `json:"policy"`
	Former     window.Formers `json:"former,omitempty"`

	// Keys are the keys that the ring holds, and the tombstones of the 256 keys that ended last.
	// Ended has the compact tombstones of all keys that ended before.
	Keys  []record      `json:"keys"`
	Ended tombstone.Set `json:"ended,omitzero"`

	Log []Event `json:"log,omitempty"`
}

// stateOf returns the state of a key that has a compact tombstone.
func stateOf(t tombstone.Tombstone) State {
	if t.Revoked {
		return Revoked
	}
	return Destroyed
}

// record is one key and its life.
type record struct {
	ID string `json:"kid"`

	// Thumbprint is empty in a tombstone whose kid is the first 16 characters of the thumbprint.
	Thumbprint string `json:"thumbprint,omitempty"`

	Suite     string    `json:"alg"` // Suite.String, which tells the curve; the alg in JWK does not
	Use       keys.Use  `json:"use"`
	State     State     `json:"state"`
	Created   time.Time `json:"created"`
	Activated time.Time `json:"activated,omitzero"`
	Retired   time.Time `json:"retired,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`   // destroyed or revoked
	Due       time.Time `json:"due,omitzero"`     // when a look found a wait over: see MarkDue
	Reason    string    `json:"reason,omitempty"` // of the revocation

	// Windows are the largest figures that were in force while the ring held the key. JWK is the
	// private key; for a retired signing key, its public half. Both are empty in a tombstone.
	Windows window.Figures  `json:"windows,omitzero"`
	JWK     json.RawMessage `json:"jwk,omitempty"`
}

// Event is one change of a ring, for its log.
type Event struct {
	Time       time.Time `json:"time"`
	Generation uint64    `json:"generation"`    // the generation that the change wrote
	By         string    `json:"by"`            // such as user@host
	What       string    `json:"what"`          // such as "activate" or "revoke: compromised"
	KeyID      string    `json:"kid,omitempty"` // the kid of the key that changed
}

// policyDocument is the policy as a ring stores it.
type policyDocument struct {
	window.Figures
	MaxAge window.Duration   `json:"max_age"`
	Sig    sigPolicyDocument `json:"sig"`
	Enc    encPolicyDocument `json:"enc"`
}

type sigPolicyDocument struct {
	Suite  string          `json:"alg"`
	Period window.Duration `json:"period"`
}

type encPolicyDocument struct {
	Suites []string        `json:"algs"`
	Period window.Duration `json:"period"`
}

func newPolicyDocument(p Policy) policyDocument {
	return policyDocument{
		Figures: p.figures(),
		MaxAge:  window.Duration(p.MaxAge),
		Sig:     sigPolicyDocument{p.Sig.Suites[0].String(), window.Duration(p.Sig.Period)},
		Enc:     encPolicyDocument{suiteNames(p.Enc.Suites), window.Duration(p.Enc.Period)},
	}
}

func suiteNames(suites []keys.Suite) []string {
	var names []string
	for _, s := range suites {
		names = append(names, s.String())
	}
	return names
}

var errUnknownSuite = fmt.Errorf("%w: unknown suite", ErrPolicy)

func (d policyDocument) policy() (Policy, error) {
	sig, err := keys.ParseSuite(d.Sig.Suite)
	if err != nil || len(d.Enc.Suites) == 0 { // for none, withDefaults would fill in its own
		return Policy{}, errUnknownSuite
	}
	var enc []keys.Suite
	for _, name := range d.Enc.Suites {
		s, err := keys.ParseSuite(name)
		if err != nil {
			return Policy{}, errUnknownSuite
		}
		enc = append(enc, s)
	}
	p := Policy{
		MaxAge: time.Duration(d.MaxAge),
		Sig:    UsePolicy{[]keys.Suite{sig}, time.Duration(d.Sig.Period)},
		Enc:    UsePolicy{enc, time.Duration(d.Enc.Period)},
	}
	p.setFigures(d.Figures)
	return p, p.check()
}

func (d policyDocument) period(u keys.Use) time.Duration {
	if u == keys.UseSig {
		return time.Duration(d.Sig.Period)
	}
	return time.Duration(d.Enc.Period)
}

// held returns the number of keys whose material the ring has.
func (d *document) held() int {
	n := 0
	for _, r := range d.Keys {
		if len(r.JWK) != 0 {
			n++
		}
	}
	return n
}

// checkHeld refuses another key in a ring that holds maxHeld keys.
func (d *document) checkHeld() error {
	if d.held() < maxHeld {
		return nil
	}
	return fmt.Errorf("%w: the ring holds %d keys and takes no more: wait until retired keys are destroyed, or revoke those that no token needs",
		ErrState, maxHeld)
}

// checkRoom refuses a change that adds a key to a full ring, unless the change is a revocation.
// size is the size in bytes of the ring after the change.
func (d *draft) checkRoom(before *document, size int) error {
	if size <= maxRing || d.revokes || d.held() <= before.held() {
		return nil
	}
	return fmt.Errorf("%w: the ring is full: it has %d bytes of %d, nearly all for the kids of ended keys; "+
		"a revocation still works; make a new ring and move to it", ErrState, size, maxRing)
}

// makeRoom erases revoked decryption keys until the ring holds no more than maxHeld keys or no
// revoked key is left. It erases the key that was revoked first before the others. Tokens for the
// erased keys fail. A revocation makes new keys, and is never refused for lack of room.
func (d *document) makeRoom() {
	for d.held() > maxHeld {
		var first *record
		for i := range d.Keys {
			if r := &d.Keys[i]; r.State == Revoked && len(r.JWK) != 0 && (first == nil || r.Ended.Before(first.Ended)) {
				first = r
			}
		}
		if first == nil {
			return
		}
		first.erase()
	}
}

// bury makes all tombstones compact except the tombstones of the endedLength keys that ended
// last. A compact tombstone has no date, no reason and no algorithm.
func (d *document) bury() {
	var ended []*record
	for i := range d.Keys {
		r := &d.Keys[i]
		if len(r.JWK) != 0 {
			continue
		}
		if tombstone.IsGenerated(r.ID, r.Thumbprint) {
			r.Thumbprint = ""
		}
		ended = append(ended, r)
	}
	slices.SortStableFunc(ended, func(a, b *record) int { return a.Ended.Compare(b.Ended) })
	gone := make(map[string]bool)
	for _, r := range ended[:max(0, len(ended)-endedLength)] {
		gone[r.ID] = true
		d.Ended.Add(tombstone.Tombstone{KeyID: r.ID, Thumbprint: r.Thumbprint, Use: r.Use, Revoked: r.State == Revoked})
	}
	d.Keys = slices.DeleteFunc(d.Keys, func(r record) bool { return gone[r.ID] })
}
