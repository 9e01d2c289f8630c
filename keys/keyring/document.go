package keyring

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
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
	historyLength   = 64  // pairs of generation and nonce that a ring remembers
	logLength       = 256 // transitions that a ring remembers
	nonceSize       = 16  // bytes
	identitySize    = 16  // bytes
)

// document is the content of a ring before it is encrypted. It never changes once other
// goroutines can see it: a change makes a new one. One of version 1 has neither an identity
// nor compact tombstones; stamp makes it one of version 2.
type document struct {
	Version    int             `json:"v"`
	Identity   string          `json:"ring,omitempty"` // random, base64url, the same for ever
	Generation uint64          `json:"generation"`
	Nonce      string          `json:"nonce"`
	Slots      string          `json:"slots"` // SHA-256 of the slots beside it, base64url
	History    []Checkpoint    `json:"history,omitempty"`
	Policy     policyDocument  `json:"policy"`
	Former     []formerWindows `json:"former,omitempty"`
	Keys       []record        `json:"keys"`           // held, and the tombstones of those that ended last
	Ended      tombstone.Set   `json:"ended,omitzero"` // of all others
	Log        []Event         `json:"log,omitempty"`
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
	Windows    windowDocument  `json:"windows,omitzero"` // the largest in force while in use; none in a tombstone
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

// windowDocument is the part of a policy from which the windows follow.
// Durations are written as Go prints them, "1h0m0s".
type windowDocument struct {
	TokenLifetime duration `json:"token_lifetime"`
	Leeway        duration `json:"leeway"`
	ClockSkew     duration `json:"clock_skew"`
	CacheAge      duration `json:"cache_age"`
	PublishLag    duration `json:"publish_lag"`
	SnapshotAge   duration `json:"snapshot_age"`
}

// formerWindows are the windows of a policy that was replaced. They count for new keys
// until the last cache and the last snapshot from its time are gone.
type formerWindows struct {
	windowDocument
	Until time.Time `json:"until"`
	Due   time.Time `json:"due,omitzero"` // first found to count no more
}

func (w windowDocument) windows() Windows {
	return Policy{
		TokenLifetime: time.Duration(w.TokenLifetime), Leeway: time.Duration(w.Leeway), ClockSkew: time.Duration(w.ClockSkew),
		CacheAge: time.Duration(w.CacheAge), PublishLag: time.Duration(w.PublishLag), SnapshotAge: time.Duration(w.SnapshotAge),
	}.Windows()
}

// widest takes the larger of each duration.
func (w windowDocument) widest(o windowDocument) windowDocument {
	return windowDocument{
		TokenLifetime: max(w.TokenLifetime, o.TokenLifetime), Leeway: max(w.Leeway, o.Leeway), ClockSkew: max(w.ClockSkew, o.ClockSkew),
		CacheAge: max(w.CacheAge, o.CacheAge), PublishLag: max(w.PublishLag, o.PublishLag), SnapshotAge: max(w.SnapshotAge, o.SnapshotAge),
	}
}

type policyDocument struct {
	windowDocument
	MaxAge duration          `json:"max_age"`
	Sig    sigPolicyDocument `json:"sig"`
	Enc    encPolicyDocument `json:"enc"`
}

type sigPolicyDocument struct {
	Suite  string   `json:"alg"`
	Period duration `json:"period"`
}

type encPolicyDocument struct {
	Suites []string `json:"algs"`
	Period duration `json:"period"`
}

type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

func newPolicyDocument(p Policy) policyDocument {
	return policyDocument{
		windowDocument: windowDocument{
			TokenLifetime: duration(p.TokenLifetime), Leeway: duration(p.Leeway), ClockSkew: duration(p.ClockSkew),
			CacheAge: duration(p.CacheAge), PublishLag: duration(p.PublishLag), SnapshotAge: duration(p.SnapshotAge),
		},
		MaxAge: duration(p.MaxAge),
		Sig:    sigPolicyDocument{p.Sig.Suites[0].String(), duration(p.Sig.Period)},
		Enc:    encPolicyDocument{suiteNames(p.Enc.Suites), duration(p.Enc.Period)},
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
		TokenLifetime: time.Duration(d.TokenLifetime), Leeway: time.Duration(d.Leeway), ClockSkew: time.Duration(d.ClockSkew),
		CacheAge: time.Duration(d.CacheAge), PublishLag: time.Duration(d.PublishLag), SnapshotAge: time.Duration(d.SnapshotAge),
		MaxAge: time.Duration(d.MaxAge),
		Sig:    UsePolicy{[]keys.Suite{sig}, time.Duration(d.Sig.Period)},
		Enc:    UsePolicy{enc, time.Duration(d.Enc.Period)},
	}
	return p, p.check()
}

func (d policyDocument) period(u keys.Use) time.Duration {
	if u == keys.UseSig {
		return time.Duration(d.Sig.Period)
	}
	return time.Duration(d.Enc.Period)
}

func (d *document) checkpoint() Checkpoint {
	return Checkpoint{Generation: d.Generation, Nonce: d.Nonce, Ring: d.Identity}
}

// succeeds reports whether d was made from the document of the checkpoint seen, by any
// number of writes, or whether seen is zero. Only as many as history holds can be told: beyond that the
// higher generation has to do.
func (d *document) succeeds(seen Checkpoint) bool {
	return seen == (Checkpoint{}) || d.isRing(seen) && (d.contains(seen) || d.Generation > seen.Generation+historyLength)
}

// isRing reports whether seen can be of this ring. A checkpoint of version 1 names no ring.
// A ring of version 2 never becomes one of version 1 again.
func (d *document) isRing(seen Checkpoint) bool { return seen.Ring == "" || seen.Ring == d.Identity }

// contains reports whether seen is this generation or one in its history.
func (d *document) contains(seen Checkpoint) bool {
	pair := Checkpoint{Generation: seen.Generation, Nonce: seen.Nonce}
	return d.isRing(seen) && (pair == Checkpoint{Generation: d.Generation, Nonce: d.Nonce} || slices.Contains(d.History, pair))
}
