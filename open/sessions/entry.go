package sessions

import (
	"crypto/sha256"
	"encoding/binary"
)

// The kinds of an [Entry], each named after the claim that holds the id.
const (
	kindSession = "sid"
	kindToken   = "jti"
)

// entryOf returns the Entry of a session or a token. The id is the text of the claim. Each part has
// its length before it, so that no other kind, issuer and id give the same input to the hash.
//
// An Entry is a hash and not the id itself: an issuer may use the sid as a login cookie too, and
// readers of the feed must not learn it.
func entryOf(kind, issuer, id string) Entry {
	var room [512]byte // no allocation for an issuer and an id of usual lengths
	b := room[:0]
	for _, part := range [...]string{kind, issuer, id} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return Entry(sum[:len(Entry{})])
}
