// Package moved reads and writes the two documents that stores hold in place of a ring when the
// ring is moved to another store (package ringmove): one in the old store, one in the new store.
// Every version of sealjwt refuses to open such a document as a ring.
package moved

import (
	"bytes"
	"encoding/json"
	"unicode"
	"unicode/utf8"
)

// version is a format version that no ring has, so that no ring passes for a Document.
const version = 3

// maxPlace is the length of the longest name of a place in bytes.
const maxPlace = 4096

// Document is in the store from which a ring was moved, and then has To; or it is in the store to
// which a ring is being moved, and then has From and Ring. A place is the name of a store for
// people, such as the path of its file.
type Document struct {
	Version int    `json:"v"`
	Move    string `json:"move"`           // random; both documents of a move have the same text
	To      string `json:"to,omitempty"`   // the new place of the ring
	From    string `json:"from,omitempty"` // the old place of the ring
	Ring    string `json:"ring,omitempty"` // the ring, encrypted, as its old store held it
}

// IsPlace reports whether a text can name a place: 1 to 4096 bytes of printable UTF-8.
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
	// Only the spelling of Encode passes, as for a ring.
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

// Text returns a sentence that says why the store has no ring.
func (d Document) Text() string {
	if d.To != "" {
		return "the ring was moved to " + d.To
	}
	return "a move of the ring " + d.From + " to here has not ended"
}
