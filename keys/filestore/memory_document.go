//go:build unix

package filestore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// seenVersion is the version of the file of a [Memory]. Version 1 had no member for its
// version: it was an object whose names were paths and whose values were checkpoints.
const seenVersion = 2

// seenDocument is the content of the file of a [Memory].
type seenDocument struct {
	Version int `json:"v"`

	// Places has, for each place, the identity of the ring that was seen at it. A ring of format
	// version 1 has no identity: its value is its generation and nonce, as pair spells them.
	Places map[string]string `json:"places"`

	// Rings has, for the identity of each ring, its newest generation and nonce, spelled so too.
	Rings map[string]string `json:"rings"`
}

func newSeenDocument() *seenDocument {
	return &seenDocument{Version: seenVersion, Places: map[string]string{}, Rings: map[string]string{}}
}

// decodeSeen reads a file of version 1 or 2. It returns [keys.ErrMalformed] for any other content.
func decodeSeen(data []byte) (*seenDocument, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || len(members) == 0 {
		return nil, malformedSeen("no object with members")
	}
	if _, ok := members["v"]; !ok {
		return decodeFirstSeen(members)
	}
	d := new(seenDocument)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil || d.Version != seenVersion || d.Places == nil || d.Rings == nil {
		return nil, malformedSeen("a format that this version of sealjwt does not know")
	}
	for identity, pair := range d.Rings {
		if isPair(identity) || parsePair(pair, identity) == (keyring.Checkpoint{}) {
			return nil, malformedSeen("a ring without a generation and a nonce")
		}
	}
	for _, ring := range d.Places {
		if _, known := d.Rings[ring]; !known && parsePair(ring, "") == (keyring.Checkpoint{}) {
			return nil, malformedSeen("a place without a ring")
		}
	}
	return d, nil
}

// decodeFirstSeen reads a file of version 1. It resolves the links in the paths, because programs
// that wrote version 1 did not.
func decodeFirstSeen(members map[string]json.RawMessage) (*seenDocument, error) {
	d := newSeenDocument()
	for path, member := range members {
		var text string
		if err := json.Unmarshal(member, &text); err != nil {
			return nil, malformedSeen("a member that is not a text")
		}
		c := parseFirst(text)
		if c == (keyring.Checkpoint{}) {
			return nil, malformedSeen("a place without a generation and a nonce")
		}
		// Of two paths that lead to one place, and of two places of one ring, the newer
		// checkpoint counts.
		if old := parsePair(d.Rings[c.Ring], c.Ring); old.Generation > c.Generation {
			c = old
		}
		place := resolve(path)
		if here, _ := d.checkpoints(place); here.Generation <= c.Generation {
			d.put(place, c)
		}
	}
	return d, nil
}

func malformedSeen(text string) error {
	return fmt.Errorf("%w: it holds %s", keys.ErrMalformed, text)
}

// encode returns the content of the file, or an error if Load would refuse the file as too large.
func (d *seenDocument) encode() ([]byte, error) {
	data, err := json.Marshal(d)
	if err == nil && len(data) >= MaxSize {
		err = errors.New("filestore: the memory of the rings is full: move its file away")
	}
	return append(data, '\n'), err
}

// isPair reports whether a value of Places is a generation and a nonce, as pair returns them, and
// not an identity. An identity has no colon.
func isPair(text string) bool { return strings.Contains(text, ":") }

// pair returns the generation and the nonce of c, with a colon between them.
func pair(c keyring.Checkpoint) string {
	return strconv.FormatUint(c.Generation, 10) + ":" + c.Nonce
}

// parsePair reads a text of pair and returns it as a checkpoint of the ring with this identity.
// It returns the zero Checkpoint for every other text.
func parsePair(text, identity string) keyring.Checkpoint {
	generation, nonce, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(generation, 10, 64)
	if err != nil || nonce == "" || strings.Contains(nonce, "/") {
		return keyring.Checkpoint{}
	}
	return keyring.Checkpoint{Generation: n, Nonce: nonce, Ring: identity}
}

// parseFirst reads a checkpoint as the first version of the file spelled it: the pair, behind
// the identity and a slash where the ring had an identity. It returns the zero Checkpoint for
// every other text.
func parseFirst(text string) keyring.Checkpoint {
	identity, pair, named := strings.Cut(text, "/")
	switch {
	case !named:
		return parsePair(text, "")
	case identity == "":
		return keyring.Checkpoint{}
	}
	return parsePair(pair, identity)
}

// checkpoints returns the newest checkpoint of the ring at a place, and the newest checkpoint of
// every ring that has an identity.
func (d *seenDocument) checkpoints(place string) (here keyring.Checkpoint, rings []keyring.Checkpoint) {
	for identity, text := range d.Rings {
		rings = append(rings, parsePair(text, identity))
	}
	ring, known := d.Places[place]
	switch {
	case !known:
		return keyring.Checkpoint{}, rings
	case isPair(ring):
		return parsePair(ring, ""), rings
	}
	return parsePair(d.Rings[ring], ring), rings
}

// save makes newest the checkpoint of the place and of its ring. If the document has a checkpoint
// of the ring with the same or a higher generation, that checkpoint stays. save refuses a place
// where a ring with another identity was seen.
func (d *seenDocument) save(place string, newest keyring.Checkpoint) (changed bool, err error) {
	here, _ := d.checkpoints(place)
	if here.Ring != "" && here.Ring != newest.Ring {
		return false, fmt.Errorf("%w: another ring was seen at %s meanwhile", keyring.ErrRollback, place)
	}
	old := here
	if newest.Ring != "" {
		old = parsePair(d.Rings[newest.Ring], newest.Ring)
	}
	if old.Generation >= newest.Generation {
		newest = old
	}
	if here == newest {
		return false, nil
	}
	d.put(place, newest)
	return true, nil
}

// accept makes now the newest checkpoint of its ring and of the place. The zero Checkpoint
// removes the place.
func (d *seenDocument) accept(place string, now keyring.Checkpoint) (changed bool) {
	if now == (keyring.Checkpoint{}) {
		delete(d.Places, place)
	} else {
		d.put(place, now)
	}
	return true
}

// put sets the ring of the place and the checkpoint of that ring, whatever they were.
func (d *seenDocument) put(place string, c keyring.Checkpoint) {
	if c.Ring == "" {
		d.Places[place] = pair(c)
		return
	}
	d.Places[place] = c.Ring
	d.Rings[c.Ring] = pair(c)
}
