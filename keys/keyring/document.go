package keyring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
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
	documentVersion = 1
	historyLength   = 64  // pairs of generation and nonce that a ring remembers
	logLength       = 256 // transitions that a ring remembers
	nonceSize       = 16  // bytes
)

// document is the content of a ring before it is encrypted. It never changes once other
// goroutines can see it: a change makes a new one.
type document struct {
	Version    int             `json:"v"`
	Generation uint64          `json:"generation"`
	Nonce      string          `json:"nonce"`
	Slots      string          `json:"slots"` // SHA-256 of the slots beside it, base64url
	History    []Checkpoint    `json:"history,omitempty"`
	Policy     policyDocument  `json:"policy"`
	Former     []formerWindows `json:"former,omitempty"`
	Keys       []record        `json:"keys"`
	Log        []Event         `json:"log,omitempty"`
}

// record is one key and its life.
type record struct {
	ID         string          `json:"kid"`
	Thumbprint string          `json:"thumbprint"`
	Suite      string          `json:"alg"` // its name, which tells the curve; that in jwk does not
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
	Sig    usePolicyDocument `json:"sig"`
	Enc    usePolicyDocument `json:"enc"`
}

type usePolicyDocument struct {
	Suite  string   `json:"alg"`
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
		Sig:    usePolicyDocument{p.Sig.Suites[0].String(), duration(p.Sig.Period)},
		Enc:    usePolicyDocument{p.Enc.Suites[0].String(), duration(p.Enc.Period)},
	}
}

func (d policyDocument) policy() (Policy, error) {
	sig, errSig := keys.ParseSuite(d.Sig.Suite)
	enc, errEnc := keys.ParseSuite(d.Enc.Suite)
	if errSig != nil || errEnc != nil {
		return Policy{}, fmt.Errorf("%w: unknown suite", ErrPolicy)
	}
	p := Policy{
		TokenLifetime: time.Duration(d.TokenLifetime), Leeway: time.Duration(d.Leeway), ClockSkew: time.Duration(d.ClockSkew),
		CacheAge: time.Duration(d.CacheAge), PublishLag: time.Duration(d.PublishLag), SnapshotAge: time.Duration(d.SnapshotAge),
		MaxAge: time.Duration(d.MaxAge),
		Sig:    UsePolicy{[]keys.Suite{sig}, time.Duration(d.Sig.Period)},
		Enc:    UsePolicy{[]keys.Suite{enc}, time.Duration(d.Enc.Period)},
	}
	return p, p.Validate()
}

func (d policyDocument) period(u keys.Use) time.Duration {
	if u == keys.UseSig {
		return time.Duration(d.Sig.Period)
	}
	return time.Duration(d.Enc.Period)
}

// decodeDocument reads a document that has been authenticated. It is strict all
// the same: a member it does not know would be lost at the next write.
func decodeDocument(data []byte) (*document, error) {
	if _, err := strict.ParseObject(data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var d document
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("it was written by another version of sealjwt: use that one or a newer one")
	}
	if d.Version != documentVersion {
		return nil, fmt.Errorf("document version %d is not known to this version of sealjwt", d.Version)
	}
	return &d, nil
}

func (d *document) checkpoint() Checkpoint { return Checkpoint{d.Generation, d.Nonce} }

// succeeds reports whether d was made from the document of the checkpoint seen, by any
// number of writes. Only as many as history holds can be told: beyond that the
// higher generation has to do.
func (d *document) succeeds(seen Checkpoint) bool {
	return d.contains(seen) || d.Generation > seen.Generation+historyLength
}

// contains reports whether seen is this generation or one in its history.
func (d *document) contains(seen Checkpoint) bool {
	return d.checkpoint() == seen || slices.Contains(d.History, seen)
}
