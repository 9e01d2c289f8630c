package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/window"
	"github.com/sealjwt/sealjwt/keys/strict"
)

var errOtherVersion = errors.New("it was written by another version of sealjwt: use that one or a newer one")

// decodeDocument reads a document that has been authenticated. It is strict all
// the same: a member it does not know would be lost at the next write.
func decodeDocument(data []byte) (*document, error) {
	o, err := strict.ParseObject(data)
	if err != nil {
		return nil, err
	}
	version, _ := o.Raw("v")
	switch string(version) {
	case "1":
		return decodeVersion1(data)
	case "2":
		return decodeVersion2(data)
	}
	return nil, errOtherVersion
}

func decodeVersion2(data []byte) (*document, error) {
	var d document
	if err := decodeStrictly(data, &d); err != nil {
		return nil, err
	}
	if id, err := strict.DecodeBase64URL(d.Identity); err != nil || len(id) != identitySize {
		return nil, fmt.Errorf("it has no identity")
	}
	return &d, nil
}

// documentV1 is a document of version 1. It has all its tombstones among its keys, and one
// suite for encryption. It is read, and never written again.
type documentV1 struct {
	Version    int            `json:"v"`
	Generation uint64         `json:"generation"`
	Nonce      string         `json:"nonce"`
	Slots      string         `json:"slots"`
	History    []Checkpoint   `json:"history"`
	Policy     policyV1       `json:"policy"`
	Former     window.Formers `json:"former"`
	Keys       []record       `json:"keys"`
	Log        []Event        `json:"log"`
}

type policyV1 struct {
	window.Figures
	MaxAge window.Duration   `json:"max_age"`
	Sig    sigPolicyDocument `json:"sig"`
	Enc    sigPolicyDocument `json:"enc"`
}

func decodeVersion1(data []byte) (*document, error) {
	var v documentV1
	if err := decodeStrictly(data, &v); err != nil {
		return nil, err
	}
	return &document{
		Version: v.Version, Generation: v.Generation, Nonce: v.Nonce, Slots: v.Slots, History: v.History,
		Policy: policyDocument{
			Figures: v.Policy.Figures, MaxAge: v.Policy.MaxAge, Sig: v.Policy.Sig,
			Enc: encPolicyDocument{[]string{v.Policy.Enc.Suite}, v.Policy.Enc.Period},
		},
		Former: v.Former, Keys: v.Keys, Log: v.Log,
	}, nil
}

func decodeStrictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if dec.Decode(into) != nil {
		return errOtherVersion
	}
	return nil
}
