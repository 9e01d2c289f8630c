// Package ringv1 turns the document of a ring in format version 1 into the form of version 2. The
// library reads version 1 for ever, and never writes it again.
package ringv1

import (
	"bytes"
	"encoding/json"

	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// document has the members of a document of version 1, which has all its tombstones among its
// keys, and no identity.
type document struct {
	Version    json.RawMessage `json:"v,omitempty"`
	Generation json.RawMessage `json:"generation,omitempty"`
	Nonce      json.RawMessage `json:"nonce,omitempty"`
	Slots      json.RawMessage `json:"slots,omitempty"`
	History    json.RawMessage `json:"history,omitempty"`
	Policy     policy          `json:"policy"`
	Former     json.RawMessage `json:"former,omitempty"`
	Keys       json.RawMessage `json:"keys,omitempty"`
	Log        json.RawMessage `json:"log,omitempty"`
}

type policy struct {
	window.Figures
	MaxAge window.Duration `json:"max_age"`
	Sig    json.RawMessage `json:"sig,omitempty"`
	Enc    encPolicy       `json:"enc"`
}

// encPolicy has one suite in version 1, and a list of suites in version 2.
type encPolicy struct {
	Suite  string          `json:"alg"`
	Period window.Duration `json:"period"`
}

// MarshalJSON writes the suite as the list of version 2.
func (p encPolicy) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Suites []string        `json:"algs"`
		Period window.Duration `json:"period"`
	}{[]string{p.Suite}, p.Period})
}

// Upgrade returns a document of version 1 with the members that version 2 has. Its version
// stays 1, and it has no identity until its next write. Upgrade returns an error for a member
// that version 1 does not have at its place. Histories, former policies, signing policies, keys
// and logs have the same members in both versions. Upgrade copies them unread, and the caller
// checks them.
func Upgrade(data []byte) ([]byte, error) {
	var d document
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, err
	}
	return json.Marshal(d)
}
