// Package moved reads and writes the documents that stores hold in place of a ring when the ring is
// moved to another store (package ringmove). Every version of sealjwt refuses to open such a
// document as a ring.
package moved

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
)

// version is a format version that no ring has, so that no ring passes for a Document.
const version = 3

// maxPlace is the length of the longest name of a place in bytes.
const maxPlace = 4096

// Document is in the store from which a ring was moved (then it has To), in the store to which a
// ring is being moved (then it has From and Ring), or in a store to which a ring did not come
// because it was moved elsewhere (then it has none of them, and the store counts as empty).
type Document struct {
	Version int        `json:"v"`
	Move    string     `json:"move"`            // random; both documents of a move have the same text
	To      string     `json:"to,omitempty"`    // the name of the new place of the ring
	From    string     `json:"from,omitempty"`  // the name of the old place of the ring
	Where   string     `json:"where,omitempty"` // tells that place from others of the same name; empty if the mover did not know
	Of      Checkpoint `json:"of,omitzero"`     // the ring; early documents lack it
	Ring    string     `json:"ring,omitempty"`  // the ring, encrypted, as its old store held it
}

// Checkpoint is a keyring.Checkpoint. Package keyring imports this package.
type Checkpoint struct {
	Generation uint64 `json:"generation"`
	Nonce      string `json:"nonce"`
	Ring       string `json:"ring,omitempty"`
}

// covers reports whether a copy of the ring at checkpoint c has all that a copy at the other
// checkpoint has. A ring of version 1 has no identity, so only an equal checkpoint is of the same
// ring.
func (c Checkpoint) covers(other Checkpoint) bool {
	if other.Ring == "" {
		return c == other && c != Checkpoint{}
	}
	return c.Ring == other.Ring && c.Generation >= other.Generation
}

// IsMark reports whether a ring has left the store.
func (d Document) IsMark() bool { return d.To != "" }

// IsComing reports whether a ring is being moved to the store.
func (d Document) IsComing() bool { return d.From != "" }

// IsVoid reports whether the store counts as empty.
func (d Document) IsVoid() bool { return d.Move != "" && d.To == "" && d.From == "" }

// IsDead reports whether the move that wrote d, which IsComing, can never go on. The mark is at
// the old place of that move, from which another move has taken the ring, or a later state of it.
func (d Document) IsDead(mark Document) bool { return d.Move != mark.Move && mark.Of.covers(d.Of) }

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
	switch empty := (Document{Version: d.Version, Move: d.Move}); {
	case d.Where != "" && !IsPlace(d.Where):
		return Document{}, false
	case IsPlace(d.To) && d.From == "" && d.Ring == "", d.To == "" && IsPlace(d.From) && d.Ring != "", d == empty:
	default:
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

// ErrMoved is ringmove.ErrMoved.
var ErrMoved = errors.New("ringmove: there is no ring here because of a move")

// Error is ringmove.Error.
type Error struct {
	To    string
	From  string
	Where string
}

// Error says what became of the ring.
func (e *Error) Error() string {
	switch {
	case e == nil:
		return "<nil>"
	case e.To != "":
		return "keyring: the ring was moved to " + e.Place()
	}
	return "keyring: a move of the ring " + e.Place() + " to here has not ended"
}

// Place returns the name of the other place, and where it is.
func (e *Error) Place() string {
	if e == nil {
		return ""
	}
	switch name := e.To + e.From; {
	case e.Where == "" || name == e.Where:
		return name
	case strings.HasPrefix(e.Where, name+" "):
		return e.Where
	default:
		return name + " (" + e.Where + ")"
	}
}

// Is reports whether target is ErrMoved or keyring.ErrUnreadable.
func (e *Error) Is(target error) bool { return target == ErrMoved || target == ringjwe.ErrUnreadable }

// Err returns the error for a store that holds d, which is not a void.
func (d Document) Err() error { return &Error{To: d.To, From: d.From, Where: d.Where} }
