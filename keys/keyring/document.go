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

// The states. Destroyed and revoked are final.
const (
	Staged    State = "staged"    // pre-activation: made known ahead of its use
	Active    State = "active"    // in use; exactly one for each use of a ring
	Retired   State = "retired"   // deactivated: still verifies, still opens
	Destroyed State = "destroyed" // a tombstone, so that its kid never comes back
	Revoked   State = "revoked"   // compromised; a tombstone that says so
)

const (
	documentVersion = 2
	nonceSize       = 16 // bytes
	identitySize    = 16 // bytes
)

// The bounds of a ring. With them it never fills up: only its compact tombstones grow, by 22
// bytes of the stored ring for each key that ends. window.MaxFormers bounds the former policies.
const (
	historyLength = 64  // pairs of generation and nonce that a ring remembers
	logLength     = 256 // transitions that a ring remembers
	endedLength   = 256 // ended keys of which a ring remembers the dates and the reasons
	maxText       = 256 // bytes of a reason, and of each text of an event, as JSON spells it
	// maxHeld is the number of keys that a ring holds at most. A rotation that has reached it
	// waits until a retired key is destroyed.
	maxHeld = 64
	// maxRing is the size in bytes at which a stored ring grows no more, except by a
	// revocation. Every Store takes half a megabyte beyond it.
	maxRing = 3 << 19
)

// document is the content of a ring before it is encrypted. It never changes once other
// goroutines can see it: a change makes a new one. One of version 1 has neither an identity
// nor compact tombstones; stamp makes it one of version 2.
type document struct {
	Version    int            `json:"v"`
	Identity   string         `json:"ring,omitempty"` // random, base64url, the same for ever
	Generation uint64         `json:"generation"`
	Nonce      string         `json:"nonce"`
	Slots      string         `json:"slots"` // SHA-256 of the slots beside it, base64url
	History    []Checkpoint   `json:"history,omitempty"`
	Policy     policyDocument `json:"policy"`
	Former     window.Formers `json:"former,omitempty"`
	Keys       []record       `json:"keys"`           // held, and the tombstones of those that ended last
	Ended      tombstone.Set  `json:"ended,omitzero"` // of all others
	Log        []Event        `json:"log,omitempty"`
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
	ID         string          `json:"kid"`
	Thumbprint string          `json:"thumbprint,omitempty"` // none in a tombstone whose kid heads it
	Suite      string          `json:"alg"`                  // its name, which tells the curve; that in jwk does not
	Use        keys.Use        `json:"use"`
	State      State           `json:"state"`
	Created    time.Time       `json:"created"`
	Activated  time.Time       `json:"activated,omitzero"`
	Retired    time.Time       `json:"retired,omitzero"`
	Ended      time.Time       `json:"ended,omitzero"` // destroyed or revoked
	Due        time.Time       `json:"due,omitzero"`   // first found due for destruction
	Reason     string          `json:"reason,omitempty"`
	Windows    window.Figures  `json:"windows,omitzero"` // the largest in force while in use; none in a tombstone
	JWK        json.RawMessage `json:"jwk,omitempty"`    // private, public once erased, none once final
}

// Event is one change of a ring, for its log.
type Event struct {
	Time       time.Time `json:"time"`
	Generation uint64    `json:"generation"`    // that the change wrote
	By         string    `json:"by"`            // user@host
	What       string    `json:"what"`          // such as "activate" or "revoke: compromised"
	KeyID      string    `json:"kid,omitempty"` // of the key that changed
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
	if err != nil || len(d.Enc.Suites) == 0 { // no default stands for what is stored
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

// checkHeld refuses another key in a ring that holds enough.
func (d *document) checkHeld() error {
	if d.held() < maxHeld {
		return nil
	}
	return fmt.Errorf("%w: the ring holds %d keys and takes no more: wait until retired keys are destroyed, or revoke those that no token needs",
		ErrState, maxHeld)
}

// makeRoom erases the decryption keys that were revoked first, while the ring holds too many
// keys, so that a revocation always has room. Their tokens fail.
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

// bury makes all tombstones compact except the tombstones of the keys that ended last. A
// compact tombstone has no date, no reason and no algorithm.
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
