package sessions

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// tally is the count and the digest of a set of entries with their minutes. The digest is the sum
// of SHA-256(entry, minute) modulo 2^256, so entries can be added and removed in any order, at the
// cost of one hash each: a digest of the sorted list would cost a sort of all entries for each
// frame.
//
// The tally shows that entries were lost, but not which. It does not stop a forger: the signature
// of the frame with the tally does. For chosen entries an attacker could find two sets with the
// same sum. That does not help, because the issuer makes the ids at random: an attacker between
// hub and verifier can drop frames but cannot choose entries.
type tally struct {
	count int
	sum   [4]uint64 // the least significant word first
}

// term returns what an entry adds to the sum.
func (e timedEntry) term() (t [4]uint64) {
	var b [len(e.Entry) + 4]byte
	copy(b[:], e.Entry[:])
	binary.BigEndian.PutUint32(b[len(e.Entry):], e.minute)
	h := sha256.Sum256(b[:])
	for i := range t {
		t[i] = binary.LittleEndian.Uint64(h[8*i:])
	}
	return t
}

// add adds an entry that is not in the set.
func (t *tally) add(e timedEntry) { t.join(tally{1, e.term()}) }

// remove removes an entry that is in the set.
func (t *tally) remove(e timedEntry) {
	term, borrow := e.term(), uint64(0)
	for i := range t.sum {
		t.sum[i], borrow = bits.Sub64(t.sum[i], term[i], borrow)
	}
	t.count--
}

// join adds the entries of another set. No entry may be in both sets.
func (t *tally) join(other tally) {
	carry := uint64(0)
	for i := range t.sum {
		t.sum[i], carry = bits.Add64(t.sum[i], other.sum[i], carry)
	}
	t.count += other.count
}

// text returns the sum as the member x of a frame.
func (t *tally) text() string {
	var b [32]byte
	for i, word := range t.sum {
		binary.LittleEndian.PutUint64(b[8*i:], word)
	}
	return strict.EncodeBase64URL(b[:])
}

func parseTally(n int, x string) (tally, error) {
	b, err := strict.DecodeBase64URL(x)
	if err != nil || len(b) != 32 {
		return tally{}, badFrame("x is not 32 bytes in base64url")
	}
	t := tally{count: n}
	for i := range t.sum {
		t.sum[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return t, nil
}

// tallies has one tally for the entries of each minute in which they may be forgotten. The date of
// the frame decides which minutes count, so hub and verifier count the same entries although their
// clocks differ.
type tallies map[uint32]*tally

func (t tallies) add(e timedEntry) {
	if t[e.minute] == nil {
		t[e.minute] = new(tally)
	}
	t[e.minute].add(e)
}

func (t tallies) remove(e timedEntry) {
	if t[e.minute] != nil {
		t[e.minute].remove(e)
	}
}

// after returns the tally of the entries whose minute is later than the given one.
func (t tallies) after(minute uint32) (all tally) {
	for m, of := range t {
		if m > minute {
			all.join(*of)
		}
	}
	return all
}

// drop forgets the tallies of the minute past and of all before.
func (t tallies) drop(past uint32) {
	for m := range t {
		if m <= past {
			delete(t, m)
		}
	}
}
