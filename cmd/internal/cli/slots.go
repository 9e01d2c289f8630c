package cli

import (
	"encoding/json"
	"regexp"
	"slices"
)

// passphraseID is the id that the library gives to the slot of a passphrase. A ring has at most one
// such slot.
const passphraseID = "passphrase"

// slot is one way to open a ring: the id of the KEK and the kind of its source.
type slot struct {
	ID   string `json:"kek"`
	Kind string `json:"kind"`
	File string `json:"file,omitempty"` // the path of the key file of this run, if it opens this slot
}

type slots []slot

func (s slots) has(id string) bool {
	return slices.ContainsFunc(s, func(s slot) bool { return s.ID == id })
}

// keyFileID matches the id that the library gives to a key file, the beginning of a digest.
var keyFileID = regexp.MustCompile(`^[A-Za-z0-9_-]{16}$`)

// slotsOf returns the slots that the document of a ring names. They are not verified, and decide
// only what the user is asked and shown.
func slotsOf(ring []byte) (found slots) {
	var text struct {
		Slots []slot `json:"slots"`
	}
	if json.Unmarshal(ring, &text) != nil {
		return nil
	}
	for _, s := range text.Slots {
		kind := "other"
		switch {
		case s.ID == passphraseID:
			kind = "passphrase"
		case keyFileID.MatchString(s.ID):
			kind = "key file"
		}
		found = append(found, slot{ID: s.ID, Kind: kind})
	}
	return found
}
