package strict

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"unsafe"
)

// maxKept is the size in bytes up to which a buffer is kept for the next text: a
// stranger's long one must not hold on to memory for good.
const maxKept = 64 << 10

// scanners are kept for their buffers. What an Object refers to is never in one.
var scanners = sync.Pool{New: func() any {
	return &scanner{
		members: make([]member, 0, 16), // of a usual header or claims set
		names:   make([]name, 0, 16),
		folded:  make([]byte, 0, 128),
		seed:    maphash.MakeSeed(),
	}
}}

// newScanner returns a scanner of a whole text, to be released.
func newScanner(data []byte) *scanner {
	s := scanners.Get().(*scanner)
	s.data, s.pos, s.values = data, 0, 1
	// The buffers are made at once, to be spared the steps by which they grow. No seventh
	// of the text can end a name, from the sixteenth on; in a long text, which is as a
	// rule one of long strings, nothing can that is no colon.
	if room := min(len(data)/7+16, MaxValues); room > cap(s.names) {
		if len(data) > 4<<10 {
			room = min(room, bytes.Count(data, []byte(":")))
		}
		s.members, s.names = slices.Grow(s.members, room), slices.Grow(s.names, room)
	}
	return s
}

// release gives the buffers back, wiped: the names of claims are somebody's data, and
// a later text has no business with them.
func (s *scanner) release() {
	s.data = nil
	s.members, s.names = kept(s.members), kept(s.names)
	s.folded, s.unescaped = kept(s.folded), kept(s.unescaped)
	s.table = kept(s.table[:0])
	scanners.Put(s)
}

// kept wipes what buf holds and returns it empty, or nil if it is too large.
func kept[T any](buf []T) []T {
	var one T
	if cap(buf)*int(unsafe.Sizeof(one)) > maxKept {
		return nil
	}
	clear(buf)
	return buf[:0]
}
