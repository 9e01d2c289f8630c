// Package moved holds the two documents that stand in a store while a ring moves, in place of a
// ring. Neither is a ring: every version of sealjwt refuses both.
package moved

import (
	"bytes"
	"encoding/json"
	"unicode"
	"unicode/utf8"
)

// version is none of the versions of a ring.
const version = 3

// maxPlace is the longest name of a place in bytes.
const maxPlace = 4096

// Document stands where a ring was, or where one will be.
type Document struct {
	Version int    `json:"v"`
	Move    string `json:"move"`           // random, the same in both places
	To      string `json:"to,omitempty"`   // where the ring was: its new place
	From    string `json:"from,omitempty"` // where the ring will be: its old place
	Ring    string `json:"ring,omitempty"` // where the ring will be: the ring, encrypted as in its store
}

// IsPlace reports whether a text can name a place.
func IsPlace(text string) bool {
	if text == "" || len(text) > maxPlace || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Parse returns the document in the data, and false for all other data.
func Parse(data []byte) (d Document, ok bool) {
	if !bytes.HasPrefix(data, []byte(`{"v":3,`)) || json.Unmarshal(data, &d) != nil || d.Version != version || d.Move == "" {
		return Document{}, false
	}
	was, will := IsPlace(d.To) && d.From == "" && d.Ring == "", d.To == "" && IsPlace(d.From) && d.Ring != ""
	if !was && !will {
		return Document{}, false
	}
	// One spelling only, as of a ring.
	again, err := d.Encode()
	if err != nil || !bytes.Equal(again, data) {
		return Document{}, false
	}
	return d, true
}

// Encode returns the bytes that a store holds.
func (d Document) Encode() ([]byte, error) {
	d.Version = version
	return json.Marshal(d)
}

// Text says why there is no ring.
func (d Document) Text() string {
	if d.To != "" {
		return "the ring was moved to " + d.To
	}
	return "a move of the ring " + d.From + " to here has not ended"
}
