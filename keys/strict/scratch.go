package strict

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
)

// mostMembers is the capacity up to which the pool keeps a scanner's buffers for members and
// names.
const mostMembers = 1024

// scanners keeps scanners for their buffers. No Object refers to memory of a scanner in this
// pool.
var scanners = sync.Pool{New: func() any {
	s := &scanner{
		members: make([]member, 0, 16), // enough for a usual header or claims set
		names:   make([]name, 0, 16),
		seed:    maphash.MakeSeed(),
	}
	for i := range s.folded {
		s.folded[i] = make([]byte, 0, 64)
	}
	return s
}}

// newScanner returns a scanner at the start of a text. The caller must call release.
func newScanner(data []byte) *scanner {
	s := scanners.Get().(*scanner)
	s.data, s.pos, s.values, s.named, s.foldTo = data, 0, 1, 0, 0
	// Reserve once, so that the buffers need not grow step by step. An object of n bytes has at
	// most n/7+16 distinct names, and at most one for each colon. The colons of a long text are
	// counted, because a long text is mostly long strings and has few.
	if room := min(len(data)/7+16, MaxMembers); room > cap(s.names) {
		if len(data) > 4<<10 {
			room = min(room, bytes.Count(data, []byte(":")))
		}
		s.members, s.names = slices.Grow(s.members, room), slices.Grow(s.names, room)
	}
	return s
}

// keepMembers returns the members for an Object: a copy, so that the buffer can be used again,
// or, if there are very many, the buffer itself.
func (s *scanner) keepMembers() []member {
	if cap(s.members) <= mostMembers {
		return slices.Clone(s.members)
	}
	members := s.members
	s.members = nil
	return members
}

// release wipes the buffers and gives the scanner back to the pool: the names of claims are
// personal data, and must not reach the reader of a later text.
func (s *scanner) release() {
	s.data = nil
	s.unescaped, s.decoded = kept(s.unescaped), kept(s.decoded)
	for i := range s.folded {
		s.folded[i] = kept(s.folded[i])
	}
	clear(s.names) // after a refusal s.names still has the hashes of names
	if s.members, s.names = s.members[:0], s.names[:0]; max(cap(s.members), cap(s.names)) > mostMembers {
		s.members, s.names = nil, nil
	}
	if cap(s.table) > 2*mostMembers {
		s.table = nil
	}
	scanners.Put(s)
}

// kept wipes the whole memory of buf and returns buf empty, or nil if it is too large:
// otherwise one long text of an attacker would keep memory in use for good.
func kept(buf []byte) []byte {
	if cap(buf) > mostKept {
		return nil
	}
	clear(buf[:cap(buf)])
	return buf[:0]
}

// mostKept is the longest buffer for names that is kept, in bytes.
const mostKept = 1 << 10
